import numpy as np

from placevec.losses import PositiveDeviationLoss


def test_equals_the_formula_and_keeps_the_contract(check_loss, in_loops):
    def formula(descriptors):
        positive, _ = in_loops(descriptors)
        mean = sum(positive) / len(positive)
        return (sum((p - mean) ** 2 for p in positive) / len(positive)) ** 0.5

    check_loss(PositiveDeviationLoss, {}, formula, is_zero_when_all_are_equal=True)


def test_one_positive_does_not_deviate(y_pred, gradient):
    loss = PositiveDeviationLoss(1, 4)
    assert float(loss(y_pred, y_pred)) == 0
    np.testing.assert_array_equal(gradient(loss, y_pred), np.zeros_like(y_pred))
