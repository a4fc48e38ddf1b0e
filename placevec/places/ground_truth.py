"""Finds the database photos that are right answers for each query."""

import numpy as np
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors


def relevant_database(
    dataset: PlaceDataset, radius_m: float, min_time_difference_s: float | None = None
) -> list[NDArray[np.int64]]:
    """Finds the database photos that show the place of each query.

    These are the photos within the radius or, without positions, the photos of the same place. Only
    photos for which `may_answer` is true count.

    Args:
        dataset: PlaceDataset.
        radius_m: float. Largest distance, in metres. Ignored if there are no positions.
        min_time_difference_s: float or None. See `may_answer`. Defaults to `None`.

    Returns:
        One array of int64, ascending, for each of `dataset.queries`. It holds indices of
        `dataset.database` (0 is its first photo), not rows of the data set.

    Raises:
        ValueError: If `radius_m` is negative or not a number, or `min_time_difference_s` is given
            but the data set has no times.

    Example:

    >>> line = PlaceDataset("photos", ["a", "b", "c"], positions_m=[[0, 0], [5, 0], [20, 0]])
    >>> [photos.tolist() for photos in relevant_database(line, radius_m=15.0)]
    [[1], [0, 2], [1]]
    """
    if not radius_m >= 0:
        raise ValueError(f"`radius_m` must not be negative. Received: radius_m={radius_m}")
    neighbors = DatabaseNeighbors(dataset)
    owners, found = neighbors.within(dataset.queries, radius_m)
    kept = may_answer(
        dataset, dataset.queries[owners], neighbors.database[found], min_time_difference_s
    )
    counts = np.bincount(owners[kept], minlength=len(dataset.queries))
    return np.split(found[kept], np.cumsum(counts)[:-1]) if len(counts) else []


def may_answer(
    dataset: PlaceDataset,
    queries: NDArray[np.integer],
    photos: NDArray[np.integer],
    min_time_difference_s: float | None = None,
) -> NDArray[np.bool_]:
    """Returns which photos may answer a query: no photo of the same visit.

    A query is never its own answer. If a photo is both query and database, photos with exactly the
    same time are not answers either, as in Tokyo Time Machine. With `min_time_difference_s`, photos
    that are nearer in time, and photos of unknown time, are not answers. Use it for a single drive,
    because the frames just before and after a query prove nothing.

    Args:
        dataset: PlaceDataset.
        queries: (n,) int. Rows of the data set.
        photos: (n,) int. Rows of the data set, one for each query. Other shapes are broadcast.
        min_time_difference_s: float or None. Minimum time between the two, in seconds. Defaults to
            `None`.

    Returns:
        bool, of the broadcast shape.

    Raises:
        ValueError: If `min_time_difference_s` is given but the data set has no times.
    """
    times_s = dataset.times_s
    if min_time_difference_s is None:
        kept = photos != queries
        if times_s is not None:
            kept &= ~(dataset.is_database[queries] & (times_s[photos] == times_s[queries]))
        return kept
    if times_s is None:
        raise ValueError(
            f"`min_time_difference_s` needs times, and the photos in {dataset.root} have none. "
            f"Leave it out. Received: min_time_difference_s={min_time_difference_s}"
        )
    apart = np.abs(times_s[photos] - times_s[queries]) >= min_time_difference_s
    return apart & (photos != queries)  # false if unknown


def most_barred(dataset: PlaceDataset, min_time_difference_s: float | None = None) -> int:
    """Returns how many database photos at most are excluded from the answers of one query.

    Args:
        dataset: PlaceDataset.
        min_time_difference_s: float or None. See `may_answer`. Defaults to `None`.

    Returns:
        int. At least the number of photos that `may_answer` excludes for any query that has another
        possible answer.
    """
    if dataset.times_s is None:
        return 1
    margin_s = min_time_difference_s or 0.0
    times_s = np.sort(dataset.times_s[dataset.database])  # NaN comes last
    queries_s = dataset.times_s[dataset.queries]
    first = np.searchsorted(times_s, queries_s - margin_s, side="left")
    last = np.searchsorted(times_s, queries_s + margin_s, side="right")
    return 1 + int((last - first).max(initial=0)) + int(np.isnan(times_s).sum())
