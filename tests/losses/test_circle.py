import math

import pytest

from placevec.losses import CircleLoss


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"margin": 0.25, "gamma": 256.0},
        {"margin": 0.1, "gamma": 5.0, "negative_radius_m": 50.0},
    ],
)
def test_equals_the_papers_formula(check_pair_loss, arguments):
    margin, gamma = arguments.get("margin", 0.4), arguments.get("gamma", 80.0)

    def formula(positive, negative, held_positive, held_negative):
        pull = push = 0.0
        for p, held in zip(positive, held_positive, strict=True):
            weight = max(0.0, 1 + margin - held)
            pull += math.exp(-gamma * weight * (p - (1 - margin)))
        for n, held in zip(negative, held_negative, strict=True):
            weight = max(0.0, held + margin)
            push += math.exp(gamma * weight * (n - margin))
        return math.log(1 + push * pull)

    check_pair_loss(CircleLoss, arguments, formula)


def test_refuses_a_scale_of_zero():
    with pytest.raises(ValueError, match="`gamma` must be above 0. Received: gamma=0"):
        CircleLoss(1, 1, gamma=0, negative_radius_m=25.0)
