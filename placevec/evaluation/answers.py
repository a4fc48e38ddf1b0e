"""Finds the right answers to queries, and the answers of a search."""

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

_MOST_PAIRS = 20_000_000  # pairs of query and neighbor in one search


@dataclass(frozen=True)
class AnswerRules:
    """The rules that say what is an answer, and which answers are right.

    Args:
        radius_m: float. Largest distance of a right answer, in the unit of the data set.
        min_time_difference_s: float or None. See `may_answer`.
        max_heading_difference_deg: float or None. Largest difference of a right answer's heading.
        one_answer_per_position: bool. Whether only the most similar photo of each position is an
            answer. If positions are not known, the same holds for each place.
    """

    radius_m: float
    min_time_difference_s: float | None
    max_heading_difference_deg: float | None
    one_answer_per_position: bool

    def notes(self, dataset: PlaceDataset) -> list[str]:
        """Returns what these rules exclude from the answers, one sentence per rule."""
        notes = []
        if self.min_time_difference_s is not None:
            notes.append(
                f"Photos taken less than {self.min_time_difference_s:g} s before or after the "
                "query are not answers."
            )
        elif dataset.times_s is not None and (dataset.is_query & dataset.is_database).any():
            notes.append(
                "A query that is also in the database is not answered with photos of its own time. "
                "This is the rule of Tokyo Time Machine."
            )
        if self.max_heading_difference_deg is not None:
            notes.append(
                "Answers that look in another direction by more than "
                f"{self.max_heading_difference_deg:g} degrees are wrong."
            )
        if self.one_answer_per_position:
            notes.append(
                "Only the most similar photo of each position is an answer. This is the rule of "
                "Tokyo 24/7."
            )
        return notes


def right_answers(dataset: PlaceDataset, rules: AnswerRules) -> list[NDArray[np.int64]]:
    """Returns the right answers of each query, or an error if no query has any.

    Args:
        dataset: PlaceDataset.
        rules: AnswerRules.

    Returns:
        Q arrays of int64. Rows of `dataset.database`.

    Raises:
        ValueError: If no query has a right answer, or if a rule needs headings and some are
            unknown.
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
            f"{rules.radius_m:g} {dataset.unit} of a query and of another time. Use a larger "
            "radius or other photos"
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
    """Searches the most similar database photos that may answer each query.

    Args:
        photos: PlaceDataset.
        database: (M, D) float32. Descriptors of `photos.database`.
        queries: (Q, D) float32. Descriptors of `photos.queries`.
        rules: AnswerRules.
        count: int. Number of answers of each query.
        hubness: str. A row of `HUBNESS`.

    Returns:
        Neighbors `(Q, k)` int64: rows of the database, best first. Similarities `(Q, k)` float32.
        If there are fewer answers, the rest is -1 and -infinity. `k` is `count`, or the size of the
        database if that is smaller.
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
    """Searches the database photos that may answer and whose runs are the most similar.

    Args:
        photos: PlaceDataset.
        database: (M, D) float32. See `search_answers`, like the next three.
        queries: (Q, D) float32.
        rules: AnswerRules.
        count: int.
        length: int. Number of photos of a run to match together.

    Returns:
        As `search_answers`, but with the similarities of runs.
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
    """Returns the answers whose heading differs from the query's by at most `most_deg`."""
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
    """Returns the position (or place) number of each database photo; None without the rule."""
    if not rules.one_answer_per_position:
        return None
    if photos.positions_m is not None:
        places = photos.positions_m[photos.database]
        return np.unique(places, axis=0, return_inverse=True)[1].reshape(-1)
    identities = photos.known("place_ids")[photos.database]
    alone = -2 - np.arange(len(identities))  # A photo of unknown place shares it with no other.
    return np.unique(np.where(identities < 0, alone, identities), return_inverse=True)[1]


def _most_at_one(position_of: NDArray[np.int64] | None) -> int:
    return 1 if position_of is None else int(np.bincount(position_of).max())


def _one_at_each(
    position_of: NDArray[np.int64] | None,
    neighbors: NDArray[np.int64],
    similarities: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Removes the answers whose position has a better answer."""
    if position_of is None:
        return neighbors, similarities
    positions = np.where(neighbors < 0, -1, position_of[neighbors])
    order = np.argsort(positions, axis=1, kind="stable")  # keeps the best of a position first
    ascending = np.take_along_axis(positions, order, 1)
    is_first = np.diff(ascending, axis=1, prepend=-1) > 0
    kept = np.empty_like(is_first)
    np.put_along_axis(kept, order, is_first, 1)
    return _only(kept, neighbors, similarities)


def _only(
    is_kept: NDArray[np.bool_], neighbors: NDArray[np.int64], similarities: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Moves the kept answers to the front, in their order; the rest is -1 and -infinity."""
    order = np.argsort(~is_kept, axis=1, kind="stable")
    neighbors = np.where(is_kept, neighbors, -1)
    similarities = np.where(is_kept, similarities, np.float32(-np.inf))
    return np.take_along_axis(neighbors, order, 1), np.take_along_axis(similarities, order, 1)
