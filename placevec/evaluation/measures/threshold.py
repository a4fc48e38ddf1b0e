"""Learns the score above which matches are right with a given precision, from known truth."""

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from placevec.counted import counted
from placevec.evaluation.measures.intervals import lower_bound
from placevec.evaluation.measures.precision import precision_recall


@dataclass(frozen=True)
class Threshold:
    """A score that reaches a precision, and the data it was learned from.

    Args:
        score: float. Matches of at least this score are accepted.
        precision: float in (0, 1). The promised precision: the one-sided 95 % lower bound of the
            precision of the accepted matches is at least this.
        num_accepted: int. Number of accepted matches in the data it was learned from.
        num_wrong: int. Number of wrong matches among them.
        recall: float in [0, 1]. Share of the queries with an answer that are answered correctly.
    """

    score: float
    precision: float
    num_accepted: int
    num_wrong: int
    recall: float

    def to_dict(self) -> dict[str, float | int]:
        """Returns plain values that fit into JSON."""
        return asdict(self)


def learn_threshold(
    scores: ArrayLike,
    is_right: ArrayLike,
    has_answer: ArrayLike | None = None,
    is_ignored: ArrayLike | None = None,
    *,
    precision: float,
) -> Threshold:
    """Returns the lowest score at which the data show the precision.

    The data show it if the 95 % lower bound of the precision of all matches of at least that score
    reaches it. The bound holds for similar data; measure again for another kind of place.

    Args:
        scores: (Q,) float. See `precision_recall`, as for the next three.
        is_right: (Q,) bool.
        has_answer: (Q,) bool or None.
        is_ignored: (Q,) bool or None.
        precision: float. The precision to promise, above 0 and below 1.

    Returns:
        Threshold.

    Raises:
        ValueError: If `precision` is not between 0 and 1, or the data do not show it. The error
            gives the highest precision that the data show, and the number of right matches without
            an error that is needed.

    Example:

    >>> scores, is_right = np.linspace(1, 0, 100), [True] * 80 + [False] * 20
    >>> learn_threshold(scores, is_right, precision=0.95).num_accepted
    80
    """
    if not 0 < precision < 1:
        raise ValueError(
            f"`precision` must be above 0 and below 1. Received: precision={precision:g}"
        )
    curve = precision_recall(scores, is_right, has_answer, is_ignored)
    bounds = lower_bound(curve.num_right, curve.num_accepted)
    carried = np.flatnonzero(bounds >= precision)
    if not len(carried):
        count = int(curve.num_accepted[-1]) if len(bounds) else 0
        if not curve.num_right.any():
            raise ValueError(
                "A threshold is learned from right matches. Received: "
                f"{counted(count, 'match', 'matches')}, none of them right. Use photos that "
                "return to a place, with positions that show it; frame numbers of a video do not"
            )
        fewest = math.ceil(math.log(0.05) / math.log(precision))
        raise ValueError(
            f"These matches do not reach a precision of {100 * precision:g} %: with 95 % "
            f"confidence they reach at most {100 * bounds.max():.1f} %. It needs "
            f"{counted(fewest, 'right match', 'right matches')} without an error. Received: "
            f"{counted(count, 'match', 'matches')}. Ask for a lower precision, or take more places"
        )
    last = int(carried[-1])
    return Threshold(
        score=float(curve.thresholds[last]),
        precision=precision,
        num_accepted=int(curve.num_accepted[last]),
        num_wrong=int(curve.num_accepted[last] - curve.num_right[last]),
        recall=float(curve.recall[last]),
    )
