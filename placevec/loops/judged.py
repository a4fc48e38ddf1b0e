"""Matches that are known to be right or wrong, and what they show."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.evaluation.measures.threshold import Threshold, learn_threshold
from placevec.retrieval.calibration import Calibration, Score, fit_confidence

_log = logging.getLogger(__name__)
_PRECISIONS = (0.8, 0.9, 0.95, 0.99)  # A file has thresholds for those that the data show.


@dataclass(frozen=True, eq=False)
class JudgedMatches:
    """Matches that are known to be right or wrong.

    Args:
        gaps: (n,) float. Gap of each match.
        inliers: (n,) int. Number of points that both photos share; 0 if they are not counted.
        is_open: (n,) bool. Whether the match may be accepted, that is, its points do not refuse it.
        is_right: (n,) bool. Whether the match is right.
        is_ignored: (n,) bool. Whether it counts neither as right nor as wrong.
        has_answer: (n,) bool. Whether the query has a right match at all.
    """

    gaps: NDArray[np.floating]
    inliers: NDArray[np.int64]
    is_open: NDArray[np.bool_]
    is_right: NDArray[np.bool_]
    is_ignored: NDArray[np.bool_]
    has_answer: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: "list[JudgedMatches]") -> "JudgedMatches":
        """Returns the matches of several runs as one."""
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(each, name) for each in parts])
                      for name in names})  # fmt: skip

    def threshold(self, precision: float) -> Threshold:
        """Returns the smallest gap that shows a precision, see `learn_threshold`."""
        gaps = np.where(self.is_open, self.gaps, -np.inf)
        return learn_threshold(
            gaps, self.is_right, self.has_answer, self.is_ignored, precision=precision
        )

    def calibration(self, score: Score, learned_on: str, precision: float) -> Calibration:
        """Returns what these matches show about a score.

        Args:
            score: Score. How the gaps are computed.
            learned_on: str. Name of the photos, for people.
            precision: float. Precision that needs a threshold.

        Raises:
            ValueError: If the matches do not show the precision.
        """
        thresholds = {precision: self.threshold(precision)}
        for other in _PRECISIONS:
            try:
                thresholds[other] = self.threshold(other)
            except ValueError:
                _log.info("%s do not show a precision of %g %%", learned_on, 100 * other)
        is_counted = ~self.is_ignored
        right = self.is_right[is_counted]
        weights = fit_confidence(self.gaps[is_counted], self.inliers[is_counted], right)
        return Calibration(
            score,
            learned_on,
            len(right),
            int(right.sum()),
            *weights,
            [thresholds[each].to_dict() for each in sorted(thresholds)],
        )
