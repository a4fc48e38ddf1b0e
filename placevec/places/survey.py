"""Finds odd positions and times of the photos in a data set."""

import re
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.places.name_order import by_number
from placevec.places.neighbors import DatabaseNeighbors

_NUMBER = re.compile(r"\d{1,18}")
_PHOTOS_AT_A_TIME = 65_536


class Jumps(NamedTuple):
    """Steps of a trajectory that are impossibly fast.

    Args:
        before: (n,) int64. Rows of the photos before the jumps.
        after: (n,) int64. Rows of the photos after them.
        speeds_m_s: (n,) float64. Metres per second.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    speeds_m_s: NDArray[np.float64]


def find_jumps(dataset: PlaceDataset, max_speed_m_s: float) -> Jumps:
    """Finds photos that follow each other in time but are too far apart for that.

    It compares consecutive photos of each sequence in the order of times, or of all photos if no
    sequences are known. Photos with equal times do not follow each other.

    Args:
        dataset: PlaceDataset. Without positions in metres or times there are no jumps.
        max_speed_m_s: float. Largest speed, in metres per second.
    """
    if dataset.positions_m is None or dataset.times_s is None or dataset.unit != "m":
        none = np.empty(0, dtype=np.int64)
        return Jumps(none, none, np.empty(0))
    sequences = _sequences(dataset)
    rows = np.flatnonzero(~np.isnan(dataset.times_s) & (sequences != -1))
    rows = rows[np.lexsort((dataset.times_s[rows], sequences[rows]))]
    before, after = rows[:-1], rows[1:]
    apart_s = dataset.times_s[after] - dataset.times_s[before]
    follow = (sequences[before] == sequences[after]) & (apart_s > 0)
    before, after, apart_s = before[follow], after[follow], apart_s[follow]
    apart_m = np.linalg.norm(dataset.positions_m[after] - dataset.positions_m[before], axis=1)
    speeds_m_s = apart_m / apart_s
    fast = speeds_m_s > max_speed_m_s
    return Jumps(before[fast], after[fast], speeds_m_s[fast])


def find_times_out_of_order(dataset: PlaceDataset) -> NDArray[np.int64]:
    """Finds photos that were taken before their predecessor in the sequence.

    The order of a sequence is that of its names, with numbers compared by value. It only counts if
    the names count frames: the last numbers of most names follow each other in equal steps. Ids
    from a service have no order, and neither do photos without a sequence.

    Returns:
        (n,) int64, ascending. Rows of the data set.
    """
    if dataset.sequence_ids is None or dataset.times_s is None:
        return np.empty(0, dtype=np.int64)
    rows = np.flatnonzero(~np.isnan(dataset.times_s) & (dataset.sequence_ids != -1))
    rows = rows[np.argsort(dataset.sequence_ids[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(dataset.sequence_ids[rows])) + 1
    early = []
    for sequence in np.split(rows, starts):
        if not _count_frames(dataset.names[sequence].tolist()):
            continue
        names = np.array([by_number(name) for name in dataset.names[sequence].tolist()])
        sequence = sequence[np.argsort(names, kind="stable")]
        early.append(sequence[1:][np.diff(dataset.times_s[sequence]) < 0])
    return np.sort(np.concatenate([rows[:0], *early]))


def _count_frames(names: list[str]) -> bool:
    """Returns whether the last numbers in most names follow each other in equal steps."""
    found = [_NUMBER.findall(name) for name in names]
    numbers = sorted(int(each[-1]) for each in found if each)
    if len(numbers) < max(3, len(names)):
        return False
    steps = Counter(after - before for before, after in pairwise(numbers))
    return 2 * max(steps.values()) >= len(numbers) - 1


def find_queries_without_positive(dataset: PlaceDataset, radius_m: float) -> NDArray[np.int64]:
    """Finds queries without any other database photo nearby or of the same place.

    Args:
        dataset: PlaceDataset.
        radius_m: float. Largest distance, in metres. Ignored if there are no positions.

    Returns:
        (n,) int64, ascending. Rows of the data set.
    """
    queries = dataset.queries
    if not len(dataset.database):
        return queries
    neighbors = DatabaseNeighbors(dataset)
    parts = [
        queries[start : start + _PHOTOS_AT_A_TIME]
        for start in range(0, len(queries), _PHOTOS_AT_A_TIME)
    ]
    lonely = [part[~neighbors.have_others_within(part, radius_m)] for part in parts]
    return np.concatenate([queries[:0], *lonely])


def find_places_of_one_photo(dataset: PlaceDataset) -> NDArray[np.int64]:
    """Finds photos that are the only one of their place. Finds none if places have no identity.

    Photos that are only searched and never looked up do not count: they are wrong answers that a
    query must not match.

    Returns:
        (n,) int64, ascending. Rows of the data set.
    """
    if dataset.place_ids is None:
        return np.empty(0, dtype=np.int64)
    ids, first, counts = np.unique(dataset.place_ids, return_index=True, return_counts=True)
    single = np.sort(first[(counts == 1) & (ids != -1)])
    return single[dataset.is_query[single]]


def _sequences(dataset: PlaceDataset) -> NDArray[np.int64]:
    if dataset.sequence_ids is None:
        return np.zeros(len(dataset), dtype=np.int64)
    return dataset.sequence_ids
