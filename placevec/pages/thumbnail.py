"""Makes small photos as text that a page can hold."""

import base64
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images.contact_sheet import find_thumbnail

_LONGER_SIDE_PX = 240
_JPEG_QUALITY = 68


def jpeg_base64(path: Path) -> str:
    """Returns a small photo as base64 JPEG; empty if it is missing or cannot be read.

    Args:
        path: Path. A photo, or a frame of a video in the form that `read_image` takes.
    """
    photo = small_photo(path)
    return "" if photo is None else to_jpeg_base64(photo)


def small_photo(path: Path) -> NDArray[np.uint8] | None:
    """Returns a photo as (H, W, 3) uint8 RGB, at most 240 pixels a side; None if it is missing."""
    photo = find_thumbnail(path)
    if photo is None:
        return None
    scale = min(1.0, _LONGER_SIDE_PX / max(photo.shape[:2]))
    size = [max(1, round(side * scale)) for side in photo.shape[1::-1]]
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def to_jpeg_base64(pixels: NDArray[np.uint8]) -> str:
    """Returns pixels (H, W, 3) uint8 RGB as base64 JPEG."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), quality)[1]
    return base64.b64encode(encoded.tobytes()).decode("ascii")
