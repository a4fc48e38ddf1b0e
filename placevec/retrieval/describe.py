"""Photos to descriptors."""

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from placevec.config import DescribeConfig, TrainConfig
from placevec.images import UnreadableImageError, read_ahead, read_image, size_in_name

_log = logging.getLogger(__name__)


def no_progress(iterable: Iterable, **_: object) -> Iterable:
    """Returns what `tqdm` is given, without drawing a bar."""
    return iterable


def photo_size(model: Callable[[np.ndarray], np.ndarray]) -> tuple[int, int]:
    """Returns the rows and columns of the photos that a model was trained on.

    Args:
        model: keras.Model, or any callable.

    Returns:
        (int, int); the usual size where the model does not say.
    """
    names = [tensor.name for tensor in model.inputs] if isinstance(model, keras.Model) else []
    sizes = [size_in_name(name) for name in names]
    return sizes[0] if sizes and sizes[0] else TrainConfig.image_size


class NoReadablePhotoError(ValueError):
    """None of the photos to describe can be read."""


def describe(
    model: Callable[[np.ndarray], np.ndarray],
    paths: Sequence[Path],
    *,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int = DescribeConfig.batch_size,
    channels: int | None = None,
    change: Callable[[np.ndarray, int], np.ndarray] | None = None,
    progress: Callable[..., Iterable] = no_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Describes photos, in their order; those that cannot be read are reported and left out.

    Photos are read by threads while the model works on earlier ones. Memory does not grow with
    the number of photos, but for the descriptors.

    Args:
        model: keras.Model, or any callable from `(B, H, W, C)` uint8 to `(B, D)`. It always
            gets full batches: the last one is filled up with zeros.
        paths: sequence of Path. The photos.
        image_size: (int, int) or None. Rows and columns that photos are resized to. None: see
            `photo_size`.
        batch_size: int. Photos in a batch.
        channels: int or None. 3 colour, 1 grey. None: as the model's input has it, or 3.
        change: callable `(photo, place in paths) -> photo` or None. What happens to a photo
            after it is read.
        progress: callable. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        Descriptors `(n, D)` float32, and `(n,)` int64: the places in `paths` of the photos that
        could be read.

    Raises:
        ValueError: If there are no photos or none can be read, `batch_size` is below 1, or what
            the model returns is not `(B, D)`.

    Example:
    >>> model = lambda photos: photos.mean(axis=(1, 2)) / 255
    >>> describe(model, [])
    Traceback (most recent call last):
    ...
    ValueError: No photos to describe
    """
    start = time.perf_counter()
    described = list(
        describe_batches(
            model,
            paths,
            image_size=image_size,
            batch_size=batch_size,
            channels=channels,
            change=change,
            progress=progress,
        )
    )
    if not described:
        raise NoReadablePhotoError(
            f"None of the {len(paths)} photos can be read (first: {paths[0]})"
        )
    descriptors, kept = map(np.concatenate, zip(*described, strict=True))
    seconds = time.perf_counter() - start
    _log.info("described %d photos in %.1f s", len(kept), seconds)
    if len(kept) < len(paths):
        _log.warning("left out %d photos that cannot be read", len(paths) - len(kept))
    return descriptors, kept


def describe_batches(
    model: Callable[[np.ndarray], np.ndarray],
    paths: Sequence[Path],
    *,
    image_size: tuple[int, int] | None = DescribeConfig.image_size,
    batch_size: int = DescribeConfig.batch_size,
    channels: int | None = None,
    change: Callable[[np.ndarray, int], np.ndarray] | None = None,
    progress: Callable[..., Iterable] = no_progress,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the descriptors of `describe` as they come, a batch at a time.

    Its arguments and errors are those of `describe`, but that nothing is yielded where no photo can
    be read.

    Yields:
        Descriptors `(n, D)` float32, and `(n,)` int64: the places in `paths` of these photos.
    """
    if isinstance(paths, str | Path):
        raise ValueError(f"`paths` must be a list of photos. Received: {paths}")
    if not len(paths):
        raise ValueError("No photos to describe")
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
    function = model
    if isinstance(model, keras.Model):
        function = model.predict_on_batch
        channels = channels or model.input_shape[-1]
    image_size = image_size or photo_size(model)

    def read(index: int) -> np.ndarray | None:
        photo = _read_or_none(paths[index], tuple(image_size), channels or 3)
        return photo if photo is None or change is None else change(photo, index)

    photos = read_ahead(read, range(len(paths)), num_workers=2, ahead=4 * batch_size)
    photos = progress(photos, total=len(paths), unit="photo", desc="describe")
    readable = ((index, photo) for index, photo in enumerate(photos) if photo is not None)

    while batch := list(itertools.islice(readable, batch_size)):
        pixels = np.zeros((batch_size, *batch[0][1].shape), np.uint8)
        for row, (_, photo) in enumerate(batch):
            pixels[row] = photo
        output = keras.ops.convert_to_numpy(function(pixels))
        if output.ndim != 2 or len(output) != batch_size:
            raise ValueError(
                f"`model` must return one descriptor a photo, ({batch_size}, D). "
                f"Received: shape {output.shape}"
            )
        kept = np.array([index for index, _ in batch], np.int64)
        yield output[: len(batch)].astype(np.float32), kept


def _read_or_none(path: Path, image_size: tuple[int, int], channels: int) -> np.ndarray | None:
    try:
        return read_image(path, image_size=image_size, channels=channels)
    except (UnreadableImageError, OSError) as error:
        _log.warning("%s", error)
        return None
