"""Fits whitening, and the initial weights of a learned projection, on photos."""

import functools
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.config import WhitenConfig, WhitenModelConfig
from placevec.counted import counted
from placevec.images import augmenter, photo_rng
from placevec.layers import (
    Whitening,
    check_whitening_dim,
    check_whitening_rank,
    fit_partial_whitening,
    fit_whitening,
)
from placevec.models import (
    append_partial_whitening,
    append_whitening,
    as_model,
    remove_whitening,
    save_model,
    without_xla,
)
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval import describe
from placevec.sources.photos import open_photos
from placevec.whole_file import require_free_file, require_writable

_log = logging.getLogger(__name__)
_PROJECTION_PHOTOS = 2000
_PROJECTION_POWER = 0.5
_AUGMENTED_COPIES = 2


def whiten(
    model: keras.Model | Path | str,
    places: PlaceDataset | Path | str,
    dim: int = WhitenConfig.dim,
    *,
    out: Path | str | None = None,
    overwrite: bool = WhitenModelConfig.overwrite,
    rank: int = WhitenConfig.rank,
    power: float = WhitenConfig.power,
    augmentation: str = WhitenConfig.augmentation,
    max_photos: int = WhitenModelConfig.max_photos,
    image_size: tuple[int, int] | None = WhitenModelConfig.image_size,
    batch_size: int = WhitenModelConfig.batch_size,
    skip_unreadable: bool = WhitenModelConfig.skip_unreadable,
    seed: int = WhitenModelConfig.seed,
    progress: Progress = no_progress,
) -> keras.Model:
    """Fits whitening on a data set's database photos and appends it to a model.

    It fits PCA whitening to `dim` dimensions, or partial whitening of the `rank` directions in
    which descriptors vary most. With an augmentation it fits on the photos and on two changed
    copies of each. Then the directions in which a descriptor moves when only the light changes are
    among those of largest spread, and count for less.

    Args:
        model: keras.Model, or the path of one. A descriptor model. The new model shares its layers.
            Whitening at its end is replaced.
        places: PlaceDataset, a folder of photos, which needs no positions, or READER:PATH. The
            whitening is fitted on its database photos.
        dim: int. `d`, the dimensions of the whitened descriptor. 0: partial whitening.
        out: Path or None. The `.keras` file for the whitened model. None: write nothing.
        overwrite: bool. Replace an earlier file at `out`.
        rank: int. `r`, the directions of partial whitening. See `fit_partial_whitening`.
        power: float. 1 evens out the spread of the dimensions, 0 keeps it. See `fit_whitening`.
        augmentation: str or callable. Changes the copies, see `augmenter`. none: make no copies.
        max_photos: int. Maximum number of photos to fit on.
        image_size: (int, int) or None. Rows and columns that photos are resized to. None: those
            that the model was trained on.
        batch_size: int. Photos in a batch.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
        seed: int. Seed of the random choice of photos.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Returns:
        keras.Model. Photos in, `(batch, dim)` float32 of unit L2 norm out, or `(batch, D)` with
        partial whitening.

    Raises:
        FileExistsError: If `out` exists, and `overwrite` is not set.
        FileNotFoundError: If the model, the photos or the folder of `out` are missing.
        ValueError: If both or neither of `dim` and `rank` are given, there are too few photos for
            them, the descriptor has fewer dimensions, `out` does not end in `.keras`, or photos
            cannot be read and `skip_unreadable` is false.

    Reference:
        [Jegou and Chum, 2012](https://inria.hal.science/hal-00722622); see `PartialWhitening`.
    """
    WhitenConfig(dim=dim, rank=rank, power=power).need_given()
    if out is not None:
        require_writable(out, ".keras")
        require_free_file(out, overwrite=overwrite)
    model = remove_whitening(as_model(model))
    is_named = isinstance(places, Path | str)  # a training passes its open data set
    dataset = open_photos(places, skip_unreadable=skip_unreadable) if is_named else places
    rows = _drawn(dataset.database, max_photos, seed)
    num_copies = 0 if augmentation == "none" else _AUGMENTED_COPIES
    _check(dim, rank, len(rows), model)  # refuse before the long computation
    change = augmenter(augmentation)

    def changed(photo: NDArray[np.uint8], index: int, copy: int) -> NDArray[np.uint8]:
        return change(photo, photo_rng(seed, copy, index))

    descriptors = np.concatenate([
        _describe(
            model, dataset.paths(rows), skip_unreadable,
            image_size=image_size, batch_size=batch_size, progress=progress,
            change=functools.partial(changed, copy=copy) if copy else None,
        )
        for copy in range(1 + num_copies)
    ])  # fmt: skip
    if dim:
        whitened = append_whitening(model, *_fit(fit_whitening, descriptors, dim, power))
    else:
        fitted = _fit(fit_partial_whitening, descriptors, rank)
        whitened = append_partial_whitening(model, *fitted)
    if out is not None:
        save_model(whitened, Path(out))
    return whitened


def check_whitening(
    model: keras.Model, dataset: PlaceDataset, dim: int = 0, *, rank: int = 0
) -> None:
    """Refuses a `dim` or `rank` that `whiten` would refuse after a long training.

    Raises:
        ValueError: As `check_whitening_dim` or `check_whitening_rank`.
    """
    num_photos = min(len(dataset.database), WhitenModelConfig.max_photos)
    _check(dim, rank, num_photos, model)


def start_projection(
    model: keras.Model,
    paths: Sequence[Path],
    *,
    image_size: tuple[int, int],
    seed: int,
    skip_unreadable: bool = False,
) -> None:
    """Initializes a learned projection with the half-whitened PCA of 2000 photos' descriptors.

    With more than 1000 dimensions it uses twice as many photos as dimensions.

    Args:
        model: keras.Model. A descriptor model that ends in a learned projection, changed in place.
            A model without a projection stays unchanged.
        paths: sequence of Path. Photos to choose from.
        image_size: (int, int). Rows and columns that photos are resized to.
        seed: int. Seed of the random choice.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.

    Raises:
        ValueError: As `whiten`.
    """
    layer = model.layers[-1]
    if not isinstance(layer, Whitening):
        return
    before = without_xla(keras.Model(model.input, layer.input))
    rows = _drawn(np.arange(len(paths)), max(_PROJECTION_PHOTOS, 2 * layer.dim), seed)
    check_whitening_dim(layer.dim, len(rows), layer.input.shape[-1])
    drawn = [paths[row] for row in rows]
    descriptors = _describe(before, drawn, skip_unreadable, image_size=image_size)
    layer.set_projection(*_fit(fit_whitening, descriptors, layer.dim, _PROJECTION_POWER))


def _check(dim: int, rank: int, num_photos: int, model: keras.Model) -> None:
    check, size = (check_whitening_dim, dim) if dim else (check_whitening_rank, rank)
    check(size, num_photos, model.output_shape[-1])


def _drawn(rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Returns a random choice of at most `count` rows, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])


def _describe(
    model: keras.Model, paths: Sequence[Path], skip_unreadable: bool, **options: Any
) -> NDArray[np.float32]:
    """Returns descriptors (N, D) of all photos, or of the readable ones if others are skipped."""
    descriptors, kept = describe(model, paths, **options)
    if len(kept) < len(paths) and not skip_unreadable:
        first = paths[np.setdiff1d(np.arange(len(paths)), kept)[0]]
        raise ValueError(
            f"{len(paths) - len(kept)} of {counted(len(paths), 'photo')} to fit on cannot be read "
            f"(first: {first}). Fix them, or skip them with `--skip-unreadable`"
        )
    return descriptors


def _fit(
    fit: Callable[..., tuple[NDArray[np.float32], NDArray[np.float32]]],
    descriptors: NDArray[np.float32],
    *settings: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    start = time.perf_counter()
    mean, directions = fit(descriptors, *settings)
    _log.info(
        "%s of %s from %s in %.1f s", counted(directions.shape[1], "direction"),
        counted(len(mean), "dimension"), counted(len(descriptors), "descriptor"),
        time.perf_counter() - start,
    )  # fmt: skip
    return mean, directions
