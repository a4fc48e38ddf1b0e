"""Finds photos that follow each other in one run, such as a drive, a walk or a video."""

import numpy as np
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.places.name_order import by_number

_NUM_ADJACENT = 2
_MAX_STEP_IN_MEDIANS = 10.0
_FEWEST_PHOTOS = 10
_MAX_LONG_SHARE = 0.05  # of a run that is only known by its names


def adjacent_in_run(
    dataset: PlaceDataset, ones: NDArray[np.integer], others: NDArray[np.integer]
) -> NDArray[np.bool_]:
    """Returns which pairs of photos are at most two photos apart in one run.

    A run is a sequence or, if no sequences are known, all photos with a time. Its order is that of
    times, or else of names. If neither sequences nor times are known, all photos are one run if
    almost every photo is near the previous one in the order of names.

    Args:
        dataset: PlaceDataset.
        ones: (n,) int. Rows of the data set.
        others: (n,) int. Rows of the data set.

    Returns:
        (n,) bool.

    Example:

    >>> walk = PlaceDataset("walk", [f"{n}.jpg" for n in range(10)],
    ...                     positions_m=[[n, 0] for n in range(10)])
    >>> adjacent_in_run(walk, np.array([0, 0]), np.array([2, 3])).tolist()
    [True, False]
    """
    runs = _runs(dataset)
    order = np.array([by_number(name) for name in dataset.names.tolist()])
    times_s = np.zeros(len(dataset)) if dataset.times_s is None else dataset.times_s
    place = np.empty(len(dataset), dtype=np.int64)
    place[np.lexsort((order, times_s, runs))] = np.arange(len(dataset))
    near = np.abs(place[ones] - place[others]) <= _NUM_ADJACENT
    return near & (runs[ones] == runs[others]) & (runs[ones] != -1)


def _runs(dataset: PlaceDataset) -> NDArray[np.int64]:
    """Returns the run of each photo, (N,) int64; -1 if it is in no run."""
    if dataset.sequence_ids is not None:
        return dataset.sequence_ids
    if dataset.times_s is not None:
        return np.where(np.isnan(dataset.times_s), -1, 0)
    if dataset.positions_m is None or len(dataset) < _FEWEST_PHOTOS:
        return np.full(len(dataset), -1)
    order = sorted(range(len(dataset)), key=lambda row: by_number(dataset.names[row]))
    steps = np.linalg.norm(np.diff(dataset.positions_m[order], axis=0), axis=1)
    is_run = (steps > _MAX_STEP_IN_MEDIANS * np.median(steps)).mean() <= _MAX_LONG_SHARE
    return np.zeros(len(dataset), dtype=np.int64) if is_run else np.full(len(dataset), -1)
