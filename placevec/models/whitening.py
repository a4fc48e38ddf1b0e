"""Whitening as the last layer of a descriptor model."""

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.layers import PartialWhitening, Whitening
from placevec.models.descriptor_model import without_xla

WHITENING = "whitening"


def append_whitening(
    model: keras.Model, mean: NDArray[np.float32], projection: NDArray[np.float32]
) -> keras.Model:
    """Returns a model whose descriptors are whitened; its last layer is called `whitening`.

    Args:
        model: keras.Model. A descriptor model of `(batch, D)`; its layers are shared.
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
    """Returns a model whose descriptors are partly whitened; its last layer is `whitening`.

    Args:
        model: keras.Model. A descriptor model of `(batch, D)`; its layers are shared.
        mean: (D,) float32. As `fit_partial_whitening` returns it.
        directions: (D, r) float32. As `fit_partial_whitening` returns it.

    Returns:
        keras.Model. Photos in, `(batch, D)` float32 of unit L2 norm out.
    """
    layer = PartialWhitening(directions.shape[1], trainable=False, name=WHITENING)
    return _append(model, layer, mean, directions)


def remove_whitening(model: keras.Model) -> keras.Model:
    """Returns the model before its whitening, whole or partial; one without any as it is."""
    if not _is_whitened(model):
        return model
    return without_xla(keras.Model(model.input, model.layers[-1].input, name=model.name))


def crop_whitening(model: keras.Model, dim: int) -> keras.Model:
    """Returns a model that gives the first numbers of a whitened descriptor, of unit length.

    It is the model that whitening to `dim` on the same photos would have given: the first numbers
    are those along which the photos spread most.

    Args:
        model: keras.Model. A descriptor model that ends in whitening; its other layers are shared.
        dim: int. How many numbers to keep.

    Returns:
        keras.Model. Photos in, `(batch, dim)` float32 of unit L2 norm out.

    Raises:
        ValueError: If the model does not end in whitening, or has fewer numbers.

    Example:
    >>> photos = keras.Input((None, None, 4))
    >>> model = keras.Model(photos, keras.layers.GlobalAveragePooling2D()(photos))
    >>> whitened = append_whitening(model, np.zeros(4), np.eye(4)[:, :3])
    >>> crop_whitening(whitened, 2)(np.ones((1, 5, 6, 4))).shape[1]
    2
    """
    last = model.layers[-1]
    if not (_is_whitened(model) and isinstance(last, Whitening)):
        raise ValueError(
            "A model must end in whitening to fewer dimensions to be cropped; those of others have "
            f"no order. Received: one that ends in {type(last).__name__} ({last.name}). Fit one "
            f"with `placevec whiten MODEL --places PHOTOS --dim {dim} --augmentation light`, or "
            "shorten the descriptors of a store when they are compared: `placevec index STORE "
            f"--dim {dim}`"
        )
    mean, projection = last.get_weights()
    if not 1 <= dim <= projection.shape[1]:
        raise ValueError(
            f"`dim` must be between 1 and {projection.shape[1]}, the numbers of the model's "
            f"descriptor. Received: dim={dim}"
        )
    return append_whitening(remove_whitening(model), mean, projection[:, :dim])


def _is_whitened(model: keras.Model) -> bool:
    last = model.layers[-1]
    return isinstance(last, (Whitening, PartialWhitening)) and last.name == WHITENING


def _append(
    model: keras.Model, layer: keras.layers.Layer, *weights: NDArray[np.float32]
) -> keras.Model:
    whitened = keras.Model(model.input, layer(model.output), name=model.name)
    layer.set_weights(weights)
    return without_xla(whitened)
