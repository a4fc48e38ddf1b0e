import numpy as np
import pytest
from keras import ops

from placevec.layers import MixVPR
from placevec.layers.pool_to_grid import pool_to_grid


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def with_random_weights(layer, inputs):
    layer(inputs)
    generator = np.random.default_rng(3)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.get_weights()])
    return {weight.name: ops.convert_to_numpy(weight) for weight in layer.weights}


def mixvpr_in_loops(photo, weights, num_mixers):
    rows, columns, feature_dim = photo.shape
    channels = []
    for d in range(feature_dim):
        x = np.array([photo[row, column, d] for row in range(rows) for column in range(columns)])
        for mixer in range(num_mixers):
            normed = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
            normed = weights["norm_scale"][mixer] * normed + weights["norm_offset"][mixer]
            hidden = normed @ weights["mixer_in_kernel"][mixer] + weights["mixer_in_bias"][mixer]
            hidden = [max(number, 0) for number in hidden]
            mixed = hidden @ weights["mixer_out_kernel"][mixer]
            x = x + mixed + weights["mixer_out_bias"][mixer]
        channels.append(x)
    numbers = []
    for kernel, bias in zip(weights["channel_kernel"].T, weights["channel_bias"], strict=True):
        projected = sum(weight * x for weight, x in zip(kernel, channels, strict=True)) + bias
        numbers += list(projected @ weights["row_kernel"] + weights["row_bias"])
    return numbers / np.linalg.norm(numbers)


def test_keeps_the_contract(check_layer):
    arguments = {"projected_dim": 4, "num_rows": 2, "num_mixers": 2, "grid": (3, 4)}
    inputs = np.float32(np.float16(random_features(2, 3, 4, 5)))
    check_layer(MixVPR, arguments, inputs, half_tolerance=1e-5)


@pytest.mark.parametrize("num_mixers", [1, 3])
def test_equals_the_papers_formula(num_mixers):
    inputs = random_features(2, 3, 4, 5)
    layer = MixVPR(6, 2, num_mixers, (3, 4))
    weights = with_random_weights(layer, inputs)
    expected = [mixvpr_in_loops(photo, weights, num_mixers) for photo in inputs]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), expected, atol=1e-5)


def test_pools_a_map_of_another_size_to_its_grid_first():
    inputs = random_features(2, 7, 5, 5)
    layer = MixVPR(6, 2, 2, (3, 4))
    with_random_weights(layer, inputs)
    pooled = pool_to_grid(ops.convert_to_tensor(inputs), (3, 4))
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(inputs)), ops.convert_to_numpy(layer(pooled)), atol=1e-5
    )


def test_has_the_papers_size_by_default():
    layer = MixVPR()
    layer.build((None, None, None, 1024))
    assert layer.compute_output_shape((None, 20, 20, 1024)) == (None, 4096)
    mixer = 2 * 400 + 2 * (400 * 400 + 400)
    assert layer.count_params() == 4 * mixer + 1024 * 1024 + 1024 + 400 * 4 + 4
