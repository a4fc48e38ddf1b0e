"""Warns if recall is too good: photos on both sides, or answers from the query's own run."""

import logging
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images import Same, same_photos
from placevec.input_file import shown
from placevec.places import PlaceDataset, adjacent_in_run, may_answer

_log = logging.getLogger(__name__)
_NUM_ALIKE = 3  # Pixels are compared with this many neighbors of a query.
_LEAST_SIMILARITY = 0.9999  # Equal pixels reach it in any precision.
_FEWEST_ANSWERS = 3
_HOW = {"file": "is the file", "bytes": "is a copy of", "pixels": "has the pixels of"}


def warn_of_queries_in_database(
    dataset: PlaceDataset,
    neighbors: NDArray[np.int64],
    similarities: NDArray[np.float32],
    min_time_difference_s: float | None = None,
) -> None:
    """Warns how many queries are also in the database: the same file, a copy, the same pixels.

    Args:
        dataset: PlaceDataset.
        neighbors: (Q, k) int64. Rows of `dataset.database`, best first; -1 means no photo.
        similarities: (Q, k) float32.
        min_time_difference_s: float or None. Photos that may not answer are skipped, see
            `may_answer`. Defaults to `None`.
    """
    queries, database = dataset.queries, dataset.database
    near = (neighbors >= 0) & (similarities >= _LEAST_SIMILARITY)
    alike = [
        (query, photo)
        for query, found, is_near in zip(queries.tolist(), neighbors, near, strict=True)
        for photo in database[found[is_near][:_NUM_ALIKE]].tolist()
    ]
    same = [
        each
        for each in same_photos(dataset.paths(), queries, database, alike)
        if may_answer(dataset, np.array([each.row]), np.array([each.other]), min_time_difference_s)[
            0
        ]
    ]
    if same:
        _log.warning(
            "%s also in the database (%s), where a photo finds itself, so recall is too high. "
            "Remove photos that are on both sides from one",
            counted(len(same), f"of {len(queries)} queries is", f"of {len(queries)} queries are"),
            _first(same, dataset.names),
        )


def warn_of_own_run(
    dataset: PlaceDataset, neighbors: NDArray[np.int64], relevant: list[NDArray[np.int64]]
) -> None:
    """Warns if most right first answers are the photos just before and after the queries.

    Args:
        dataset: PlaceDataset.
        neighbors: (Q, k) int64. Rows of `dataset.database`, best first; -1 means no photo.
        relevant: Q arrays of int64. Rows of `dataset.database` that are right answers.
    """
    firsts = neighbors[:, 0]
    right = np.array([first in good for first, good in zip(firsts, relevant, strict=True)])
    if right.sum() < _FEWEST_ANSWERS:
        return
    near = adjacent_in_run(dataset, dataset.queries[right], dataset.database[firsts[right]])
    if 2 * near.sum() >= len(near):
        _log.warning(
            "%d of %d right first answers are photos just before or after the query in its own "
            "run, which look nearly the same. This recall says little about finding a place again. "
            "Exclude them with `--min-time-difference-s`, or search in another run",
            near.sum(),
            len(near),
        )


def warn_of_training_photos(training: PlaceDataset, held_out: PlaceDataset, role: str) -> None:
    """Warns how many photos of another set are also trained on: the same file, bytes or pixels.

    Pixels are compared only for photos with equal file names or equal positions.

    Args:
        training: PlaceDataset. The training photos.
        held_out: PlaceDataset. The photos that judge the network.
        role: str. Role of these photos, such as `"validation"`.
    """
    count = len(held_out)
    paths = [*held_out.paths(), *training.paths()]
    alike = [
        (row, count + other)
        for keys in ("stem", "place")
        for row, other in _of_equal_key(*(_keys(each, keys) for each in (held_out, training)))
    ]
    same = same_photos(paths, np.arange(count), np.arange(count, len(paths)), alike)
    if same:
        _log.warning(
            "%s also trained on (%s), so this recall shows what was learned by heart. Give other "
            "photos as `%s`",
            counted(len(same), f"of {count} {role} photos is", f"of {count} {role} photos are"),
            _first(same, np.array(list(map(str, paths)))),
            role,
        )


def _keys(dataset: PlaceDataset, kind: str) -> list:
    if kind == "stem":
        return [PurePath(name).stem for name in dataset.names.tolist()]
    if dataset.positions_m is None:
        return []
    return [(dataset.frame, *position) for position in dataset.positions_m.round(1).tolist()]


def _of_equal_key(ones: list, others: list) -> list[tuple[int, int]]:
    """Returns the index of each key that is in both lists, and its last index in the other."""
    last = {key: place for place, key in enumerate(others)}
    return [(place, last[key]) for place, key in enumerate(ones) if key in last]


def _first(same: list[Same], names: NDArray[np.str_]) -> str:
    """Returns the first pair of equal photos and how they are equal, for a message."""
    first = same[0]
    return f"first: {shown(names[first.row])} {_HOW[first.how]} {shown(names[first.other])}"
