import keras
import numpy as np
import pytest
from keras import ops

from placevec.losses import DistillationLoss, InfoNCELoss, TripletRankingLoss


@pytest.fixture
def before(y_pred):
    return y_pred[:, ::-1].copy()


@pytest.fixture
def y_true(positions_m, before):
    return np.concatenate([positions_m, before], axis=2)


def held_in_loops(y_pred, before):
    found = []
    for now, then in zip(y_pred.astype("float64"), before.astype("float64"), strict=True):
        moved = [
            sum((a - b) ** 2 for a, b in zip(*pair, strict=True))
            for pair in zip(now, then, strict=True)
        ]
        found.append(sum(moved) / len(moved))
    return np.array(found)


@pytest.mark.parametrize(
    "inner", [TripletRankingLoss(3, 2), InfoNCELoss(3, 2, negative_radius_m=25.0)]
)
def test_equals_the_formula_in_loops(y_pred, positions_m, before, y_true, inner):
    plain = ops.convert_to_numpy(inner.call(positions_m, ops.convert_to_tensor(y_pred)))
    expected = plain + 0.7 * held_in_loops(y_pred, before)
    loss = DistillationLoss(inner, 0.7)
    received = loss.call(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, rtol=1e-5)
    assert float(loss(y_true, y_pred)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_pulls_towards_what_it_is_held_to(y_pred, before, y_true, gradient):
    inner = TripletRankingLoss(3, 2)
    expected = gradient(inner, y_pred) + 0.7 * 2 * (y_pred - before) / y_pred.shape[1]
    found = gradient(DistillationLoss(inner, 0.7), y_pred, y_true=y_true)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_comes_back_from_its_config(y_pred, y_true):
    loss = DistillationLoss(
        InfoNCELoss(3, 2, temperature=0.2, negative_radius_m=25.0), 0.7, name="held"
    )
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.name, again.weight, again.loss.temperature) == ("held", 0.7, 0.2)
    assert float(again(y_true, y_pred)) == float(loss(y_true, y_pred))


def test_computes_half_precision_in_float32(y_pred, y_true):
    half = ops.cast(y_pred, "float16")
    received = DistillationLoss(InfoNCELoss(3, 2, negative_radius_m=25.0), 0.7).call(
        ops.convert_to_tensor(y_true), half
    )
    assert keras.backend.standardize_dtype(received.dtype) == "float32"


def test_refuses_a_negative_weight_and_other_shapes(y_pred, y_true):
    with pytest.raises(ValueError, match="`weight` must be at least 0. Received: weight=-1"):
        DistillationLoss(InfoNCELoss(3, 2, negative_radius_m=25.0), -1)
    with pytest.raises(ValueError, match="Received: 5 and 4 dimensions"):
        DistillationLoss(InfoNCELoss(3, 2, negative_radius_m=25.0), 1)(y_true, y_pred[:, :, 1:])
