"""Turns depth images into the points of the world that photos see."""

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

_BITS = 21  # so that the cell numbers of three axes fit into 63 bits
_HALF = 2 ** (_BITS - 1)


def points_of_depth(
    depth_m: NDArray[np.floating],
    camera_to_world: NDArray[np.floating],
    intrinsics: NDArray[np.floating],
    *,
    cell_m: float,
) -> NDArray[np.int64]:
    """Returns which cells of a grid in the world a depth image sees.

    Cells replace points: photos of the same surface see the same cells from any distance, if their
    pixels are closer to each other on the surface than `cell_m`.

    Args:
        depth_m: (H, W) float. Distance along the optical axis, in metres. Values that are not
            finite or not above 0 are unknown.
        camera_to_world: (4, 4) float. From camera coordinates, x right, y down and z ahead, to
            world coordinates, in metres.
        intrinsics: (3, 3) float. From camera coordinates to pixels. (0, 0) is the middle of the
            first pixel.
        cell_m: float. Side of a cell, in metres.

    Returns:
        (n,) int64, ascending. Numbers of the cells, the same in all images of one world.

    Raises:
        ValueError: If a shape or number is invalid, or the world is larger than a million cells in
            each direction.

    Example:

    A wall 2 m ahead, with one pixel on each side of the axis, 1 m apart on the wall.

    >>> camera = np.array([[2.0, 0, 0.5], [0, 2.0, 0], [0, 0, 1]])
    >>> len(points_of_depth(np.array([[2.0, 2.0]]), np.eye(4), camera, cell_m=0.5))
    2
    """
    depth_m = np.asarray(depth_m, dtype=np.float64)
    shapes = np.shape(camera_to_world), np.shape(intrinsics)
    if depth_m.ndim != 2 or shapes != ((4, 4), (3, 3)):
        raise ValueError(
            "`depth_m`, `camera_to_world` and `intrinsics` must be (H, W), (4, 4) and (3, 3). "
            f"Received: shapes {depth_m.shape}, {shapes[0]} and {shapes[1]}"
        )
    if not cell_m > 0:
        raise ValueError(f"`cell_m` must be above 0. Received: cell_m={cell_m}")
    rows, columns = np.nonzero((depth_m > 0) & np.isfinite(depth_m))
    pixels = np.stack([columns, rows, np.ones(len(rows))])  # (3, n)
    rays = np.linalg.solve(np.asarray(intrinsics, dtype=np.float64), pixels)
    points_m = rays / rays[2] * depth_m[rows, columns]
    pose = np.asarray(camera_to_world, dtype=np.float64)
    cells = np.floor((pose[:3, :3] @ points_m + pose[:3, 3:]) / cell_m)
    if not (np.abs(cells) < _HALF).all():
        raise ValueError(
            f"The points seen must be within {_HALF} cells of the origin. Received: points "
            f"farther away, or an unknown pose, with cell_m={cell_m}. Set a larger `cell_m`"
        )
    x, y, z = cells.astype(np.int64) + _HALF
    return np.unique((x << (2 * _BITS)) | (y << _BITS) | z)


def points_matrix(points: Sequence[NDArray[np.integer]]) -> "scipy.sparse.csr_array":
    """Returns `points_seen` of a data set from the points that each photo sees.

    Args:
        points: sequence of (n,) int, one for each photo. Numbers of points, as
            `points_of_depth` returns them.

    Returns:
        (N, M) scipy.sparse.csr_array of bool, with a column for each point that any photo sees.

    Example:

    >>> points_matrix([np.array([7, 900]), np.array([900])]).toarray().astype(int).tolist()
    [[1, 1], [0, 1]]
    """
    each = [np.unique(photo) for photo in points]
    seen = np.concatenate([np.empty(0, dtype=np.int64), *each])
    numbers, columns = np.unique(seen, return_inverse=True)
    ends = np.cumsum([0, *map(len, each)])
    ones = np.ones(len(columns), dtype=bool)
    return scipy.sparse.csr_array((ones, columns, ends), shape=(len(each), len(numbers)))
