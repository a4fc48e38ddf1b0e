import numpy as np
import pytest

from placevec.evaluation.measures.intervals import lower_bound
from placevec.evaluation.measures.threshold import learn_threshold


def test_is_the_lowest_score_that_carries_the_precision():
    rng = np.random.default_rng(0)
    scores = rng.random(400)
    is_right = rng.random(400) < 0.5 + scores
    found = learn_threshold(scores, is_right, precision=0.9)
    carried = [
        score
        for score in scores
        if lower_bound(is_right[scores >= score].sum(), (scores >= score).sum()) >= 0.9
    ]
    assert found.score == min(carried)
    assert found.num_wrong == (~is_right[scores >= found.score]).sum()
    assert found.recall == pytest.approx(
        is_right[scores >= found.score].mean() * found.num_accepted / 400
    )


def test_refuses_what_the_data_cannot_carry():
    scores = np.linspace(1, 0, 298)
    with pytest.raises(ValueError, match="needs 299 right matches without an error. Received: 298"):
        learn_threshold(scores, np.ones(298, bool), precision=0.99)
    more = np.linspace(1, 0, 299)
    assert learn_threshold(more, np.ones(299, bool), precision=0.99).num_accepted == 299


def test_refuses_no_matches():
    with pytest.raises(ValueError, match="Received: 0 matches, none of them right"):
        learn_threshold([], [], precision=0.9)


def test_refuses_matches_of_which_none_is_right():
    with pytest.raises(ValueError, match="Received: 3 matches, none of them right. Use photos"):
        learn_threshold([0.1, 0.2, 0.3], [False] * 3, precision=0.9)


@pytest.mark.parametrize("precision", [0, 1, 99])
def test_refuses_a_precision_that_is_no_share(precision):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        learn_threshold([1.0], [True], precision=precision)
