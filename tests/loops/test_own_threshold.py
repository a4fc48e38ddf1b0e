import math

import numpy as np
import pytest

from placevec.loops.own_threshold import OwnThreshold


def slow_value(gaps, wrong_gaps, precision):
    """Tries each gap, in plain loops."""
    for threshold in sorted(gaps):
        accepted = sum(gap >= threshold for gap in gaps)
        wrong = sum(gap >= threshold for gap in wrong_gaps)
        if 1 + wrong <= (1 - precision) * accepted + 1e-9:
            return threshold
    return math.inf


def test_is_the_least_gap_that_carries_the_precision():
    rng = np.random.default_rng(0)
    for precision in (0.5, 0.8, 0.95):
        own, gaps, wrong_gaps = OwnThreshold(precision), [], []
        for _ in range(150):
            gaps.append(float(rng.exponential(0.1) + 0.3 * (rng.random() < 0.4)))
            wrong_gaps.append(float(rng.exponential(0.1)))
            own.add(gaps[-1], wrong_gaps[-1])
            assert own.value() == slow_value(gaps, wrong_gaps, precision)


def test_a_run_without_loops_accepts_nothing():
    rng = np.random.default_rng(1)
    accepted = 0
    for _ in range(20):
        own, gaps = OwnThreshold(0.95), []
        for first, second in rng.exponential(0.1, (300, 2)):
            gaps.append(first)
            own.add(first, second)
        accepted += sum(gap >= own.value() for gap in gaps)
    assert accepted / (20 * 300) < 0.01


def test_a_high_precision_needs_many_loops():
    own = OwnThreshold(0.99)
    for place in range(99):
        own.add(1.0 + place / 1000, 0.0)
    assert own.value() == math.inf
    own.add(1.0, 0.0)
    assert own.value() == 1.0


@pytest.mark.parametrize("precision", [0, 1, 95])
def test_refuses_a_precision_that_is_no_share(precision):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        OwnThreshold(precision)
