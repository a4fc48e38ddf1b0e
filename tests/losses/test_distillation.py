import keras
import numpy as np
import pytest
from keras import ops

from placevec.losses import DistillationLoss


def test_equals_the_formula_in_loops(y_pred):
    held = y_pred[:, ::-1].copy()
    expected = [
        sum(
            sum((a - b) ** 2 for a, b in zip(*pair, strict=True))
            for pair in zip(*each, strict=True)
        )
        / len(each[0])
        for each in zip(y_pred.astype("float64"), held.astype("float64"), strict=True)
    ]
    received = DistillationLoss().call(ops.convert_to_tensor(held), ops.convert_to_tensor(y_pred))
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, rtol=1e-5)
    assert float(DistillationLoss()(held, y_pred)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_pulls_towards_what_is_held_to(y_pred, gradient):
    held = y_pred[:, ::-1].copy()
    expected = 2 * (y_pred - held) / y_pred.shape[1]
    found = gradient(DistillationLoss(), y_pred, y_true=held)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_computes_half_precision_in_float32(y_pred):
    half = ops.cast(y_pred, "float16")
    received = DistillationLoss().call(ops.convert_to_tensor(y_pred), half)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    assert float(ops.max(received)) < 1e-5


def test_refuses_other_shapes(y_pred):
    with pytest.raises(ValueError, match=r"Received: \(4, 6, 4\) and \(4, 6, 5\)"):
        DistillationLoss().call(y_pred[:, :, 1:], y_pred)
