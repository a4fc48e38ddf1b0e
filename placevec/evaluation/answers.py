"""Which database photos answer a query: those that are right, and those that are found."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.config import EvaluateConfig
from placevec.counted import counted
from placevec.places import PlaceDataset, may_answer, most_barred, relevant_database, turn_deg
from placevec.retrieval.hubness import depth, without_hubs
from placevec.retrieval.sequences import nearest_by_sequence, runs_in_order
from placevec.store.search.exact import nearest

_MOST_PAIRS = 20_000_000  # of a query and a neighbor, searched together


@dataclass(frozen=True)
class AnswerRules:
    """What is an answer, and which answers are right.

    Args:
        radius_m: float. Largest distance of a right answer, in the data set's unit.
        min_time_difference_s: float or None. See `may_answer`.
        max_heading_difference_deg: float or None. Largest difference of a right answer's heading.
        one_answer_per_position: bool. Whether of the photos taken at one position, or of one place
            if positions are not known, only the most similar is an answer.
    """

    radius_m: float
    min_time_difference_s: float | None
    max_heading_difference_deg: float | None
    one_answer_per_position: bool

    def notes(self, dataset: PlaceDataset) -> list[str]:
        """Returns what these rules leave out of the answers, a sentence each."""
        notes = []
        if self.min_time_difference_s is not None:
            notes.append(
                f"Photos taken less than {self.min_time_difference_s:g} s before or after the "
                "query are not answers."
            )
        elif dataset.times_s is not None and (dataset.is_query & dataset.is_database).any():
            notes.append(
                "A query that is in the database as well is not answered with photos of its own "
                "time: the rule of Tokyo Time Machine."
            )
        if self.max_heading_difference_deg is not None:
            notes.append(
                "Answers that look in another direction by more than "
                f"{self.max_heading_difference_deg:g} degrees are wrong."
            )
        if self.one_answer_per_position:
            notes.append(
                "Of the photos at one position only the most similar is an answer: the rule of "
                "Tokyo 24/7."
            )
        return notes


def right_answers(dataset: PlaceDataset, rules: AnswerRules) -> list[NDArray[np.int64]]:
    """Returns the right answers of each query, and refuses a data set where none has one.

    Args:
        dataset: PlaceDataset.
        rules: AnswerRules.

    Returns:
        Q arrays of int64. Rows of `dataset.database`.

    Raises:
        ValueError: If no query has a right answer, or headings are asked for and not all known.
    """
    num_queries, num_database = len(dataset.queries), len(dataset.database)
    relevant = []
    if num_database:
        relevant = relevant_database(dataset, rules.radius_m, rules.min_time_difference_s)
    if rules.max_heading_difference_deg is not None:
        relevant = _looking_alike(dataset, relevant, rules.max_heading_difference_deg)
    if not any(len(right) for right in relevant):
        raise ValueError(
            "Recall needs a query with a right answer in the database. Received: "
            f"{counted(num_queries, 'query', 'queries')}, "
            f"{counted(num_database, 'database photo')} in {dataset.root}, none within "
            f"{rules.radius_m:g} {dataset.unit} of a query and of another time. Enlarge the "
            "radius or take other photos"
        )
    return relevant


def search_answers(
    photos: PlaceDataset,
    database: NDArray[np.float32],
    queries: NDArray[np.float32],
    rules: AnswerRules,
    count: int,
    hubness: str = EvaluateConfig.hubness,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the most similar database photos that may answer.

    Args:
        photos: PlaceDataset.
        database: (M, D) float32. Descriptors of `photos.database`.
        queries: (Q, D) float32. Descriptors of `photos.queries`.
        rules: AnswerRules.
        count: int. Answers of each query.
        hubness: str. A row of `HUBNESS`.

    Returns:
        neighbors `(Q, k)` int64, rows of the database, best first, -1 where there are no more; and
        similarities `(Q, k)` float32, -infinity where there are no more. `k` is `count`, or the
        size of the database if that is smaller.
    """
    position_of = _position_of(photos, rules)
    deep = depth(hubness, count * _most_at_one(position_of))
    deep = min(deep + most_barred(photos, rules.min_time_difference_s), len(database))
    find, take = functools.partial(nearest, database), database.__getitem__
    rows = np.arange(len(queries))
    found = []
    for part in np.array_split(rows, max(1, -(-len(queries) * deep // _MOST_PAIRS))):
        neighbors, similarities = nearest(database, queries[part], deep)
        owners, answers = photos.queries[part, None], photos.database[neighbors]
        allowed = may_answer(photos, owners, answers, rules.min_time_difference_s)
        best = _only(allowed, neighbors, similarities)
        best = without_hubs(hubness, *best, queries, find, take)
        found.append([each[:, :count] for each in _one_at_each(position_of, *best)])
    neighbors, similarities = map(np.concatenate, zip(*found, strict=True))
    return neighbors, similarities


def search_runs(
    photos: PlaceDataset,
    database: NDArray[np.float32],
    queries: NDArray[np.float32],
    rules: AnswerRules,
    count: int,
    length: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the database photos that may answer and whose runs are the most similar.

    Args:
        photos: PlaceDataset.
        database: (M, D) float32. See `search_answers`, like the next three.
        queries: (Q, D) float32.
        rules: AnswerRules.
        count: int.
        length: int. Photos of a run that are matched together.

    Returns:
        As `search_answers`; similarities are those of runs.
    """
    sides = [
        runs_in_order(
            photos.names[rows],
            None if photos.times_s is None else photos.times_s[rows],
            None if photos.sequence_ids is None else photos.sequence_ids[rows],
        )
        for rows in (photos.queries, photos.database)
    ]

    def similarities() -> Iterator[NDArray[np.float32]]:
        for place in sides[0][0]:
            query = photos.queries[place, None]
            is_allowed = may_answer(photos, query, photos.database, rules.min_time_difference_s)
            yield np.where(is_allowed, database @ queries[place], np.float32(-np.inf))

    position_of = _position_of(photos, rules)
    query_runs, database_runs = sides
    deep = count * _most_at_one(position_of)
    best = nearest_by_sequence(similarities(), query_runs, database_runs, length, deep)
    neighbors, scores = _one_at_each(position_of, *best)
    return neighbors[:, :count], scores[:, :count]


def _looking_alike(
    dataset: PlaceDataset, relevant: list[NDArray[np.int64]], most_deg: float
) -> list[NDArray[np.int64]]:
    """Returns the answers that look in the direction of the query, within `most_deg`."""
    headings_deg = dataset.headings_deg
    if headings_deg is None or not np.isfinite(headings_deg).all():
        raise ValueError(
            "`max_heading_difference_deg` needs photos whose headings are all known. Received: "
            f"{dataset.root}, where some are missing. Leave it out, or add a column `heading_deg`"
        )
    found_deg = headings_deg[dataset.database]
    return [
        rows[turn_deg(found_deg[rows], query_deg) <= most_deg]
        for query_deg, rows in zip(headings_deg[dataset.queries], relevant, strict=True)
    ]


def _position_of(photos: PlaceDataset, rules: AnswerRules) -> NDArray[np.int64] | None:
    """Returns a number for the position or place of each database photo; None without the rule."""
    if not rules.one_answer_per_position:
        return None
    if photos.positions_m is not None:
        places = photos.positions_m[photos.database]
        return np.unique(places, axis=0, return_inverse=True)[1].reshape(-1)
    identities = photos.known("place_ids")[photos.database]
    alone = -2 - np.arange(len(identities))  # a photo of unknown place is like no other
    return np.unique(np.where(identities < 0, alone, identities), return_inverse=True)[1]


def _most_at_one(position_of: NDArray[np.int64] | None) -> int:
    return 1 if position_of is None else int(np.bincount(position_of).max())


def _one_at_each(
    position_of: NDArray[np.int64] | None,
    neighbors: NDArray[np.int64],
    similarities: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns answers without those whose position has a better one."""
    if position_of is None:
        return neighbors, similarities
    positions = np.where(neighbors < 0, -1, position_of[neighbors])
    order = np.argsort(positions, axis=1, kind="stable")  # of one position, the best comes first
    ascending = np.take_along_axis(positions, order, 1)
    is_first = np.diff(ascending, axis=1, prepend=-1) > 0
    kept = np.empty_like(is_first)
    np.put_along_axis(kept, order, is_first, 1)
    return _only(kept, neighbors, similarities)


def _only(
    is_kept: NDArray[np.bool_], neighbors: NDArray[np.int64], similarities: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns the answers that are kept, in their order; -1 and -infinity behind them."""
    order = np.argsort(~is_kept, axis=1, kind="stable")
    neighbors = np.where(is_kept, neighbors, -1)
    similarities = np.where(is_kept, similarities, np.float32(-np.inf))
    return np.take_along_axis(neighbors, order, 1), np.take_along_axis(similarities, order, 1)
