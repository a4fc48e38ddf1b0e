"""Precision and recall of the best match of each query, over its score."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision and recall at every distinct score. Matches of equal score count together.

    Precision is right / accepted. Recall is right accepted / queries that have an answer. The last
    recall is therefore recall@1, as in the "single" matching of VPR_Tutorial. It is not always 1,
    as it is in VPR-Bench.

    Args:
        thresholds: (T,) float, falling. A match is accepted if its score is at least this.
        num_accepted: (T,) int64. Number of matches accepted at each threshold.
        num_right: (T,) int64. Number of right matches among them.
        num_answerable: int. Queries that have a right answer.
    """

    thresholds: NDArray[np.floating]
    num_accepted: NDArray[np.int64]
    num_right: NDArray[np.int64]
    num_answerable: int

    @property
    def precision(self) -> NDArray[np.floating]:
        """(T,) float in [0, 1]."""
        return self.num_right / self.num_accepted

    @property
    def recall(self) -> NDArray[np.floating]:
        """(T,) float in [0, 1], rising."""
        return self.num_right / max(self.num_answerable, 1)

    @functools.cached_property
    def average_precision(self) -> float:
        """Sum over thresholds of precision times the rise of recall, without trapezoids."""
        return float(np.sum(self.precision * np.diff(self.recall, prepend=0.0)))

    @functools.cached_property
    def recall_at_full_precision(self) -> float:
        """R@100P: the largest recall at which every accepted match is right; 0 if none is."""
        return float(np.max(self.recall[self.num_right == self.num_accepted], initial=0.0))

    @functools.cached_property
    def extended_precision(self) -> float:
        """EP: the mean of R@100P and of the precision at the lowest recall above 0."""
        found = self.precision[self.num_right > 0]
        return (float(found[0]) + self.recall_at_full_precision) / 2 if len(found) else 0.0


def precision_recall(
    scores: ArrayLike,
    is_right: ArrayLike,
    has_answer: ArrayLike | None = None,
    is_ignored: ArrayLike | None = None,
) -> PrecisionRecall:
    """Computes precision and recall of one match per query, at every distinct score.

    Args:
        scores: (Q,) float. Score of the best match of each query; larger is more certain.
            -infinity: no match.
        is_right: (Q,) bool. Whether the best match is right.
        has_answer: (Q,) bool or None. Whether the query has a right answer at all. None: all do.
        is_ignored: (Q,) bool or None. Matches that count neither as right nor as wrong, such as
            those between the radius of right answers and that of wrong ones.

    Returns:
        PrecisionRecall.

    Raises:
        ValueError: If the lengths differ, or a score is NaN.

    Example:

    >>> curve = precision_recall([0.9, 0.8, 0.8, 0.1], [True, True, False, True])
    >>> curve.num_right.tolist(), curve.num_accepted.tolist()
    ([1, 2, 3], [1, 3, 4])
    >>> curve.recall_at_full_precision
    0.25
    """
    score = np.asarray(scores, float)
    right = np.asarray(is_right, bool)
    answerable = np.ones(len(score), bool) if has_answer is None else np.asarray(has_answer, bool)
    ignored = np.zeros(len(score), bool) if is_ignored is None else np.asarray(is_ignored, bool)
    if len({score.shape, right.shape, answerable.shape, ignored.shape}) > 1 or score.ndim != 1:
        raise ValueError(
            "`scores`, `is_right`, `has_answer` and `is_ignored` must have one value for each "
            f"query. Received: shapes {score.shape}, {right.shape}, {answerable.shape} and "
            f"{ignored.shape}"
        )
    if np.isnan(score).any():
        raise ValueError(f"`scores` must not be NaN. Received: {np.isnan(score).sum()} NaN")
    is_counted = ~ignored & np.isfinite(score)
    thresholds, place = np.unique(-score[is_counted], return_inverse=True)
    accepted = np.bincount(place, minlength=len(thresholds))
    hits = np.bincount(place, weights=right[is_counted], minlength=len(thresholds))
    return PrecisionRecall(
        thresholds=-thresholds,
        num_accepted=np.cumsum(accepted, dtype=np.int64),
        num_right=np.cumsum(hits).astype(np.int64),
        num_answerable=int((answerable & ~ignored).sum()),
    )
