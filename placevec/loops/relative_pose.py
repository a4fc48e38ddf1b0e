"""Finds the pose of a camera relative to another one from their photos, up to the scale."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images import UnreadableImageError, read_image
from placevec.retrieval.reranking.sift import ratio_matches, sift_points

WIDEST_FOV_DEG = 170.0
"""Widest field of view of a photo in which straight lines stay straight."""

_SIZE = (480, 640)  # rows and columns of the photos in which points are found
_FARTHEST_PIXELS = 1.5  # largest distance from the epipolar line
_CONFIDENCE = 0.999
_FEWEST_POINTS = 20
_TO_BODY = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # (right, down, ahead) to (x, y, z)


@dataclass(frozen=True, eq=False)
class RelativePose:
    """The pose of a camera in the frame of another camera: x ahead, y left, z up.

    Args:
        rotation: (3, 3) float.
        direction: (3,) float. Direction to the camera, of length 1, as photos show no distance.
        num_points: int. Number of points of both photos that agree with the pose.
    """

    rotation: NDArray[np.floating]
    direction: NDArray[np.floating]
    num_points: int


def relative_pose(one: Path, other: Path, fovs_deg: tuple[float, float]) -> RelativePose | None:
    """Returns the pose of the second camera in the frame of the first, or None.

    SIFT points are matched with Lowe's ratio test. They give the essential matrix.

    Args:
        one: Path. A photo without distortion whose optical center is in the middle.
        other: Path. Another such photo.
        fovs_deg: (float, float). Horizontal field of view of each photo.

    Returns:
        RelativePose, or None if fewer than 20 points agree or a photo cannot be read.

    Reference:
        [Nister, 2004](https://doi.org/10.1109/TPAMI.2004.17).
    """
    try:
        photos = [read_image(path) for path in (one, other)]
    except (UnreadableImageError, OSError):
        return None
    points = ratio_matches(*(sift_points(photo, _SIZE) for photo in photos))
    if len(points) < _FEWEST_POINTS:
        return None
    rays, pixel = [], 0.0
    for photo, fov_deg, columns in zip(photos, fovs_deg, (slice(0, 2), slice(2, 4)), strict=True):
        half = np.tan(np.radians(fov_deg) / 2)
        sides = np.array([half, half * photo.shape[0] / photo.shape[1]])
        rays.append((points[:, columns] / (_SIZE[1], _SIZE[0]) * 2 - 1) * sides)
        pixel = max(pixel, 2 * half / _SIZE[1])
    essential, is_kept = cv2.findEssentialMat(
        rays[0], rays[1], np.eye(3), cv2.RANSAC, _CONFIDENCE, _FARTHEST_PIXELS * pixel
    )
    if essential is None or essential.shape != (3, 3):
        return None
    count, turn, shift, _ = cv2.recoverPose(essential, rays[0], rays[1], np.eye(3), mask=is_kept)
    if count < _FEWEST_POINTS:
        return None
    # OpenCV's pose maps points from the first camera's frame to the second's.
    back = np.asarray(turn, np.float64).T
    direction = -back @ np.asarray(shift, np.float64)[:, 0]
    return RelativePose(_TO_BODY @ back @ _TO_BODY.T, _TO_BODY @ direction, int(count))
