import numpy as np
import pytest

from placevec.evaluation.measures.precision import precision_recall


def slow_curve(scores, is_right, has_answer, is_ignored):
    """Counts at each distinct score, in plain loops."""
    rows = [each for each in zip(scores, is_right, is_ignored, strict=True) if not each[2]]
    curve = []
    for threshold in sorted({score for score, _, _ in rows if score > -np.inf}, reverse=True):
        accepted = [right for score, right, _ in rows if score >= threshold]
        curve.append((threshold, len(accepted), sum(accepted)))
    answerable = sum(has and not out for has, out in zip(has_answer, is_ignored, strict=True))
    return curve, answerable


def test_equals_counting_at_each_distinct_score():
    rng = np.random.default_rng(0)
    for _ in range(20):
        count = int(rng.integers(1, 30))
        scores = rng.integers(0, 8, count) / 8
        scores[rng.random(count) < 0.1] = -np.inf
        is_right, is_ignored = rng.random((2, count)) < [[0.6], [0.2]]
        has_answer = is_right | (rng.random(count) < 0.5)
        curve = precision_recall(scores, is_right, has_answer, is_ignored)
        rows, answerable = slow_curve(scores, is_right, has_answer, is_ignored)
        found = zip(curve.thresholds, curve.num_accepted, curve.num_right, strict=True)
        assert list(found) == rows
        assert curve.num_answerable == answerable


def test_average_precision_of_a_case_done_by_hand():
    curve = precision_recall([4, 3, 2, 1], [True, False, True, False])
    assert curve.average_precision == pytest.approx(1 * 0.25 + (2 / 3) * 0.25)
    assert curve.recall_at_full_precision == 0.25
    assert curve.extended_precision == pytest.approx((1 + 0.25) / 2)


def test_equal_scores_are_taken_together():
    curve = precision_recall([1, 1], [True, False])
    assert curve.precision.tolist() == [0.5]
    assert curve.recall_at_full_precision == 0


def test_a_bad_network_does_not_look_good():
    """One right match at the top is not an average precision near 1: recall ends at recall@1."""
    curve = precision_recall(np.linspace(1, 0, 100), [True] + [False] * 99)
    assert curve.average_precision == pytest.approx(0.01)


def test_no_match_at_all_gives_an_empty_curve():
    curve = precision_recall([-np.inf, -np.inf], [False, False])
    assert len(curve.thresholds) == 0
    assert curve.average_precision == curve.recall_at_full_precision == 0
    assert curve.extended_precision == 0


@pytest.mark.parametrize("arguments", [([1.0], [True, False]), ([[1.0]], [[True]])])
def test_refuses_other_lengths(arguments):
    with pytest.raises(ValueError, match="one value for each query"):
        precision_recall(*arguments)


def test_refuses_scores_that_are_not_numbers():
    with pytest.raises(ValueError, match="must not be NaN. Received: 1 NaN"):
        precision_recall([0.5, np.nan], [True, True])
