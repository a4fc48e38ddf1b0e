import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import l2_normalize


def normalized(x, axis=-1):
    return ops.convert_to_numpy(l2_normalize(ops.convert_to_tensor(x), axis))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_equals_the_formula_in_loops(axis):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    expected = np.empty_like(x)
    for row in range(3):
        for column in range(4):
            line = x[:, column] if axis == 0 else x[row]
            expected[row, column] = x[row, column] / sum(value**2 for value in line) ** 0.5
    np.testing.assert_allclose(normalized(x, axis), expected, rtol=1e-6)


def test_leaves_a_zero_vector_zero_and_shortens_a_tiny_one():
    x = np.array([[0, 0], [6e-8, 8e-8], [3e18, 4e18]], dtype="float32")
    np.testing.assert_allclose(normalized(x), [[0, 0], [0.06, 0.08], [0.6, 0.8]], rtol=1e-6)


def test_a_zero_vector_passes_no_gradient(gradients):
    layer = keras.layers.Lambda(l2_normalize)
    found = gradients(
        layer, np.array([[0, 0], [0, 2]], dtype="float32"), np.array([[1, 1], [1, 1]])
    )
    np.testing.assert_allclose(found["inputs"], [[0, 0], [0.5, 0]], atol=1e-7)
