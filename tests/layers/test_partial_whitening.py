import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import PartialWhitening, fit_partial_whitening


def spread_descriptors(num, spreads, seed=0):
    """Descriptors around a mean far from zero that spread so far along turned axes."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(len(spreads), len(spreads))))[0]
    return (2 + (rng.normal(size=(num, len(spreads))) * spreads) @ turn).astype("float32")


class TestLayer:
    def test_keeps_the_contract(self, check_layer):
        inputs = np.float32(np.float16(spread_descriptors(6, np.linspace(1, 0.2, 5))))
        check_layer(PartialWhitening, {"rank": 3}, inputs, half_tolerance=1e-6)

    def test_equals_the_formula_in_loops(self):
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(4, 5)).astype("float32")
        mean, directions = rng.normal(size=5), rng.normal(size=(5, 2))
        layer = PartialWhitening(2)
        layer.build((None, 5))
        layer.set_weights([mean, directions])
        for x, received in zip(inputs, ops.convert_to_numpy(layer(inputs)), strict=True):
            y = [x[i] - mean[i] for i in range(5)]
            for j in range(2):
                along = sum((x[i] - mean[i]) * directions[i, j] for i in range(5))
                y = [y[i] - along * directions[i, j] for i in range(5)]
            length = sum(value**2 for value in y) ** 0.5
            np.testing.assert_allclose(received, [value / length for value in y], atol=1e-5)

    def test_fresh_weights_only_scale_to_unit_length(self):
        received = PartialWhitening(1)(np.array([[3.0, 4.0]], "float32"))
        np.testing.assert_allclose(ops.convert_to_numpy(received), [[0.6, 0.8]], atol=1e-3)

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_half_precision_stays_float32(self, policy):
        layer = PartialWhitening(1, dtype=policy)
        received = layer(ops.cast(np.ones((1, 2)), policy.removeprefix("mixed_")))
        assert keras.backend.standardize_dtype(received.dtype) == "float32"

    def test_refuses_impossible_shapes(self):
        with pytest.raises(ValueError, match="`rank` must be a positive integer. Received: rank=0"):
            PartialWhitening(0)
        with pytest.raises(ValueError, match=r"shape \(batch, D\) with a known D"):
            PartialWhitening(2)(np.ones((1, 2, 3), "float32"))


class TestFit:
    @pytest.mark.parametrize("num", [6, 200])
    def test_the_largest_spreads_become_that_of_the_next(self, num):
        """Fewer descriptors than numbers, and more."""
        descriptors = spread_descriptors(num, [9.0, 7, 5, 3, 1, 0.5, 0.2, 0.1])
        mean, directions = fit_partial_whitening(descriptors, 3)
        assert mean.dtype == directions.dtype == np.float32
        centered = descriptors.astype("float64") - descriptors.mean(axis=0)
        before = np.linalg.svd(centered, compute_uv=False)
        after = np.linalg.svd(centered - (centered @ directions) @ directions.T, compute_uv=False)
        np.testing.assert_allclose(after[:4], before[3], rtol=1e-3)
        np.testing.assert_allclose(after[4:], before[4:], rtol=1e-3, atol=1e-4)

    def test_refuses_too_many_directions(self):
        descriptors = spread_descriptors(6, np.ones(8))
        with pytest.raises(ValueError, match="between 1 and 4 for 6 photos .* rank=5"):
            fit_partial_whitening(descriptors, 5)
        with pytest.raises(ValueError, match="between 1 and 4 .*rank=0"):
            fit_partial_whitening(descriptors, 0)
        with pytest.raises(ValueError, match="between 1 and 7 for 60 photos"):
            fit_partial_whitening(spread_descriptors(60, np.ones(8)), 8)

    def test_equal_spreads_stay_as_they_are(self):
        for num_axes in range(3, 40):
            axes = np.eye(num_axes) * 0.7
            _, directions = fit_partial_whitening(np.concatenate([axes, -axes]), num_axes - 2)
            np.testing.assert_allclose(directions, 0, atol=2e-3)
