import math

import pytest

from placevec.losses import SAREIndependentLoss, SAREJointLoss


def squared_distance(a, b):
    return sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True))


def test_equals_the_papers_formula_and_keeps_the_contract(check_loss):
    def formula(descriptors):
        query, positives, negatives = descriptors[0], descriptors[1:4], descriptors[4:]
        match = max(math.exp(-squared_distance(query, p)) for p in positives)
        others = sum(math.exp(-squared_distance(query, n)) for n in negatives)
        return -math.log(match / (match + others))

    check_loss(SAREJointLoss, {}, formula, is_zero_when_all_are_equal=True)


def test_of_one_negative_is_the_independent_loss(y_pred):
    joint = float(SAREJointLoss(4, 1)(y_pred, y_pred))
    assert joint == pytest.approx(float(SAREIndependentLoss(4, 1)(y_pred, y_pred)), rel=1e-6)


def test_stays_finite_for_descriptors_of_any_length(y_pred):
    """`exp(-d^2)` of such distances is 0 in float32, and its logarithm minus infinity."""
    y_pred[:, 1:4] *= 100
    assert 1e3 < float(SAREJointLoss(3, 2)(y_pred, y_pred)) < 1e5
