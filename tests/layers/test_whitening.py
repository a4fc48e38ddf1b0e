import keras
import numpy as np
import pytest
from keras import ops

from placevec import principal_directions as module
from placevec.layers import Whitening, check_whitening_dim, fit_whitening

# Fewer descriptors than numbers, more, and as many.
SHAPES = [(30, 70), (90, 20), (40, 40)]


def spread_descriptors(num, descriptor_dim, seed=0):
    """Descriptors of unit length that spread unequally around a mean far from zero."""
    rng = np.random.default_rng(seed)
    spread = np.linspace(1, 0.2, descriptor_dim)
    turn = np.linalg.qr(rng.normal(size=(descriptor_dim, descriptor_dim)))[0]
    vectors = 2 + (rng.normal(size=(num, descriptor_dim)) * spread) @ turn
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


def covariance_form(descriptors, dim, power):
    """The textbook's way: eigenvectors of the whole covariance, in float64."""
    covariance = np.cov(descriptors.astype("float64"), rowvar=False)
    variances, vectors = np.linalg.eigh(covariance)
    return vectors[:, ::-1][:, :dim] * variances[::-1][:dim] ** (-power / 2)


def assert_equal_but_for_signs(received, expected, **tolerance):
    signs = np.sign(np.sum(received * expected, axis=0))
    np.testing.assert_allclose(received * signs, expected, **tolerance)


class TestLayer:
    def test_keeps_the_contract(self, check_layer):
        inputs = np.float32(np.float16(spread_descriptors(6, 5)))
        check_layer(Whitening, {"dim": 3}, inputs, half_tolerance=1e-6)

    def test_equals_the_formula_in_loops(self):
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(4, 5)).astype("float32")
        mean, projection = rng.normal(size=5), rng.normal(size=(5, 3))
        layer = Whitening(3)
        layer.set_projection(mean, projection)
        for x, received in zip(inputs, ops.convert_to_numpy(layer(inputs)), strict=True):
            y = [sum((x[i] - mean[i]) * projection[i, j] for i in range(5)) for j in range(3)]
            length = sum(value**2 for value in y) ** 0.5
            np.testing.assert_allclose(received, [value / length for value in y], atol=1e-6)

    def test_the_mean_itself_is_the_zero_vector(self):
        layer = Whitening(2)
        layer.set_projection(np.ones(3), np.ones((3, 2)))
        np.testing.assert_array_equal(ops.convert_to_numpy(layer(np.ones((1, 3)))), [[0, 0]])

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_half_precision_projects_in_float32(self, policy):
        """A projection of 1e5 overflows float16, whose largest number is 65504."""
        layer = Whitening(2, dtype=policy)
        layer.set_projection(np.zeros(2), np.array([[1e5, 0], [0, 2e5]]))
        inputs = ops.cast(np.ones((1, 2)), policy.removeprefix("mixed_"))
        received = layer(inputs)
        assert keras.backend.standardize_dtype(received.dtype) == "float32"
        expected = np.array([[1, 2]]) / 5**0.5
        np.testing.assert_allclose(ops.convert_to_numpy(received), expected, atol=1e-6)

    def test_can_be_held_fixed(self):
        layer = Whitening(2, trainable=False)
        layer(np.ones((1, 3), "float32"))
        assert layer.trainable_weights == []
        assert [weight.name for weight in layer.weights] == ["mean", "projection"]

    def test_refuses_impossible_shapes(self):
        with pytest.raises(ValueError, match="`dim` must be a positive integer. Received: dim=0"):
            Whitening(0)
        with pytest.raises(ValueError, match=r"shape \(batch, D\) with a known D"):
            Whitening(2)(np.ones((1, 2, 3), "float32"))
        with pytest.raises(ValueError, match=r"shape \(3, 2\). Received: shape \(3, 4\)"):
            Whitening(2).set_projection(np.ones(3), np.ones((3, 4)))
        layer = Whitening(2)
        layer(np.ones((1, 3), "float32"))
        with pytest.raises(ValueError, match=r"`mean` must have shape \(3,\). Received: .*\(4,\)"):
            layer.set_projection(np.ones(4), np.ones((3, 2)))


class TestFitWhitening:
    @pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_equals_the_covariance_form(self, shape, power):
        descriptors = spread_descriptors(*shape)
        mean, projection = fit_whitening(descriptors, 15, power)
        assert mean.dtype == projection.dtype == np.float32
        assert projection.shape == (shape[1], 15)
        np.testing.assert_allclose(mean, descriptors.mean(axis=0), atol=1e-6)
        expected = covariance_form(descriptors, 15, power)
        scale = np.abs(expected).max()
        assert_equal_but_for_signs(projection, expected, atol=1e-5 * scale)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_equals_it_in_several_blocks(self, shape, monkeypatch):
        descriptors = spread_descriptors(*shape)
        _, whole = fit_whitening(descriptors, 10)
        monkeypatch.setattr(module, "_BLOCK", 7)
        _, in_blocks = fit_whitening(descriptors, 10)
        assert_equal_but_for_signs(in_blocks, whole, atol=1e-5 * np.abs(whole).max())

    @pytest.mark.parametrize("shape", SHAPES)
    def test_whitened_descriptors_have_the_identity_as_covariance(self, shape):
        descriptors = spread_descriptors(*shape)
        mean, projection = fit_whitening(descriptors, min(shape) - 1)
        whitened = (descriptors - mean).astype("float64") @ projection
        np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-4)
        covariance = np.cov(whitened, rowvar=False)
        np.testing.assert_allclose(covariance, np.eye(min(shape) - 1), atol=1e-3)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_without_whitening_the_directions_are_those_of_the_svd(self, shape):
        descriptors = spread_descriptors(*shape)
        _, projection = fit_whitening(descriptors, 12, power=0.0)
        centered = descriptors.astype("float64") - descriptors.mean(axis=0, dtype="float64")
        _, _, directions = np.linalg.svd(centered, full_matrices=False)
        assert_equal_but_for_signs(projection, directions[:12].T, atol=1e-5)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_the_first_columns_are_the_fit_to_fewer_dimensions(self, shape):
        descriptors = spread_descriptors(*shape)
        _, many = fit_whitening(descriptors, 15, 0.5)
        _, few = fit_whitening(descriptors, 4, 0.5)
        assert_equal_but_for_signs(many[:, :4], few, atol=1e-5 * np.abs(few).max())

    def test_takes_all_the_directions_that_there_are(self):
        """A fourth point is one too many for 4 dimensions; 2 numbers hold 2 directions."""
        fit_whitening(spread_descriptors(5, 20), 4)
        with pytest.raises(ValueError, match="at least 6 photos. Received: 5. Take more photos"):
            fit_whitening(spread_descriptors(5, 20), 5)
        fit_whitening(spread_descriptors(20, 2), 2)
        with pytest.raises(ValueError, match="at most 2, the dimensions of a descriptor.*dim=3"):
            fit_whitening(spread_descriptors(20, 2), 3)

    @pytest.mark.parametrize("mean_share", [0.0, 1.0])
    @pytest.mark.parametrize("descriptor_dim", [100, 8])
    def test_refuses_directions_that_only_rounding_spreads(self, descriptor_dim, mean_share):
        """Five photos, each of them eight times, spread in four directions."""
        descriptors = np.repeat(spread_descriptors(5, descriptor_dim), 8, axis=0)
        descriptors -= mean_share * descriptors.mean(axis=0)
        fit_whitening(descriptors, 4)
        with pytest.raises(ValueError, match="5 directions. Received: 40 that spread in 4"):
            fit_whitening(descriptors, 5)

    @pytest.mark.parametrize("noise", [0, 1e-8])
    @pytest.mark.parametrize("descriptor_dim", [100, 8])
    def test_refuses_descriptors_that_are_all_the_same(self, descriptor_dim, noise):
        rng = np.random.default_rng(0)
        descriptors = 0.1 + noise * rng.normal(size=(9, descriptor_dim))
        with pytest.raises(ValueError, match="Received: 9 that spread in 0. Use other"):
            fit_whitening(descriptors.astype("float32"), 1)

    def test_leaves_the_descriptors_as_they_are(self):
        descriptors = spread_descriptors(20, 10)
        kept = descriptors.copy()
        fit_whitening(descriptors, 3)
        np.testing.assert_array_equal(descriptors, kept)

    def test_refuses_what_are_no_descriptors(self):
        with pytest.raises(ValueError, match=r"of shape \(N, D\). Received: shape \(3,\)"):
            fit_whitening(np.zeros(3), 1)
        with pytest.raises(ValueError, match="must be finite"):
            fit_whitening(np.full((9, 3), np.nan), 1)
        with pytest.raises(ValueError, match="`power` must be between 0 and 1. Received: power=2"):
            fit_whitening(spread_descriptors(9, 3), 1, power=2)
        with pytest.raises(ValueError, match="`dim` must be a positive integer. Received: dim=0"):
            check_whitening_dim(0, 9, 3)
