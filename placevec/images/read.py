"""Reads a file as pixels."""

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images.metadata.header import MAX_PIXELS, read_header
from placevec.images.metadata.heif import decode_heif, is_heif
from placevec.images.metadata.several_pictures import tell_of_several_pictures
from placevec.images.silent_opencv import silent_opencv
from placevec.images.videos.frame_names import find_frame
from placevec.images.videos.video import read_frame
from placevec.input_file import read_bytes, shown

MAX_BYTES = 6 * MAX_PIXELS
"""Larger files are refused before they are read: 100 million pixels of three 16-bit colors."""

# Flags for OpenCV's decoder, by the number of channels and by how much the decoder shrinks.
_FLAGS = {
    3: {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    },
    1: {
        1: cv2.IMREAD_GRAYSCALE,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    },
}


class UnreadableImageError(ValueError):
    """A file exists, but no complete photo can be decoded from it."""


def read_image(
    path: str | Path | NDArray[np.uint8],
    *,
    image_size: tuple[int, int] | None = None,
    channels: int = 3,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Reads one photo, or one frame of a video, as upright uint8 pixels.

    Gray, color, palette, CMYK and 16-bit photos (JPEG, PNG, WebP, TIFF, BMP, PPM, PGM, AVIF, and
    HEIC with pillow-heif) all become uint8; of 16 bits, the upper 8 are used. Transparency is
    dropped, as in `PIL.Image.convert("RGB")`. The EXIF orientation is applied. If a JPEG is shrunk
    to a half, a quarter, an eighth or less, the decoder itself shrinks it by that factor, which is
    faster and nearly the same as the area rule (docs/lab/performance.md). A file that is cut off is
    refused. A JPEG that is damaged in the middle cannot be recognized as such. Of an animation, or
    of a TIFF with several pages, the first picture is read, and the log says so once.

    Args:
        path: Path. The file; any characters are allowed. `walk.mp4#000120` is frame 120 of the
            video `walk.mp4`, unless a file has that name. Or the photo itself, (H, W, 3) uint8 RGB.
        image_size: `(rows, cols)` or None. Each axis is resized on its own, without keeping the
            aspect ratio, and always by the area rule: a new pixel is the mean of the area that it
            covers. None: the size of the file.
        channels: int. `3` for RGB, `1` for gray. Defaults to `3`.
        max_pixels: int. Largest `rows * cols` that a file may declare. Defaults to 100 million.

    Returns:
        `(H, W, channels)` uint8, C-contiguous.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableImageError: If the file is not a regular file of at most 600 MB, is not a photo,
            is cut off or exceeds a limit of `read_header`, or if a video has no such frame.
        ValueError: If `image_size` or `channels` is not as above.
    """
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3. Received: channels={channels!r}")
    if image_size is not None and (len(image_size) != 2 or min(image_size) < 1):
        raise ValueError(
            f"`image_size` must be (rows, cols), both positive. Received: image_size={image_size!r}"
        )
    if isinstance(path, np.ndarray):
        code = cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGB2GRAY
        pixels = cast(NDArray[np.uint8], cv2.cvtColor(path, code))
    elif frame := find_frame(path):
        pixels = _decode_frame(*frame, channels, max_pixels)
    else:
        pixels = _decode(Path(path), channels, max_pixels, image_size)
    if image_size is not None:
        pixels = resize_image(pixels, *(int(side) for side in image_size))
    if channels == 1:
        return np.ascontiguousarray(pixels)[:, :, None]
    return cast(NDArray[np.uint8], cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def resize_image(pixels: NDArray[np.uint8], rows: int, cols: int) -> NDArray[np.uint8]:
    """Resizes pixels by the area rule, as `read_image` does.

    Args:
        pixels: (H, W) or (H, W, C) uint8.
        rows: int. New height.
        cols: int. New width.
    """
    # Shrink first, enlarge after. In a single call, the axis that shrinks would alias.
    shrunk = (min(rows, pixels.shape[0]), min(cols, pixels.shape[1]))
    resized: Any = pixels
    if shrunk != pixels.shape[:2]:
        resized = cv2.resize(resized, shrunk[::-1], interpolation=cv2.INTER_AREA)
    if shrunk != (rows, cols):
        resized = cv2.resize(resized, (cols, rows), interpolation=cv2.INTER_AREA)
    return resized


def _decode(
    path: Path, channels: int, max_pixels: int, image_size: tuple[int, int] | None
) -> NDArray[np.uint8]:
    try:
        data = read_bytes(path, max_bytes=MAX_BYTES)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There is no photo {shown(path)}. Check the folder and the name's upper and lower case"
        ) from None
    except ValueError as error:
        raise UnreadableImageError(str(error)) from None
    try:
        rows, cols = read_header(data)
    except ValueError as error:
        raise UnreadableImageError(_refusal(path, str(error))) from error
    if rows * cols > max_pixels:
        raise UnreadableImageError(
            f"{shown(path)} declares {rows} x {cols} pixels, more than {max_pixels}. "
            "Shrink the photo, or pass a larger `max_pixels` if you trust it"
        )
    tell_of_several_pictures(path, data)
    if is_heif(data):
        try:
            return decode_heif(data, channels)
        except ValueError as error:
            raise UnreadableImageError(_refusal(path, str(error))) from error
    wanted = image_size if data.startswith(b"\xff\xd8") else None
    factor = 1 if wanted is None else _reduction((rows, cols), wanted)
    with silent_opencv():
        try:
            pixels = _decode_bytes(data, channels, factor)
            if wanted and factor > 1 and pixels is not None and _is_below(pixels.shape, wanted):
                # EXIF rotated it by 90 degrees, so rows and columns were swapped.
                factor = _reduction((cols, rows), wanted)
                pixels = _decode_bytes(data, channels, factor)
        except cv2.error as error:
            raise UnreadableImageError(_refusal(path, "cannot be decoded")) from error
    if pixels is None:
        raise UnreadableImageError(_refusal(path, "cannot be decoded"))
    return pixels


def _decode_bytes(data: bytes, channels: int, factor: int) -> NDArray[np.uint8] | None:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS[channels][factor])
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _reduction(size: tuple[int, int], wanted: tuple[int, int]) -> int:
    """Returns by how much the decoder may shrink a photo without going below a size."""
    factors = (8, 4, 2)
    return next((f for f in factors if not _is_below((size[0] // f, size[1] // f), wanted)), 1)


def _is_below(size: tuple[int, ...], wanted: tuple[int, int]) -> bool:
    return size[0] < wanted[0] or size[1] < wanted[1]


def _decode_frame(video: str, frame: int, channels: int, max_pixels: int) -> NDArray[np.uint8]:
    with silent_opencv():
        try:
            pixels = read_frame(video, frame, max_pixels=max_pixels)
        except (ValueError, cv2.error) as error:
            raise UnreadableImageError(str(error)) from error
    if channels == 1:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    return pixels


def _refusal(path: Path, what: str) -> str:
    return f"{shown(path)} {what}. Fetch or export it again, or leave it out"
