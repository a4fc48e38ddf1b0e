import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import GeM


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def gem_in_loops(photo, p, epsilon=1e-6):
    height, width, feature_dim = photo.shape
    means = []
    for d in range(feature_dim):
        total = 0.0
        for row in range(height):
            for column in range(width):
                total += max(float(photo[row, column, d]), epsilon) ** p
        means.append((total / (height * width)) ** (1 / p))
    norm = sum(mean**2 for mean in means) ** 0.5
    return [mean / norm for mean in means]


def test_keeps_the_contract(check_layer):
    arguments = {"p": 2.5, "trainable_p": True, "epsilon": 1e-4}
    inputs = np.float32(np.float16(random_features(2, 3, 4, 5)))
    check_layer(GeM, arguments, inputs, half_tolerance=1e-6)


@pytest.mark.parametrize("p", [0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 2)])
def test_equals_the_papers_formula(p, shape):
    inputs = random_features(*shape)
    expected = [gem_in_loops(photo, p) for photo in inputs]
    received = ops.convert_to_numpy(GeM(p=p)(inputs))
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)


def test_one_model_takes_photos_of_any_size():
    features = keras.Input((None, None, 5))
    model = keras.Model(features, GeM()(features))
    for height, width in ((3, 5), (6, 2)):
        inputs = random_features(2, height, width, 5)
        expected = [gem_in_loops(photo, 3.0) for photo in inputs]
        np.testing.assert_allclose(model.predict(inputs, verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_takes_powers_in_float32(policy):
    """200^3 overflows float16, whose largest number is 65504."""
    inputs = ops.cast(200 * np.abs(random_features(2, 3, 4, 5)), policy.removeprefix("mixed_"))
    received = GeM(dtype=policy)(inputs)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    photos = ops.convert_to_numpy(ops.cast(inputs, "float32"))
    expected = [gem_in_loops(photo, 3.0) for photo in photos]
    np.testing.assert_allclose(ops.convert_to_numpy(received), expected, atol=1e-6)


def test_a_large_exponent_nears_the_maximum_and_does_not_overflow():
    inputs = 1000 * np.abs(random_features(1, 4, 5, 6))
    maxima = inputs.max(axis=(0, 1, 2))
    received = ops.convert_to_numpy(GeM(p=500.0)(inputs))[0]
    np.testing.assert_allclose(received, maxima / np.linalg.norm(maxima), atol=1e-3)


def test_a_small_exponent_does_not_overflow():
    """The sum of 1200 numbers to the power of 20 does; their mean to that power does not."""
    inputs = np.abs(random_features(1, 30, 40, 3))
    received = ops.convert_to_numpy(GeM(p=0.05)(inputs))[0]
    np.testing.assert_allclose(received, gem_in_loops(inputs[0], 0.05), atol=1e-5)


def test_features_below_epsilon_pass_finite_gradients(gradients):
    inputs = np.zeros((2, 2, 2, 3), "float32")
    inputs[1] = -1
    found = gradients(GeM(), inputs, np.ones((2, 3)))
    assert all(np.isfinite(gradient).all() for gradient in found.values())


def test_a_fixed_exponent_is_not_trained():
    layer = GeM(trainable_p=False)
    layer(random_features(1, 2, 2, 3))
    assert layer.trainable_weights == []
    assert float(layer.exponent) == 3.0


def test_refuses_what_is_not_positive():
    with pytest.raises(ValueError, match="`p` must be positive. Received: p=0"):
        GeM(p=0)
    with pytest.raises(ValueError, match="`epsilon` must be positive. Received: epsilon=-1"):
        GeM(epsilon=-1)


def test_refuses_inputs_that_are_no_map_of_local_features():
    with pytest.raises(ValueError, match=r"shape \(batch, height, width, D\)"):
        GeM()(random_features(2, 3, 4))
