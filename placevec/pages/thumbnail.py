"""A photo as small text that a page holds."""

import base64
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images.contact_sheet import find_thumbnail

_LONGER_SIDE_PX = 240
_JPEG_QUALITY = 68


def jpeg_base64(path: Path) -> str:
    """Returns a small photo as a JPEG in base64; empty if the photo is gone or cannot be read.

    Args:
        path: Path. A photo, or a frame of a video as `read_image` takes it.
    """
    photo = find_thumbnail(path)
    if photo is None:
        return ""
    scale = min(1.0, _LONGER_SIDE_PX / max(photo.shape[:2]))
    size = [max(1, round(side * scale)) for side in photo.shape[1::-1]]
    small = cv2.resize(_bgr(photo), size, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return base64.b64encode(cv2.imencode(".jpg", small, quality)[1].tobytes()).decode("ascii")


def _bgr(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(photo[..., ::-1]) if photo.shape[-1] == 3 else photo
