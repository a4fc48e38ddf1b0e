"""Turns photos into descriptors."""

import functools
import itertools
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.config import DescribeConfig, TrainConfig
from placevec.counted import counted
from placevec.images import (
    UnreadableImageError,
    image_size_of,
    is_keras_model,
    read_ahead,
    read_image,
    run_model,
)
from placevec.input_file import shown
from placevec.progress import Progress, no_progress

if TYPE_CHECKING:
    from placevec.models.engines import Engine

_log = logging.getLogger(__name__)

BATCH_SIZE = 8
"""Photos in a batch, if the model does not name a batch size of its own."""


Model = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
"""Anything that turns photos `(B, H, W, C)` into `(B, D)`: a keras.Model, an Engine, a callable."""


class NoReadablePhotoError(ValueError):
    """None of the photos to describe can be read."""


def describe(
    model: Model,
    paths: Sequence[Path | NDArray[np.uint8]],
    *,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int | None = DescribeConfig.batch_size,
    channels: int | None = None,
    change: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]] | None = None,
    progress: Progress = no_progress,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Describes photos in their order. Reports photos that it cannot read, and leaves them out.

    Threads read photos while the model works on earlier ones. Memory only grows with the number of
    photos by their descriptors.

    Args:
        model: keras.Model, Engine, or any callable from `(B, H, W, C)` uint8 to `(B, D)`. It
            always gets full batches: the last one is padded with zeros. Attributes that an Engine
            has are used if they exist: `parallel_calls` threads call the model at once, and
            `image_size`, `channels` and `batch_size` replace arguments that are None.
        paths: sequence of Path, or of pixels as `read_image` takes them. The photos.
        image_size: (int, int) or None. Rows and columns that photos are resized to. None: see
            `image_size_of`.
        batch_size: int or None. Photos in a batch. None: that of the model, or 8.
        channels: int or None. 3 color, 1 gray. None: those of the model's input, or 3.
        change: callable `(photo, index in paths) -> photo` or None. Changes each photo after it is
            read.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Returns:
        Descriptors `(n, D)` float32, and `(n,)` int64: the indices in `paths` of the photos that
        could be read.

    Raises:
        ValueError: If there are no photos or none can be read, `batch_size` is below 1, Keras
            cannot run the model on photos, or the model's output is not `(B, D)` or has a row that
            is zero, NaN or infinite.

    Example:
    >>> model = lambda photos: photos.mean(axis=(1, 2)) / 255
    >>> describe(model, [])
    Traceback (most recent call last):
    ...
    ValueError: No photos to describe
    """
    start = time.perf_counter()
    descriptors, kept = np.empty((0, 0), np.float32), []
    for found, places in describe_in_batches(
        model,
        paths,
        image_size=image_size,
        batch_size=batch_size,
        channels=channels,
        change=change,
        progress=progress,
    ):
        if not kept:  # filled in place, because joining batches would need their memory twice
            descriptors = np.empty((len(paths), found.shape[1]), np.float32)
        descriptors[len(kept) : len(kept) + len(places)] = found
        kept.extend(places)
    if not kept:
        raise NoReadablePhotoError(
            f"None of {counted(len(paths), 'photo')} can be read (first: {named(paths, 0)})"
        )
    _log.info("described %s", pace(len(kept), time.perf_counter() - start))
    if len(kept) < len(paths):
        left_out = counted(len(paths) - len(kept), "photo")
        _log.warning("left out %s that cannot be read or described", left_out)
    return descriptors[: len(kept)], np.array(kept, np.int64)


def pace(num_photos: int, seconds: float) -> str:
    """Says how long photos took and, for more than one photo, how many that is per second.

    Example:
    >>> pace(12, 1.6), pace(1, 1.6)
    ('12 photos in 1.6 s, 7.5 a second', '1 photo in 1.6 s')
    """
    rate = num_photos / seconds if num_photos > 1 else 0.0
    words = f", {rate:.{0 if rate >= 10 else 1}f} a second" if rate else ""
    return f"{counted(num_photos, 'photo')} in {seconds:.1f} s{words}"


def describe_in_batches(
    model: Model,
    paths: Sequence[Path | NDArray[np.uint8]],
    *,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int | None = DescribeConfig.batch_size,
    channels: int | None = None,
    change: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]] | None = None,
    progress: Progress = no_progress,
) -> Iterator[tuple[NDArray[np.floating], list[int]]]:
    """Describes photos batch by batch. Use it if memory cannot hold all descriptors.

    Args:
        model: See `describe`, also for the other arguments.
        paths: sequence of Path. The photos.
        image_size: (int, int) or None. Rows and columns.
        batch_size: int or None. Photos in a batch.
        channels: int or None. 3 color, 1 gray.
        change: callable or None. Changes each photo after it is read.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Yields:
        Descriptors `(n, D)` float and the indices in `paths` of their photos, in order. Yields
        nothing if no photo can be read.

    Raises:
        ValueError: As `describe`, except for photos that cannot be read.
    """
    for outputs, places in _in_batches(
        model,
        model,
        paths,
        image_size=image_size,
        batch_size=batch_size,
        channels=channels,
        change=change,
        progress=progress,
    ):
        yield outputs[0], places


def features_in_batches(
    engine: "Engine",
    paths: Sequence[Path | NDArray[np.uint8]],
    *,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int | None = DescribeConfig.batch_size,
    progress: Progress = no_progress,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float16], list[int]]]:
    """Describes photos batch by batch, with their local features from the same pass.

    Args:
        engine: Engine. Opened with `features`.
        paths: sequence of Path. The photos.
        image_size: (int, int) or None. Rows and columns.
        batch_size: int or None. Photos in a batch.
        progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.

    Yields:
        Descriptors `(n, D)` float32, local features `(n, rows, columns, D')` float16 of unit
        length, and the indices in `paths` of their photos, in order.

    Raises:
        ValueError: As `describe_in_batches`, or if the engine was opened without features.
    """
    for (descriptors, features), places in _in_batches(
        engine,
        engine.with_features,
        paths,
        image_size=image_size,
        batch_size=batch_size,
        channels=None,
        change=None,
        progress=progress,
    ):
        yield descriptors, features.astype(np.float16), places


def _in_batches(
    model: Model,
    function: Callable[[NDArray[np.uint8]], NDArray[np.floating] | tuple],
    paths: Sequence[Path | NDArray[np.uint8]],
    *,
    image_size: tuple[int, int] | None,
    batch_size: int | None,
    channels: int | None,
    change: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]] | None,
    progress: Progress,
) -> Iterator[tuple[tuple[NDArray[np.floating], ...], list[int]]]:
    """Yields the outputs of `function` for batches of photos, as tuples, and their indices."""
    if isinstance(paths, str | Path):
        raise ValueError(f"`paths` must be a list of photos. Received: {paths}")
    if not len(paths):
        raise ValueError("No photos to describe")
    size = getattr(model, "batch_size", BATCH_SIZE) if batch_size is None else batch_size
    if size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={size}")
    calls = getattr(model, "parallel_calls", 1)
    if is_keras_model(model):
        function = functools.partial(run_model, model.predict_on_batch, name="keras")
        channels = channels or model.input_shape[-1]
    num_channels: int = channels or getattr(model, "channels", 3)
    image_size = image_size_of(model, usual=TrainConfig.image_size, wanted=image_size)

    def read(index: int) -> NDArray[np.uint8] | None:
        photo = _read_or_none(paths[index], image_size, num_channels)
        return photo if photo is None or change is None else change(photo, index)

    ahead = max(4, 2 * calls) * size
    photos = read_ahead(read, range(len(paths)), num_workers=max(2, calls), ahead=ahead)
    photos = progress(photos, total=len(paths), unit="photo", desc="describe")
    readable = ((index, photo) for index, photo in enumerate(photos) if photo is not None)
    batches = iter(lambda: list(itertools.islice(readable, size)), [])
    described = functools.partial(_describe_batch, function, size, paths)
    if calls == 1:  # in this thread, because a device may be set in Keras for this thread only
        found = map(described, batches)
    else:
        found = read_ahead(described, batches, num_workers=calls, ahead=calls)
    yield from (each for each in found if each[1])


def named(paths: Sequence[Path | NDArray[np.uint8]], place: int) -> str:
    """Returns the name of one of the photos for a message."""
    photo = paths[place]
    return f"photo {place}" if isinstance(photo, np.ndarray) else shown(photo)


def _describe_batch(
    function: Callable,
    batch_size: int,
    paths: Sequence[Path | NDArray[np.uint8]],
    batch: list[tuple[int, NDArray[np.uint8]]],
) -> tuple[tuple[NDArray[np.floating], ...], list[int]]:
    """Returns a model's outputs for a batch, descriptors first, and the indices of its photos."""
    pixels = np.zeros((batch_size, *batch[0][1].shape), np.uint8)
    for row, (_, photo) in enumerate(batch):
        pixels[row] = photo
    outputs = function(pixels)
    output, *others = outputs if isinstance(outputs, tuple) else (outputs,)
    if not isinstance(output, np.ndarray):
        keras = sys.modules.get("keras")
        output = np.asarray(output) if keras is None else keras.ops.convert_to_numpy(output)
    if output.ndim != 2 or len(output) != batch_size:
        raise ValueError(
            f"`model` must return one descriptor per photo, ({batch_size}, D). "
            f"Received: shape {output.shape}"
        )
    descriptors, places = output[: len(batch)], [index for index, _ in batch]
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(descriptors.astype(np.float32), axis=1)
    is_black = (lengths == 0) & ~pixels[: len(batch)].any(axis=(1, 2, 3))
    for row in np.flatnonzero(is_black).tolist():
        _log.warning("%s is left out: a black photo has no descriptor", named(paths, places[row]))
    is_bad = ~np.isfinite(lengths) | ((lengths == 0) & ~is_black)
    if is_bad.any():
        first = int(is_bad.argmax())
        raise ValueError(
            "Descriptors must be finite and not zero. Received: one of length "
            f"{lengths[first]:g} from the model for {named(paths, places[first])}. Take another "
            "model, or leave the photo out if it is blank"
        )
    kept = np.flatnonzero(~is_black)
    outputs = (descriptors, *(each[: len(batch)] for each in others))
    return tuple(each[kept] for each in outputs), [places[row] for row in kept.tolist()]


def _read_or_none(
    path: Path | NDArray[np.uint8], image_size: tuple[int, int], channels: int
) -> NDArray[np.uint8] | None:
    try:
        return read_image(path, image_size=image_size, channels=channels)
    except (UnreadableImageError, OSError) as error:
        _log.warning("%s", error)
        return None
