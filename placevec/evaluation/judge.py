"""Judges each answer: right, just outside the radius, or wrong, and how far away it is."""

import functools
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.evaluation.evaluation import Evaluation
from placevec.evaluation.measures.precision import PrecisionRecall, precision_recall

_FEWEST_RUNS = 8  # With fewer runs, intervals come from places.


@dataclass(frozen=True, eq=False)
class Judgment:
    """The first answers of an evaluation, judged one by one.

    Args:
        evaluation: Evaluation.
        wrong_beyond_m: float or None. Answers between the radius and this distance count neither as
            right nor as wrong in the precision. None: all beyond the radius are wrong.
    """

    evaluation: Evaluation
    wrong_beyond_m: float | None = None

    @functools.cached_property
    def has_answer(self) -> NDArray[np.bool_]:
        """(Q,) bool. Whether a right answer exists."""
        return np.array([len(right) > 0 for right in self.evaluation.relevant], bool)

    @functools.cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """(Q,) bool. Whether the first answer is right."""
        return self.evaluation.is_right[:, 0]

    @functools.cached_property
    def found_within(self) -> NDArray[np.bool_]:
        """(Q, k) bool. Whether a right answer is among the first N, in column N - 1."""
        return np.maximum.accumulate(self.evaluation.is_right, axis=1)

    @functools.cached_property
    def recalls(self) -> NDArray[np.floating]:
        """(k,) float in [0, 1]. Recall@1 to recall@k, over the queries that have an answer."""
        return self.found_within[self.has_answer].mean(axis=0)

    @functools.cached_property
    def is_ignored(self) -> NDArray[np.bool_]:
        """(Q,) bool. Whether the first answer counts neither as right nor as wrong."""
        if self.wrong_beyond_m is None:
            return np.zeros(len(self.is_right), bool)
        return ~self.is_right & (self.distances_m <= self.wrong_beyond_m)

    def kind(self, query: int) -> str:
        """Returns the kind of the first answer: right, outside, wrong, or unanswerable.

        Args:
            query: int. Number of the query.

        Returns:
            str. `"outside"` is wrong but just outside the radius. `"unanswerable"` means that the
            query has no right answer.
        """
        if self.is_right[query]:
            return "right"
        if not self.has_answer[query]:
            return "unanswerable"
        return "outside" if self.evaluation.is_just_outside[query, 0] else "wrong"

    @functools.cached_property
    def distances_m(self) -> NDArray[np.floating]:
        """(Q,) float. Distance of the first answer, in the data set's unit; NaN if unknown."""
        return self.evaluation.distances_m[:, 0]

    @functools.cached_property
    def gaps(self) -> NDArray[np.floating]:
        """(Q,) float. Lead of the first answer over the best answer that shows another place.

        The lead is a difference of similarities. All photos within the radius of the first answer
        show its place. If all answers show it, the gap is to the last one.
        """
        evaluation, dataset = self.evaluation, self.evaluation.dataset
        found, similarities = evaluation.neighbors, evaluation.similarities
        first = found[:, :1]
        if dataset.positions_m is not None and evaluation.radius_m is not None:
            places_m = dataset.positions_m[dataset.database]
            far = np.linalg.norm(places_m[found] - places_m[first], axis=2) > evaluation.radius_m
        else:
            far = found != first
        is_last = np.arange(found.shape[1]) == (found >= 0).sum(axis=1, keepdims=True) - 1
        others = np.where((far | is_last) & (found >= 0), similarities, -np.inf)
        others[:, 0] = -np.inf
        best = others.max(axis=1)
        return np.where(np.isfinite(best), similarities[:, 0] - best, 0.0)

    def curve(self, scores: NDArray[np.floating]) -> PrecisionRecall:
        """Returns precision and recall of the first answers, over a score of each."""
        return precision_recall(scores, self.is_right, self.has_answer, self.is_ignored)

    def recall_over_radius(self, radii_m: NDArray[np.floating]) -> NDArray[np.floating]:
        """Returns recall@1 at other radii, over the queries that have an answer within each radius.

        Args:
            radii_m: (R,) float. The radii.

        Returns:
            (R,) float in [0, 1]; NaN if no query has an answer. All NaN without positions.
        """
        dataset = self.evaluation.dataset
        if dataset.positions_m is None:
            return np.full(len(radii_m), np.nan)
        tree = scipy.spatial.cKDTree(dataset.positions_m[dataset.database])
        nearest_m, _ = tree.query(dataset.positions_m[dataset.queries])
        nearest_m = np.fmin(nearest_m, self.distances_m)
        found = (self.distances_m[:, None] <= radii_m).sum(axis=0)
        answerable = (nearest_m[:, None] <= radii_m).sum(axis=0)
        return np.where(answerable > 0, found / np.maximum(answerable, 1), np.nan)

    @functools.cached_property
    def places(self) -> NDArray[np.int64]:
        """(Q,) int64. The groups to resample for intervals: runs if there are eight, else places.

        A place is a square with sides of two radii, or an identity.
        """
        dataset, queries = self.evaluation.dataset, self.evaluation.dataset.queries
        runs = dataset.sequence_ids
        if runs is not None and len(np.unique(runs[queries])) >= _FEWEST_RUNS:
            return runs[queries]
        if dataset.positions_m is None:
            return queries if dataset.place_ids is None else dataset.place_ids[queries]
        side_m = 2 * max(self.evaluation.radius_m or 0, 1e-9)
        squares = np.floor(dataset.positions_m[queries] / side_m)
        return np.unique(squares, axis=0, return_inverse=True)[1].reshape(-1)
