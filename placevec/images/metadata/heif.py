"""Decodes photos in HEIC, the format of many phones, and in AVIF."""

import io
from collections.abc import Callable
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_AVIF = (b"avif", b"avis")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_LONGEST_BRANDS = 256  # bytes
# Errors that Pillow and pillow-heif raise for damaged files.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError,
           RuntimeError, MemoryError)  # fmt: skip


class MissingHeifError(ValueError):
    """A photo is in HEIC, and pillow-heif, which decodes it, is not installed."""


def is_heif(start: bytes) -> bool:
    """Returns whether a file that starts with these bytes is a photo in HEIC or AVIF."""
    return any(brand in (*_AVIF, *_HEIC) for brand in _brands(start))


def open_heif(data: bytes) -> Image.Image:
    """Opens a photo in HEIC or AVIF without decoding pixels.

    Args:
        data: bytes. The complete file.

    Returns:
        PIL.Image.Image, with the size that the file declares.

    Raises:
        MissingHeifError: If pillow-heif is needed but not installed.
        ValueError: If the file is damaged. Both messages are the second half of a sentence.
    """
    try:
        if any(brand in _AVIF for brand in _brands(data)):
            return Image.open(io.BytesIO(data), formats=("AVIF",))
        return _heif_file()(io.BytesIO(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError("declares more pixels than Pillow allows") from error
    except ImportError:
        raise MissingHeifError(
            'is a HEIC photo, which needs pillow-heif: `pip install "placevec[heif]"`'
        ) from None
    except _DAMAGE as error:
        raise ValueError("is damaged or cut off") from error


def decode_heif(data: bytes, channels: int) -> NDArray[np.uint8]:
    """Decodes a photo in HEIC or AVIF, upright.

    Args:
        data: bytes. The complete file.
        channels: int. 3 for blue, green, red; 1 for gray.

    Returns:
        `(H, W, 3)` or `(H, W)` uint8.

    Raises:
        ValueError: As for `open_heif`.
    """
    with open_heif(data) as photo:
        try:
            pixels = np.asarray(ImageOps.exif_transpose(photo).convert("RGB"))
        except _DAMAGE as error:
            raise ValueError("is damaged or cut off") from error
    code = cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_RGB2GRAY
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)


def _brands(start: bytes) -> list[bytes]:
    """Returns the brands that the first box of an ISO media file names; none for other files."""
    if start[4:8] != b"ftyp":
        return []
    brands = start[8 : min(int.from_bytes(start[:4], "big"), _LONGEST_BRANDS)]
    # The second group of four bytes is a version.
    return [brands[at : at + 4] for at in range(0, len(brands), 4) if at != 4]


def _heif_file() -> Callable[[BinaryIO], Image.Image]:
    from pillow_heif import HeifImageFile

    return HeifImageFile
