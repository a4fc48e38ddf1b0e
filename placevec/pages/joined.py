"""Draws two photos side by side, with lines between matching points."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.pages.page import Photo
from placevec.pages.thumbnail import small_photo, to_jpeg_base64

_MOST_LINES = 40


def join_photos(
    left: Path,
    right: Path,
    points: NDArray[np.floating],
    caption: str,
    tag: str = "",
    name: str = "",
) -> Photo | None:
    """Joins two photos into one picture, with lines between at most 40 matched points.

    Args:
        left: Path.
        right: Path.
        points: (m, 4) float. Column and row in the left photo, then in the right one, each as a
            share of the photo's width or height in [0, 1].
        caption: str. See `Photo`, as for the next two.
        tag: str.
        name: str.

    Returns:
        Photo, or None if a photo is missing or cannot be read.
    """
    photos = [photo for photo in map(small_photo, (left, right)) if photo is not None]
    if len(photos) < 2:
        return None
    height = min(len(photo) for photo in photos)
    photos = [_of_height(photo, height) for photo in photos]
    share = photos[0].shape[1] / sum(photo.shape[1] for photo in photos)  # the left photo's width
    lines = few_points(points) * (share, 1, 1 - share, 1) + (0, 0, share, 0)
    pixels = np.asarray(np.concatenate(photos, axis=1), np.uint8)
    return Photo(to_jpeg_base64(pixels), caption, tag, name, lines.tolist())


def few_points(points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns at most 40 points, evenly spread; more lines would hide the photos."""
    count = min(len(points), _MOST_LINES)
    return points[np.linspace(0, len(points) - 1, count).astype(int)]


def _of_height(photo: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    width = max(1, round(photo.shape[1] * height / len(photo)))
    return np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
