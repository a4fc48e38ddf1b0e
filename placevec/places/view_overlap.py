"""Computes how much two views overlap on the ground, from positions and headings."""

import numpy as np
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors

USUAL_FIELD_OF_VIEW_DEG = 90.0
_RAYS = 64
_PAIRS_AT_A_TIME = 8192


class ViewOverlap:
    """Overlap of two photos' fields of view on the ground.

    A photo sees a sector of a disk. The apex is where the photo was taken, the axis is the heading,
    the angle is the field of view (90 degrees if unknown), and the radius is `view_depth_m`. The
    overlap is the area of the intersection divided by that of the union, which is the graded
    similarity of Leyva-Vallina et al. It is integrated along 64 rays, with an error of about 0.01
    (0.02 for views of more than half a turn). It ignores occlusion.

    Args:
        dataset: PlaceDataset, with positions and headings.
        neighbors: DatabaseNeighbors of the data set.
        view_depth_m: float. How far a photo sees, in metres.

    Reference:
        [Leyva-Vallina et al., 2023](https://arxiv.org/abs/2303.11739).
    """

    words = "of the views shared"

    def __init__(self, dataset: PlaceDataset, neighbors: DatabaseNeighbors, view_depth_m: float):
        self._dataset = dataset
        self._neighbors = neighbors
        self._depth_m = view_depth_m
        angles_deg = dataset.fields_of_view_deg
        if angles_deg is None:
            angles_deg = np.full(len(dataset), np.nan)
        self._angles_deg = np.where(np.isnan(angles_deg), USUAL_FIELD_OF_VIEW_DEG, angles_deg)

    def share(
        self, photos: NDArray[np.integer], others: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Returns the shares of pairs of photos.

        Args:
            photos: (n,) int. Rows of the data set.
            others: (n,) int. Rows of the data set.

        Returns:
            (n,) float64 in [0, 1]; NaN if a heading is unknown.
        """
        positions_m = self._dataset.known("positions_m")
        headings_deg = self._dataset.known("headings_deg")
        parts = [
            view_overlap(
                positions_m[other] - positions_m[photo],
                np.stack([headings_deg[photo], headings_deg[other]], axis=1),
                np.stack([self._angles_deg[photo], self._angles_deg[other]], axis=1),
                depth_m=self._depth_m,
            )
            for photo, other in zip(_chunks(photos), _chunks(others), strict=True)
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def touching(self, photos: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Finds the database photos that share anything, or may share something, with each photo.

        Args:
            photos: (n,) int. Rows of the data set.

        Returns:
            Indices in `photos` and in the database, as `DatabaseNeighbors.within` returns them.
        """
        owners, found = self._neighbors.within(photos, 2 * self._depth_m)
        share = self.share(photos[owners], self._neighbors.database[found])
        kept = ~(share == 0)  # true if unknown
        return owners[kept], found[kept]

    def most_touching(self, photos: NDArray[np.integer]) -> NDArray[np.int64]:
        """Returns a cheap upper bound of how many photos `touching` finds for each photo."""
        return self._neighbors.count_within(photos, 2 * self._depth_m)


def view_overlap(
    offsets_m: NDArray[np.floating],
    headings_deg: NDArray[np.floating],
    angles_deg: NDArray[np.floating],
    *,
    depth_m: float,
) -> NDArray[np.float64]:
    """Returns the overlap of the fields of view on the ground for pairs of photos.

    Args:
        offsets_m: (n, 2) float. Metres east and north from the first photo to the second.
        headings_deg: (n, 2) float. Headings of both, clockwise from north.
        angles_deg: (n, 2) float. Fields of view of both, in (0, 360].
        depth_m: float. How far photos see, in metres.

    Returns:
        (n,) float64 in [0, 1], intersection over union; NaN if a heading is NaN.

    Example:

    Two views of 90 degrees from one point, 45 degrees apart, share 45 of 135 degrees.

    >>> headings_deg, angles_deg = np.array([[0, 45]]), np.array([[90, 90]])
    >>> view_overlap(np.zeros((1, 2)), headings_deg, angles_deg, depth_m=50).round(2)
    array([0.33])
    """
    headings, angles = np.deg2rad(headings_deg), np.deg2rad(angles_deg)
    apex = np.asarray(offsets_m) / depth_m  # of the second sector; the radius is 1
    share_of_angle = (np.arange(_RAYS) + 0.5) / _RAYS - 0.5
    rays = headings[:, :1] + angles[:, :1] * share_of_angle  # (n, _RAYS)
    seen = _seen_along(np.sin(rays), np.cos(rays), apex, headings[:, 1], angles[:, 1])
    common = seen.mean(axis=1) * angles[:, 0] / 2
    union = angles.sum(axis=1) / 2 - common
    share = np.clip(common / union, 0.0, 1.0)
    return np.where(np.isnan(headings).any(axis=1), np.nan, share)


def _seen_along(
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    apex: NDArray[np.floating],
    heading: NDArray[np.float64],
    angle: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Returns twice the area per radian that a sector covers along rays of length 1.

    Args:
        east: (n, r). East component of the directions of rays from the origin.
        north: (n, r). North component of these directions.
        apex: (n, 2). Apex of each sector, whose radius is 1.
        heading: (n,). Axis of each sector, clockwise from north, in radians.
        angle: (n,). Angle of each sector, in radians.

    Returns:
        (n, r). Integral of `2 t dt` over the part of `t` in [0, 1] that is inside the sector.
    """
    along = east * apex[:, :1] + north * apex[:, 1:]
    half_chord = np.sqrt(np.maximum(along**2 - (np.square(apex).sum(axis=1) - 1)[:, None], 0.0))
    first, last = np.maximum(along - half_chord, 0.0), np.minimum(along + half_chord, 1.0)
    disk = _between(first, last)
    # A sector of more than half a turn is the disk minus a sector of at most half a turn.
    is_wide = angle > np.pi
    half = np.where(is_wide, np.pi - angle / 2, angle / 2)[:, None]
    axis = np.where(is_wide, heading + np.pi, heading)[:, None]
    low, high = first, last
    for side, sign in ((axis - half, 1.0), (axis + half, -1.0)):
        # Seen from the apex, the inside is right of the left side and left of the right side.
        normal_east, normal_north = sign * np.cos(side), -sign * np.sin(side)
        slope = normal_east * east + normal_north * north
        start = -(normal_east * apex[:, :1] + normal_north * apex[:, 1:])
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = -start / slope
        low = np.where(slope > 0, np.maximum(low, crossing), low)
        high = np.where(slope < 0, np.minimum(high, crossing), high)
        high = np.where((slope == 0) & (start < 0), low, high)
    wedge = _between(low, high)
    return np.where(is_wide[:, None], disk - wedge, wedge)


def _between(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(high > low, high**2 - low**2, 0.0)


def _chunks(rows: NDArray[np.integer]) -> list[NDArray[np.integer]]:
    return [
        rows[start : start + _PAIRS_AT_A_TIME] for start in range(0, len(rows), _PAIRS_AT_A_TIME)
    ]
