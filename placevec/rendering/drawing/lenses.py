"""Lenses: where points of the world appear in a photo."""

from dataclasses import astuple, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_WIDEST_DEG = 150.0
_LARGEST_RATIO = 4
_LARGEST_ERROR_PIXELS = 0.05


@dataclass(frozen=True)
class Distortion:
    """Lens distortion in the model of Brown and Conrady, in OpenCV's order.

    Args:
        k1, k2, k3: float. Radial terms, for the 2nd, 4th and 6th power of the radius.
        p1, p2: float. Tangential terms.
    """

    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0


@dataclass(frozen=True, eq=False)
class Remap:
    """Makes a distorted photo from a wider one without distortion, the plain photo.

    Args:
        size: (rows, cols). Size of the plain photo.
        field_of_view_deg: float. Horizontal angle of view of the plain photo.
        columns: (rows, cols) float32. Column of each pixel in the plain photo.
        rows: (rows, cols) float32. Row of each pixel in the plain photo.
    """

    size: tuple[int, int]
    field_of_view_deg: float
    columns: NDArray[np.float32]
    rows: NDArray[np.float32]

    def photo(self, plain: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns the distorted photo, interpolated."""
        return np.asarray(cv2.remap(plain, self.columns, self.rows, cv2.INTER_LINEAR), np.uint8)

    def depth(self, plain: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the distorted depth, taken from the nearest pixel."""
        return plain[self._nearest()]

    def shown(self) -> NDArray[np.bool_]:
        """Returns which pixels of the plain photo appear in the distorted one, as bool."""
        shown = np.zeros(self.size, bool)
        shown[self._nearest()] = True
        return shown

    def _nearest(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.rint(self.rows).astype(int), np.rint(self.columns).astype(int)


def intrinsics(image_size: tuple[int, int], field_of_view_deg: float) -> NDArray[np.float64]:
    """Returns the camera matrix of a photo.

    Args:
        image_size: (rows, cols).
        field_of_view_deg: float. Horizontal angle of view, without distortion.

    Returns:
        (3, 3) float64. Projects camera coordinates, x right, y down and z ahead, to pixels; (0, 0)
        is the middle of the first pixel.
    """
    rows, cols = image_size
    focal = cols / 2 / np.tan(np.deg2rad(field_of_view_deg / 2))
    return np.array([[focal, 0, (cols - 1) / 2], [0, focal, (rows - 1) / 2], [0, 0, 1]])


def make_remap(
    image_size: tuple[int, int], field_of_view_deg: float, distortion: Distortion
) -> Remap:
    """Finds how wide to draw, and where each pixel of the distorted photo comes from.

    Args:
        image_size: (rows, cols). Size of the distorted photo.
        field_of_view_deg: float. Horizontal angle of view without distortion.
        distortion: Distortion.

    Returns:
        `Remap`, without black corners.

    Raises:
        ValueError: If the corners show more than a plain photo of 150 degrees can.
    """
    rows, cols = image_size
    matrix, terms = intrinsics(image_size, field_of_view_deg), np.array(astuple(distortion))
    pixels = np.stack(np.meshgrid(np.arange(cols), np.arange(rows)), axis=-1).reshape(-1, 1, 2)
    pixels = pixels.astype(np.float64)
    rule = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-10)
    if hasattr(cv2, "undistortPointsIter"):  # OpenCV 4
        undistort = cv2.undistortPointsIter  # pyright: ignore[reportAttributeAccessIssue]
        rays = undistort(pixels, matrix, terms, None, None, rule)
    else:
        rays = cv2.undistortPoints(pixels, matrix, terms, criteria=rule)
    rays = rays.reshape(-1, 2)
    ahead = np.column_stack([rays, np.ones(len(rays))])
    again = cv2.projectPoints(ahead, np.zeros(3), np.zeros(3), matrix, terms)[0]
    error = np.abs(again - pixels).max()
    half = np.abs(rays).max(axis=0) * matrix[0, 0] + 1  # across, down
    widest_deg = 2 * np.rad2deg(np.arctan(np.abs(rays).max()))
    is_small = 2 * half.max() <= _LARGEST_RATIO * max(rows, cols)
    if not (widest_deg <= _WIDEST_DEG and is_small and error <= _LARGEST_ERROR_PIXELS):
        raise ValueError(
            f"`distortion` must show no more than {_WIDEST_DEG:.0f} degrees in every pixel. "
            f"Received: {distortion} at field_of_view_deg={field_of_view_deg}. Set smaller terms "
            "or a smaller angle of view"
        )
    size = (2 * int(np.ceil(half[1])), 2 * int(np.ceil(half[0])))
    plain_deg = 2 * np.rad2deg(np.arctan(size[1] / 2 / matrix[0, 0]))
    across, down = (rays * matrix[0, 0] + (np.array(size[::-1]) - 1) / 2).T.astype(np.float32)
    return Remap(size, float(plain_deg), across.reshape(rows, cols), down.reshape(rows, cols))
