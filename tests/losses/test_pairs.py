"""What all losses over pairs of the batch keep."""

import numpy as np
import pytest
from keras import ops

from placevec.config.choices import LOSSES
from placevec.losses.pairs import PairLoss, log_sum_exp_where

PAIR_LOSSES = [row.find() for row in LOSSES.values() if issubclass(row.find(), PairLoss)]
ANCHORS = 4  # of a tuple: the query and three positives


def losses_of(loss, positions_m, y_pred):
    return ops.convert_to_numpy(loss.call(positions_m, ops.convert_to_tensor(y_pred)))


def test_finds_every_pair_once(positions_m, y_pred):
    loss = PairLoss(3, 2, negative_radius_m=25.0)
    similarity, is_positive = loss.positive_pairs(positions_m, ops.convert_to_tensor(y_pred))
    far_similarity, is_negative = loss.negative_pairs(positions_m, ops.convert_to_tensor(y_pred))
    similarity, is_positive = map(ops.convert_to_numpy, (similarity, is_positive))
    far_similarity, is_negative = map(ops.convert_to_numpy, (far_similarity, is_negative))
    assert is_positive.shape == (4, ANCHORS, ANCHORS)
    assert is_negative.shape == (4, ANCHORS, 4 * 6)
    for i, a, j, k in np.ndindex(4, ANCHORS, 4, 6):
        metres = np.hypot(*(positions_m[i, a] - positions_m[j, k]))
        inner = y_pred[i, a] @ y_pred[j, k]
        assert is_negative[i, a, 6 * j + k] == (metres > 25)
        assert far_similarity[i, a, 6 * j + k] == pytest.approx(inner, abs=1e-6)
        if i == j and k < ANCHORS:
            assert is_positive[i, a, k] == (a != k and metres <= 25)
            assert similarity[i, a, k] == pytest.approx(inner, abs=1e-6)
    assert not is_positive[3, 1, 2], "30 m apart, though of one tuple"
    assert is_negative[3, 1, 6 * 3 + 2]
    assert not is_negative[0, 0, 6:10].any(), "20 m apart, though of two tuples"


def test_a_sum_over_no_pair_has_a_log_below_all_others():
    exponents = ops.convert_to_tensor(np.float32([[[-90.0, 3.0], [1.0, 2.0]]]))
    received = log_sum_exp_where(np.array([[[True, False], [False, False]]]), exponents)
    np.testing.assert_allclose(ops.convert_to_numpy(received), [[-90, -1e9]])


@pytest.mark.parametrize("loss_class", PAIR_LOSSES)
def test_keeps_the_contract(check_pair_loss_contract, loss_class):
    check_pair_loss_contract(loss_class)


@pytest.mark.parametrize("loss_class", PAIR_LOSSES)
def test_tuples_in_another_order_have_the_same_losses(loss_class, positions_m, y_pred):
    order = [2, 0, 3, 1]
    loss = loss_class(3, 2, negative_radius_m=25.0)
    np.testing.assert_allclose(
        losses_of(loss, positions_m[order], y_pred[order]),
        losses_of(loss, positions_m, y_pred)[order],
        rtol=1e-5,
    )


@pytest.mark.parametrize("loss_class", PAIR_LOSSES)
def test_costs_nothing_without_negatives(loss_class, positions_m, y_pred):
    loss = loss_class(3, 2, negative_radius_m=1e4)
    np.testing.assert_array_equal(losses_of(loss, positions_m, y_pred), np.zeros(4))


@pytest.mark.parametrize("loss_class", PAIR_LOSSES)
def test_needs_no_negatives_in_the_tuples(loss_class, positions_m, y_pred):
    loss = loss_class(5, 0, negative_radius_m=25.0)
    apart = np.zeros_like(positions_m) + np.float32([[[0]], [[50]], [[100]], [[150]]])
    assert (losses_of(loss, apart, y_pred) > 0).all()


@pytest.mark.parametrize("loss_class", PAIR_LOSSES)
def test_places_that_are_told_apart_cost_almost_nothing(loss_class):
    """Four directions as far from each other as can be: similarities are 1 and -1/3."""
    directions = (np.eye(4, dtype="float32") - 0.25) / np.float32(0.75**0.5)
    positions_m = np.repeat(np.float32([[[0, 0]], [[50, 0]], [[100, 0]], [[150, 0]]]), 3, axis=1)
    loss = loss_class(2, 0, negative_radius_m=25.0)
    losses = losses_of(loss, positions_m, directions[:, None].repeat(3, axis=1))
    assert (losses < 1e-5).all()
