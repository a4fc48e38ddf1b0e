import math
import resource

import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import NetVLAD


def unit(vector):
    norm = math.sqrt(sum(value * value for value in vector))
    return [value / max(norm, 1e-6) for value in vector]


def netvlad_in_loops(photo, kernel, bias, centers, normalize_inputs):
    """The descriptor of one photo (H, W, D), location by location, cluster by cluster."""
    num_clusters, feature_dim = centers.shape
    residuals = [[0.0] * feature_dim for _ in range(num_clusters)]
    for row in photo.astype("float64"):
        for x in row:
            x = unit(x) if normalize_inputs else x
            logits = [
                sum(x[d] * kernel[d, k] for d in range(feature_dim)) + bias[k]
                for k in range(kernel.shape[1])
            ]
            powers = [math.exp(logit - max(logits)) for logit in logits]
            for k in range(num_clusters):
                for d in range(feature_dim):
                    residuals[k][d] += powers[k] / sum(powers) * (x[d] - centers[k, d])
    return unit([value for residual in residuals for value in unit(residual)])


def random_layer(feature_dim, seed=0, **arguments):
    layer = NetVLAD(**arguments)
    layer.build((None, None, None, feature_dim))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def in_loops(layer, inputs):
    kernel = ops.convert_to_numpy(layer.kernel).astype("float64")
    centers = ops.convert_to_numpy(layer.centers).astype("float64")
    bias = ops.convert_to_numpy(layer.bias) if layer.use_bias else [0.0] * kernel.shape[1]
    return np.array(
        [netvlad_in_loops(x, kernel, bias, centers, layer.normalize_inputs) for x in inputs]
    )


@pytest.mark.parametrize("normalize_inputs", [True, False])
def test_keeps_the_contract(check_layer, normalize_inputs):
    arguments = {"num_clusters": 3, "use_bias": True, "normalize_inputs": normalize_inputs}
    check_layer(NetVLAD, arguments, random_features(2, 3, 4, 5), half_tolerance=1e-6)


@pytest.mark.parametrize("num_ghost_clusters", [0, 2])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("normalize_inputs", [True, False])
def test_equals_the_papers_formula(num_ghost_clusters, use_bias, normalize_inputs):
    layer = random_layer(
        5,
        num_clusters=3,
        num_ghost_clusters=num_ghost_clusters,
        use_bias=use_bias,
        normalize_inputs=normalize_inputs,
    )
    inputs = random_features(2, 3, 4, 5)
    received = ops.convert_to_numpy(layer(inputs))
    np.testing.assert_allclose(received, in_loops(layer, inputs), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("num_ghost_clusters", [0, 2])
def test_tells_by_how_much_each_cluster_takes_each_cell(num_ghost_clusters):
    layer = random_layer(4, num_clusters=3, num_ghost_clusters=num_ghost_clusters)
    photos = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype("float32")
    found = ops.convert_to_numpy(layer.assign(photos))
    kernel, bias, _ = map(np.asarray, layer.get_weights())
    assert found.shape == (2, 3, 5, 3)
    for cell in np.ndindex(2, 3, 5):
        logits = np.array(unit(photos[cell].tolist())) @ kernel + bias
        powers = np.exp(logits - logits.max())
        np.testing.assert_allclose(found[cell], (powers / powers.sum())[:3], atol=1e-5)


@pytest.mark.filterwarnings("ignore:You are using a softmax:UserWarning")
@pytest.mark.parametrize(
    ("shape", "num_clusters"), [((1, 1, 1, 4), 1), ((3, 1, 7, 4), 1), ((2, 5, 3, 1), 2)]
)
def test_takes_one_cluster_one_location_and_one_dimension(shape, num_clusters):
    layer = random_layer(shape[-1], num_clusters=num_clusters)
    inputs = random_features(*shape)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(inputs)), in_loops(layer, inputs), atol=1e-6
    )


def test_takes_no_photos():
    assert ops.shape(random_layer(4, num_clusters=2)(np.zeros((0, 3, 3, 4), "float32"))) == (0, 8)


def test_one_model_takes_photos_of_any_size():
    layer = random_layer(5, num_clusters=3)
    features = keras.Input((None, None, 5))
    model = keras.Model(features, layer(features))
    for height, width in ((3, 5), (6, 2)):
        inputs = random_features(2, height, width, 5)
        received = model.predict(inputs, verbose=0)
        np.testing.assert_allclose(received, in_loops(layer, inputs), atol=1e-6)


def test_photos_in_a_batch_do_not_touch_each_other():
    layer = random_layer(5, num_clusters=3)
    inputs = random_features(2, 3, 4, 5)
    together = ops.convert_to_numpy(layer(inputs))
    alone = np.concatenate([ops.convert_to_numpy(layer(inputs[i : i + 1])) for i in range(2)])
    np.testing.assert_allclose(together, alone, atol=1e-7)


@pytest.mark.parametrize("normalize_inputs", [True, False])
@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16", "bfloat16"])
def test_half_precision_sums_in_float32(policy, normalize_inputs):
    """Squares and sums over 1200 locations of features near 300 overflow float16."""
    half = policy.removeprefix("mixed_")
    inputs = ops.cast(np.abs(300 * random_features(2, 30, 40, 16)), half)
    arguments = {"num_clusters": 4, "normalize_inputs": normalize_inputs}
    exact = random_layer(16, seed=3, **arguments)
    for variable in exact.weights:
        variable.assign(ops.cast(ops.cast(variable, half), "float32"))
    layer = NetVLAD(**arguments, dtype=policy)
    layer.build((None, None, None, 16))
    for variable, weight in zip(layer.weights, exact.weights, strict=True):
        variable.assign(ops.convert_to_numpy(weight))
    received = layer(inputs)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    expected = ops.convert_to_numpy(exact(ops.cast(inputs, "float32")))
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-6)


def test_keeps_weights_and_float32_inputs_whole_inside_a_half_precision_model():
    inputs = random_features(2, 3, 4, 5)
    layer = NetVLAD(3, dtype="mixed_float16")
    features = keras.Input((3, 4, 5))
    outer = keras.Sequential([features, layer], name="outer")
    outer.dtype_policy = keras.DTypePolicy("mixed_float16")
    received = ops.convert_to_numpy(outer(inputs))
    np.testing.assert_allclose(received, in_loops(layer, inputs), atol=1e-6)


def test_gradient_equals_the_slope_of_the_formula(gradients):
    layer = random_layer(3, num_clusters=2, num_ghost_clusters=1)
    inputs = random_features(1, 2, 2, 3)
    weights = np.random.default_rng(1).normal(size=6)
    expected = np.empty(inputs.shape)
    for index in np.ndindex(inputs.shape):
        step = np.zeros(inputs.shape)
        step[index] = 1e-5
        above, below = in_loops(layer, inputs + step), in_loops(layer, inputs - step)
        expected[index] = ((above - below) @ weights).item() / 2e-5
    found = gradients(layer, inputs, weights)
    np.testing.assert_allclose(found["inputs"], expected, atol=2e-6)


@pytest.mark.parametrize("normalize_inputs", [True, False])
def test_zero_features_on_zero_centers_have_a_zero_descriptor_and_gradient(
    gradients, normalize_inputs
):
    layer = NetVLAD(2, normalize_inputs=normalize_inputs)
    layer.build((None, None, None, 3))
    layer.centers.assign(np.zeros((2, 3)))
    inputs = np.zeros((1, 2, 2, 3), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(inputs)), np.zeros((1, 6)))
    for gradient in gradients(layer, inputs, np.ones(6)).values():
        np.testing.assert_array_equal(gradient, np.zeros(gradient.shape))


def test_equal_features_and_a_dead_location_have_finite_gradients(gradients):
    layer = random_layer(3, num_clusters=2)
    inputs = np.ones((1, 2, 2, 3), "float32")
    inputs[0, 0, 0] = 0
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(inputs)), in_loops(layer, inputs), atol=1e-6
    )
    found = gradients(layer, inputs, np.ones(6))
    assert all(np.isfinite(gradient).all() for gradient in found.values())
    assert np.abs(found["inputs"]).max() < 10


def test_never_holds_a_residual_for_every_location_and_cluster():
    """The tensor (1, 30, 40, 512, 256) of all residuals would take 630 MB."""
    layer = NetVLAD(256)
    layer.build((None, None, None, 512))
    inputs = random_features(1, 30, 40, 512)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ops.convert_to_numpy(layer(inputs))
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 200


def test_set_clusters_builds_and_writes_the_weights():
    rng = np.random.default_rng(0)
    centers, kernel, bias = rng.normal(size=(5, 4)), rng.normal(size=(4, 5)), rng.normal(size=5)
    layer = NetVLAD(3, num_ghost_clusters=2)
    layer.set_clusters(centers, kernel, bias)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.centers), centers[:3], rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.kernel), kernel, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.bias), bias, rtol=1e-6)
    layer.set_clusters(centers, kernel)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.bias), np.zeros(5))


def test_set_clusters_refuses_what_does_not_fit():
    centers, kernel = np.zeros((4, 3)), np.zeros((3, 4))
    with pytest.raises(ValueError, match="row for each of the 3 clusters and 2 ghost"):
        NetVLAD(3, num_ghost_clusters=2).set_clusters(centers, kernel)
    with pytest.raises(ValueError, match=r"`kernel` must have shape \(3, 4\)"):
        NetVLAD(4).set_clusters(centers, kernel.T)
    with pytest.raises(ValueError, match="This layer has no bias"):
        NetVLAD(4, use_bias=False).set_clusters(centers, kernel, np.zeros(4))
    layer = NetVLAD(4)
    layer.build((None, None, None, 5))
    with pytest.raises(ValueError, match=r"`centers` must have shape \(4, 5\)"):
        layer.set_clusters(centers, kernel)


@pytest.mark.parametrize("num_clusters", [0, -1, 2.0, None])
def test_refuses_no_clusters(num_clusters):
    with pytest.raises(ValueError, match="`num_clusters` must be a positive integer. Received"):
        NetVLAD(num_clusters)


@pytest.mark.parametrize("num_ghost_clusters", [-1, 1.0, None])
def test_refuses_fewer_than_no_ghosts(num_ghost_clusters):
    with pytest.raises(ValueError, match="`num_ghost_clusters` must be a non-negative integer"):
        NetVLAD(2, num_ghost_clusters=num_ghost_clusters)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 2, 3, 4, 5), (2, 3, 4, None)])
def test_refuses_inputs_that_are_no_map_of_local_features(shape):
    with pytest.raises(ValueError, match=r"shape \(batch, height, width, D\) with a known D"):
        NetVLAD(2)(keras.Input(batch_shape=shape))
