import numpy as np
import pytest
from keras import ops

from placevec.layers import ConvAP


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def conv_ap_in_loops(photo, kernel, bias, grid):
    """The paper's order: the convolution first, then averages. Sides divisible by the grid's."""
    height, width = photo.shape[0] // grid[0], photo.shape[1] // grid[1]
    numbers = []
    for row in range(grid[0]):
        for column in range(grid[1]):
            cell = photo[row * height : (row + 1) * height, column * width : (column + 1) * width]
            convolved = [feature @ kernel + bias for line in cell for feature in line]
            numbers += list(sum(convolved) / len(convolved))
    return numbers / np.linalg.norm(numbers)


def test_keeps_the_contract(check_layer):
    arguments = {"projected_dim": 4, "grid": (2, 1)}
    inputs = np.float32(np.float16(random_features(2, 3, 4, 5)))
    check_layer(ConvAP, arguments, inputs, half_tolerance=1e-6)


@pytest.mark.parametrize("grid", [(1, 1), (2, 2), (2, 3)])
def test_equals_a_convolution_and_averages(grid):
    inputs = random_features(2, 4, 6, 5)
    layer = ConvAP(7, grid)
    layer(inputs)
    kernel, bias = random_features(5, 7, seed=1), random_features(7, seed=2)
    layer.set_weights([kernel, bias])
    expected = [conv_ap_in_loops(photo, kernel, bias, grid) for photo in inputs]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), expected, atol=1e-6)


def test_has_the_papers_size_by_default():
    assert ConvAP().compute_output_shape((None, 20, 20, 1024)) == (None, 2048)
