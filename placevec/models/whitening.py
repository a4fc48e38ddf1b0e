"""Whitening as the last layer of a descriptor model."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.layers import PartialWhitening, Whitening
from placevec.models.descriptor_model import as_model, save_model, without_xla
from placevec.whole_file import require_free_file, require_writable

WHITENING = "whitening"


def append_whitening(
    model: keras.Model, mean: NDArray[np.float32], projection: NDArray[np.float32]
) -> keras.Model:
    """Appends whitening to a model. The last layer of the new model is named `whitening`.

    Args:
        model: keras.Model. A descriptor model of `(batch, D)`. The new model shares its layers.
        mean: (D,) float32. As `fit_whitening` returns it.
        projection: (D, d) float32. As `fit_whitening` returns it.

    Returns:
        keras.Model. Photos in, `(batch, d)` float32 of unit L2 norm out.
    """
    layer = Whitening(projection.shape[1], trainable=False, name=WHITENING)
    return _append(model, layer, mean, projection)


def append_partial_whitening(
    model: keras.Model, mean: NDArray[np.float32], directions: NDArray[np.float32]
) -> keras.Model:
    """Appends partial whitening to a model. The last layer of the new model is named `whitening`.

    Args:
        model: keras.Model. A descriptor model of `(batch, D)`. The new model shares its layers.
        mean: (D,) float32. As `fit_partial_whitening` returns it.
        directions: (D, r) float32. As `fit_partial_whitening` returns it.

    Returns:
        keras.Model. Photos in, `(batch, D)` float32 of unit L2 norm out.
    """
    layer = PartialWhitening(directions.shape[1], trainable=False, name=WHITENING)
    return _append(model, layer, mean, directions)


def remove_whitening(model: keras.Model) -> keras.Model:
    """Returns a model without its whole or partial whitening; unchanged if it has none."""
    if not _is_whitened(model):
        return model
    return without_xla(keras.Model(model.input, model.layers[-1].input, name=model.name))


def crop(
    model: keras.Model | Path | str,
    dim: int,
    out: Path | str | None = None,
    *,
    overwrite: bool = False,
) -> keras.Model:
    """Keeps the first dimensions of a whitened model's descriptor, scaled to unit length.

    The result equals whitening to `dim` on the same photos, because the first dimensions are the
    ones along which the photos vary most.

    Args:
        model: keras.Model, or the path of one. A descriptor model that ends in whitening. The new
            model shares its other layers.
        dim: int. Dimensions to keep.
        out: Path or None. The `.keras` file for the shorter model. None: write nothing.
        overwrite: bool. Replace an earlier file at `out`.

    Returns:
        keras.Model. Photos in, `(batch, dim)` float32 of unit L2 norm out.

    Raises:
        FileExistsError: If `out` exists, and `overwrite` is not set.
        FileNotFoundError: If the model, or the folder of `out`, is missing.
        ValueError: If the model does not end in whitening, has fewer dimensions, or `out` does not
            end in `.keras`.

    Example:
    >>> photos = keras.Input((None, None, 4))
    >>> model = keras.Model(photos, keras.layers.GlobalAveragePooling2D()(photos))
    >>> whitened = append_whitening(model, np.zeros(4), np.eye(4)[:, :3])
    >>> crop(whitened, 2)(np.ones((1, 5, 6, 4))).shape[1]
    2
    """
    if out is not None:
        require_writable(out, ".keras")  # refuse before the slow loading of the model
        require_free_file(out, overwrite=overwrite)
    network = as_model(model)
    last = network.layers[-1]
    if not (_is_whitened(network) and isinstance(last, Whitening)):
        raise ValueError(
            "A model must end in PCA whitening to be cropped: only then its dimensions have an "
            f"order. Received: one that ends in {type(last).__name__} ({last.name}). Fit one "
            f"with `placevec whiten MODEL --places PHOTOS --dim {dim} --augmentation light --out "
            "FILE`, or shorten the descriptors of a store when they are compared: `placevec index "
            f"STORE --dim {dim}`"
        )
    mean, projection = last.get_weights()
    if not 1 <= dim <= projection.shape[1]:
        raise ValueError(
            f"`dim` must be between 1 and {projection.shape[1]}, the dimensions of the model's "
            f"descriptor. Received: dim={dim}"
        )
    cropped = append_whitening(remove_whitening(network), mean, projection[:, :dim])
    if out is not None:
        save_model(cropped, Path(out))
    return cropped


def _is_whitened(model: keras.Model) -> bool:
    last = model.layers[-1]
    return isinstance(last, (Whitening, PartialWhitening)) and last.name == WHITENING


def _append(
    model: keras.Model, layer: keras.layers.Layer, *weights: NDArray[np.float32]
) -> keras.Model:
    whitened = keras.Model(model.input, layer(model.output), name=model.name)
    layer.set_weights(weights)
    return without_xla(whitened)
