import math

import numpy as np
import pytest
from keras import ops

from placevec.losses import MultiSimilarityLoss


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"alpha": 2.0, "beta": 10.0, "base": 0.5, "margin": 0.3},
        {"margin": 0.0, "negative_radius_m": 50.0},
    ],
)
def test_equals_the_papers_formula(check_pair_loss, arguments):
    alpha, beta, base, margin = (
        arguments.get(name, usual)
        for name, usual in (("alpha", 1.0), ("beta", 50.0), ("base", 0.0), ("margin", 0.1))
    )

    def formula(positive, negative, held_positive, held_negative):
        if not positive or not negative:
            return 0.0
        pull = push = 1.0
        for p in positive:
            if p < max(negative) + margin:
                pull += math.exp(-alpha * (p - base))
        for n in negative:
            if n > min(positive) - margin:
                push += math.exp(beta * (n - base))
        return math.log(pull) / alpha + math.log(push) / beta

    check_pair_loss(MultiSimilarityLoss, arguments, formula)


def test_is_zero_where_every_positive_is_above_every_negative_by_the_margin():
    """Query and positive at 0.8, both at most 0.6 from the negative."""
    y_pred = np.float32([[[1.0, 0.0], [0.8, 0.6], [0.6, -0.8]]])
    positions_m = np.float32([[[0, 0], [5, 0], [90, 0]]])
    for margin, is_zero in ((0.19, True), (0.21, False)):
        loss = MultiSimilarityLoss(1, 1, margin=margin, negative_radius_m=25.0)
        received = float(loss.call(positions_m, ops.convert_to_tensor(y_pred))[0])
        assert (received == 0) is is_zero


@pytest.mark.parametrize("arguments", [{"alpha": 0.0}, {"beta": -1.0}])
def test_refuses_scales_that_are_not_above_zero(arguments):
    with pytest.raises(ValueError, match="`alpha` and `beta` must be above 0. Received: alpha="):
        MultiSimilarityLoss(1, 1, negative_radius_m=25.0, **arguments)
