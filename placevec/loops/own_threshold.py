"""Learns a threshold from a run itself, without known positions."""

import bisect
import math


class OwnThreshold:
    """The gap above which few of the accepted matches of a run are expected to be wrong.

    Each photo gives two gaps: its own (best match minus the best of any other place), and one as a
    wrong match would have it, such as that of the second place over the third. The threshold is the
    smallest gap `t` at which `(1 + wrong gaps >= t) / (gaps >= t)` is at most `1 - precision`. So a
    precision of 95 % needs at least 20 loops, and 99 % needs at least 100. It is an estimate, not a
    promise. If you need a promise, learn a threshold from photos with known positions.

    Args:
        precision: float in (0, 1).

    Raises:
        ValueError: If `precision` is not between 0 and 1.

    Reference:
        Barber and Candès, "Controlling the false discovery rate via knockoffs",
        [2015](https://arxiv.org/abs/1404.5609), where the fraction comes from.
    """

    def __init__(self, precision: float):
        if not 0 < precision < 1:
            raise ValueError(
                f"`precision` must be above 0 and below 1. Received: precision={precision:g}"
            )
        self.precision = precision
        self._gaps: list[float] = []  # rising
        self._wrong: list[float] = []  # rising

    def add(self, gap: float, wrong_gap: float) -> None:
        """Adds the gaps of one photo."""
        bisect.insort(self._gaps, gap)
        bisect.insort(self._wrong, wrong_gap)

    def value(self) -> float:
        """Returns the threshold, or infinity while the run does not show the precision."""
        threshold = self._gaps[0] if self._gaps else math.inf
        while True:
            accepted = len(self._gaps) - bisect.bisect_left(self._gaps, threshold)
            wrong = len(self._wrong) - bisect.bisect_left(self._wrong, threshold)
            most_wrong = math.floor((1 - self.precision) * accepted + 1e-9) - 1
            if most_wrong < 0:
                return math.inf
            if wrong <= most_wrong:
                return threshold
            # A higher threshold accepts fewer, so it must exceed all but `most_wrong` of them.
            above = bisect.bisect_right(self._gaps, self._wrong[-1 - most_wrong])
            threshold = self._gaps[above] if above < len(self._gaps) else math.inf
