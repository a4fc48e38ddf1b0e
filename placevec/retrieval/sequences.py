"""Matches runs of photos with runs of photos, instead of single photos."""

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images import parse_frame_name
from placevec.places.name_order import by_number

_SPEEDS = (0.8, 0.9, 1.0, 1.1, 1.2)
"""Speeds, in database photos per photo of the query's run, in both directions."""


class SequenceMatcher:
    """Matches the last photos of a run with the runs of a database, photo by photo.

    The score of a database photo is the mean similarity along the best path that ends at it. A path
    pairs the query and the photos before it with the database photos before that photo in its run,
    or after it for the opposite direction, at a constant speed of 0.8 to 1.2. If a path leaves the
    run, the mean similarity of the query photo to all database photos counts instead, so that the
    ends of runs are neither preferred nor left out.

    It keeps `length` rows of similarities in memory. The database may grow and may forget its
    oldest photos, so you can match a run with its own past.

    Args:
        runs: (N,) int. The run of each database photo. The photos of a run follow one another in
            their order. -1 is a photo in no run, which is matched alone.
        length: int. Number of photos of the query's run to match, including the newest one. 1:
            match each photo alone.

    Raises:
        ValueError: If `length` is below 1, or the photos of a run do not follow one another.

    Example:
    >>> matcher = SequenceMatcher(np.array([0, 0, 0]), length=2)
    >>> _ = matcher.add(np.array([0.9, 0.5, 0.1]))
    >>> int(matcher.add(np.array([0.6, 0.6, 0.0])).argmax())
    1

    Reference:
        [Milford and Wyeth, 2012](https://doi.org/10.1109/ICRA.2012.6224623), who search the
        similarities for straight lines.
    """

    def __init__(self, runs: NDArray[np.integer], length: int):
        if length < 1:
            raise ValueError(f"`length` must be at least 1. Received: length={length}")
        runs = np.asarray(runs)
        starts = np.flatnonzero(np.concatenate([[True], runs[1:] != runs[:-1]]))[: len(runs)]
        named = runs[starts][runs[starts] >= 0]
        if len(np.unique(named)) < len(named):
            raise ValueError(
                "The photos of a run must follow one another in the database. Received: runs that "
                f"are interrupted, {len(named)} parts of {counted(len(np.unique(named)), 'run')}"
            )
        self.length = length
        self._runs = runs
        self._past = deque(maxlen=length)  # (similarities (N,), mean), newest first

    def start_run(self) -> None:
        """Forgets the photos so far. The next photo begins another run."""
        self._past.clear()

    def grow(self, runs: NDArray[np.int64]) -> None:
        """Adds database photos, which earlier photos of the run were not compared with.

        Args:
            runs: (M,) int. The run of each database photo, with the earlier ones first.
        """
        self._runs = runs

    def forget(self, count: int) -> None:
        """Drops the first `count` database photos."""
        self._runs = self._runs[count:]
        for place, (row, mean) in enumerate(self._past):
            self._past[place] = row[count:], mean

    def add(self, similarities: NDArray[np.floating]) -> NDArray[np.float32]:
        """Adds the next photo of the query's run and returns the scores of database photos.

        Args:
            similarities: (N,) float. Similarity to each database photo; larger is better.
                -infinity: never an answer; on a path it counts as the mean of the others.

        Returns:
            (N,) float32. The scores of the database photos. At the beginning of a run these are the
            similarities of the photo alone. -infinity stays.

        Raises:
            ValueError: If their number differs from the number of database photos.
        """
        row = np.asarray(similarities, np.float32)
        if row.shape != self._runs.shape:
            raise ValueError(
                f"`similarities` must be ({len(self._runs)},), one for each database photo. "
                f"Received: shape {row.shape}"
            )
        is_known = np.isfinite(row)
        mean = row[is_known].mean() if is_known.any() else np.float32(0)
        self._past.appendleft((np.where(is_known, row, mean), mean))
        best = np.full(len(row), -np.inf, np.float32)
        for steps in sorted(_paths(len(self._past))):
            np.maximum(best, self._mean_along(steps), out=best)
        return np.where(is_known, best, np.float32(-np.inf))

    def _mean_along(self, steps: tuple[int, ...]) -> NDArray[np.float32]:
        """Returns the mean similarity along the paths with one speed, (N,) float32."""
        count = len(self._runs)
        total = np.zeros(count, np.float32)
        for (row, mean), step in zip(self._past, steps, strict=True):
            first, last = max(0, step), max(0, step, min(count, len(row) + step))
            here, there = slice(first, last), slice(first - step, last - step)
            is_inside = self._runs[here] == self._runs[there]
            is_inside &= (self._runs[here] >= 0) | (step == 0)
            part = np.full(count, mean, np.float32)
            part[here] = np.where(is_inside, row[there], mean)
            total += part
        return total / np.float32(len(steps))


def match_sequences(
    similarities: NDArray[np.floating],
    query_runs: NDArray[np.integer],
    runs: NDArray[np.integer],
    length: int,
) -> NDArray[np.float32]:
    """Scores database photos by runs of queries, see `SequenceMatcher`.

    Args:
        similarities: (Q, N) float. Queries of a run follow one another in their order.
        query_runs: (Q,) int. The run of each query. -1 is a query in no run, which is matched
            alone.
        runs: (N,) int. The run of each database photo.
        length: int. Number of photos of a run to match together.

    Returns:
        (Q, N) float32. Larger is better.

    Raises:
        ValueError: If shapes do not fit, or as `SequenceMatcher`.
    """
    if np.shape(similarities) != (len(query_runs), len(runs)):
        raise ValueError(
            f"`similarities` must be ({len(query_runs)}, {len(runs)}), queries by database photos. "
            f"Received: shape {np.shape(similarities)}"
        )
    matcher, scores = SequenceMatcher(runs, length), np.empty(np.shape(similarities), np.float32)
    for row, each in enumerate(similarities):
        if row and (query_runs[row] != query_runs[row - 1] or query_runs[row] < 0):
            matcher.start_run()
        scores[row] = matcher.add(each)
    return scores


def nearest_by_sequence(
    similarities: Iterable[NDArray[np.floating]],
    queries: tuple[NDArray[np.int64], NDArray[np.int64]],
    database: tuple[NDArray[np.int64], NDArray[np.int64]],
    length: int,
    num_neighbors: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the database photos whose runs are the most similar to those of the queries.

    Args:
        similarities: iterable of Q (N,) float. Similarities of each query, in the order of
            `queries`, to all database photos. -infinity: never an answer.
        queries: The result of `runs_in_order` for the Q queries.
        database: The same for the N database photos.
        length: int. Number of photos of a run to match together.
        num_neighbors: int. How many to find.

    Returns:
        neighbors `(Q, k)` int64, best first, -1 if there are no more; and their scores, see
        `SequenceMatcher`, `(Q, k)` float32, -infinity if there are no more. Equal scores come in
        the order of their rows.
    """
    order, runs = database
    matcher, count = SequenceMatcher(runs, length), min(num_neighbors, len(order))
    neighbors = np.full((len(queries[0]), count), -1, np.int64)
    scores = np.full((len(queries[0]), count), -np.inf, np.float32)
    last = None
    for query, run, row in zip(*queries, similarities, strict=True):
        if run != last or run < 0:
            matcher.start_run()
        last, by_row = run, np.empty(len(order), np.float32)
        by_row[order] = matcher.add(row[order])
        best = np.argsort(-by_row, kind="stable")[:count]
        scores[query] = by_row[best]
        neighbors[query] = np.where(np.isneginf(scores[query]), -1, best)
    return neighbors, scores


def runs_in_order(
    names: Sequence[str] | NDArray[np.str_],
    times_s: NDArray[np.floating] | None = None,
    sequence_ids: NDArray[np.integer] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Finds which photos follow one another in a run, and in which order.

    A run is a sequence. If no sequences are known, a run is a folder, or the frames of a video. Its
    order is that of times if all times of the run are known, or else of names, with numbers
    compared by value.

    Args:
        names: sequence of N str. Files, relative to one folder.
        times_s: (N,) float or None. Seconds; NaN if unknown.
        sequence_ids: (N,) int or None. -1 is a photo in no sequence, which is matched alone.

    Returns:
        (N,) int64, the photos run by run in their order; and (N,) int64, the run of each of these
        photos, -1 for no run.

    Example:
    >>> order, runs = runs_in_order(["b/2.jpg", "a/10.jpg", "a/9.jpg"])
    >>> order.tolist(), runs.tolist()
    ([2, 1, 0], [0, 0, 1])
    """
    names = [str(name) for name in names]
    if sequence_ids is None:
        homes = np.array([_home(name) for name in names], object)
        runs = np.unique(homes, return_inverse=True)[1].reshape(len(names))
    else:
        runs = np.asarray(sequence_ids, np.int64)
    times_s = np.full(len(names), np.nan) if times_s is None else np.asarray(times_s, float)
    untimed = np.unique(runs[~np.isfinite(times_s)])
    times_s = np.where(np.isin(runs, untimed), 0.0, times_s)
    keys = np.array([by_number(name) for name in names], object)
    places = np.unique(keys, return_inverse=True)[1].reshape(len(names))
    order = np.lexsort((places, times_s, runs))
    return order, runs[order].astype(np.int64)


def _home(name: str) -> str:
    """Returns the video of a frame, or the folder of a photo."""
    frame = parse_frame_name(name)
    return str(PurePosixPath(name).parent) if frame is None else f"video {frame[0]}"


def _paths(count: int) -> set[tuple[int, ...]]:
    """Returns for each speed how many database photos lie between the query and earlier photos."""
    back = np.arange(count)
    ways = [sign * speed for sign in (1, -1) for speed in _SPEEDS]
    return {tuple(np.rint(way * back).astype(int).tolist()) for way in ways}
