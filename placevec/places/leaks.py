"""Finds photos of one split that give away photos of another split."""

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset


def find_photos_near_another_split(
    dataset: PlaceDataset, splits: NDArray[np.integer], buffer_m: float
) -> NDArray[np.int64]:
    """Finds photos that are nearer to a photo of another split than the buffer allows.

    Args:
        dataset: PlaceDataset. Without positions no photo is found.
        splits: (N,) int. The split of each photo, from 0 on; -1 if it is in no split.
        buffer_m: float. Minimum distance between splits, in metres.

    Returns:
        (n,) int64, ascending. Rows of the data set.
    """
    near = np.zeros(len(dataset), dtype=bool)
    if dataset.positions_m is None:
        return np.flatnonzero(near)
    rows_of = [np.flatnonzero(splits == split) for split in range(splits.max(initial=-1) + 1)]
    for split, rows in enumerate(rows_of):
        others = [other for i, other in enumerate(rows_of) if i != split]
        others = np.concatenate([rows[:0], *others])
        if len(rows) and len(others):
            tree = scipy.spatial.KDTree(dataset.positions_m[others])
            # The bound is exclusive, so a photo exactly at the buffer is not a leak.
            found, _ = tree.query(dataset.positions_m[rows], distance_upper_bound=buffer_m)
            near[rows[np.isfinite(found)]] = True
    return np.flatnonzero(near)


def find_photos_of_split_places(
    dataset: PlaceDataset, splits: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Finds photos of places that have photos in more than one split.

    Args:
        dataset: PlaceDataset. Without identities of places no photo is found.
        splits: (N,) int. The split of each photo, from 0 on; -1 if it is in no split.

    Returns:
        (n,) int64, ascending. Rows of the data set.
    """
    if dataset.place_ids is None:
        return np.empty(0, dtype=np.int64)
    rows = np.flatnonzero((dataset.place_ids != -1) & (splits != -1))
    _, place = np.unique(dataset.place_ids[rows], return_inverse=True)
    least = np.full(place.max(initial=-1) + 1, splits.max(initial=0))
    most = np.full_like(least, -1)
    np.minimum.at(least, place, splits[rows])
    np.maximum.at(most, place, splits[rows])
    return rows[(least < most)[place]]
