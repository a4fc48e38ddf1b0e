import math

import numpy as np
import pytest
from keras import ops

from placevec.layers import (
    GhostVLAD,
    NetVLAD,
    assignment_weights,
    initialize_clusters,
    kmeans,
)


def unit_rows(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def features():
    """400 local features of unit length around 6 directions that are not equally common."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(6, 8))
    kinds = rng.choice(6, size=400, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    return unit_rows(directions[kinds] + 0.3 * rng.normal(size=(400, 8))).astype("float32")


@pytest.fixture(scope="module")
def centers(features):
    return kmeans(features, 5, seed=0)


def mean_assignment_ratio(features, kernel, bias):
    """Geometric mean over features of the largest to the second largest soft assignment."""
    logarithms = []
    for x in features.astype("float64"):
        logits = [
            sum(x[d] * kernel[d, k] for d in range(len(x))) + (0 if bias is None else bias[k])
            for k in range(kernel.shape[1])
        ]
        powers = sorted(math.exp(logit - max(logits)) for logit in logits)
        logarithms.append(math.log(powers[-1] / powers[-2]))
    return math.exp(sum(logarithms) / len(logarithms))


class TestKmeans:
    def test_centers_are_the_means_of_the_features_nearest_to_them(self):
        """More features than FAISS takes unasked (256 for each center)."""
        rng = np.random.default_rng(0)
        blobs = rng.normal(size=(2, 3)) * 10
        features = np.concatenate([blob + rng.normal(size=(900, 3)) for blob in blobs])
        centers = kmeans(features, 2, seed=0)
        nearest = np.linalg.norm(features[:, None] - centers, axis=2).argmin(axis=1)
        assert np.bincount(nearest).min() > 800
        for k in range(2):
            np.testing.assert_allclose(centers[k], features[nearest == k].mean(axis=0), atol=1e-4)

    def test_the_seed_decides(self, features):
        first = kmeans(features, 5, seed=1)
        np.testing.assert_array_equal(first, kmeans(features, 5, seed=1))
        assert np.abs(first - kmeans(features, 5, seed=2)).max() > 1e-3

    def test_takes_as_many_features_as_clusters_and_warns_of_nothing(self, capfd):
        features = np.eye(4)
        centers = kmeans(features, 4, seed=0)
        assert centers.dtype == np.float32
        np.testing.assert_array_equal(centers[np.lexsort(centers.T)], features)
        kmeans(features, 3, seed=0)
        assert capfd.readouterr() == ("", "")

    def test_one_cluster_is_the_mean(self, features):
        centers = kmeans(features, 1, seed=0)
        np.testing.assert_allclose(centers, features.mean(axis=0, keepdims=True), atol=1e-6)

    def test_refuses_fewer_features_than_clusters(self, features):
        with pytest.raises(ValueError, match="num_clusters=5, 4 local features"):
            kmeans(features[:4], 5, seed=0)
        with pytest.raises(ValueError, match="num_clusters=0"):
            kmeans(features, 0, seed=0)
        with pytest.raises(
            ValueError, match="num_clusters=3, 9 local features, 2 of them different"
        ):
            kmeans(np.repeat(np.eye(2), [4, 5], axis=0), 3, seed=0)

    @pytest.mark.parametrize(
        "vectors", [np.zeros(3), np.zeros((0, 3)), np.full((9, 3), np.nan), np.zeros((2, 2, 3))]
    )
    def test_refuses_what_is_no_list_of_features(self, vectors):
        with pytest.raises(ValueError, match=r"must be finite, of shape \(N, D\) with N > 0"):
            kmeans(vectors, 1, seed=0)


class TestAssignmentWeights:
    def test_v1_equals_the_papers_code_in_loops(self, features, centers):
        gaps = []
        for x in features.astype("float64"):
            products = []
            for c in centers.astype("float64"):
                norm = math.sqrt(sum(value * value for value in c))
                products.append(sum(a * b for a, b in zip(c, x, strict=True)) / norm)
            products.sort()
            gaps.append(products[-1] - products[-2])
        expected = -math.log(0.01) / (sum(gaps) / len(gaps))
        kernel, bias, alpha = assignment_weights(features, centers, "v1")
        assert alpha == pytest.approx(expected, rel=1e-5)
        assert bias is None
        np.testing.assert_allclose(kernel, expected * unit_rows(centers).T, rtol=1e-5, atol=1e-6)

    def test_v2_equals_the_papers_code_in_loops(self, features, centers):
        """Squared distances of each feature to its two nearest centers, and squared norms.

        Known ports take neighbors' indices for distances, centers' nearest features for
        features' nearest centers, and norms for squared norms.
        """
        gaps = []
        for x in features.astype("float64"):
            squared_distances = sorted(
                sum((a - b) ** 2 for a, b in zip(c, x, strict=True))
                for c in centers.astype("float64")
            )
            gaps.append(squared_distances[1] - squared_distances[0])
        expected = -math.log(0.01) / (sum(gaps) / len(gaps))
        kernel, bias, alpha = assignment_weights(features, centers, "v2")
        assert alpha == pytest.approx(expected, rel=1e-5)
        for k, c in enumerate(centers.astype("float64")):
            assert bias[k] == pytest.approx(-expected * sum(value**2 for value in c), rel=1e-5)
            np.testing.assert_allclose(kernel[:, k], 2 * expected * c, rtol=1e-5, atol=1e-6)

    def test_v2_is_the_softmax_of_scaled_squared_distances(self, features, centers):
        kernel, bias, alpha = assignment_weights(features, centers, "v2")
        for x in features[:20].astype("float64"):
            powers = [math.exp(-alpha * sum((x - c) ** 2)) for c in centers.astype("float64")]
            logits = [sum(x * kernel[:, k]) + bias[k] for k in range(5)]
            others = [math.exp(logit - max(logits)) for logit in logits]
            np.testing.assert_allclose(
                np.array(others) / sum(others), np.array(powers) / sum(powers), atol=1e-5
            )

    @pytest.mark.parametrize("variant", ["v1", "v2"])
    @pytest.mark.parametrize("length", [1.0, 7.0])
    def test_the_largest_assignment_is_100_times_the_second(self, features, variant, length):
        features = features * np.float32(length)
        kernel, bias, _ = assignment_weights(features, kmeans(features, 5, seed=0), variant)
        assert kernel.dtype == np.float32 and kernel.shape == (8, 5)
        assert mean_assignment_ratio(features, kernel, bias) == pytest.approx(100, rel=1e-3)

    @pytest.mark.parametrize("variant", ["v1", "v2"])
    def test_a_smaller_ratio_is_softer(self, features, centers, variant):
        kernel, bias, _ = assignment_weights(features, centers, variant, ratio=10.0)
        assert mean_assignment_ratio(features, kernel, bias) == pytest.approx(10, rel=1e-3)
        with pytest.raises(ValueError, match="`ratio` must be above 1. Received: ratio=1"):
            assignment_weights(features, centers, variant, ratio=1)

    @pytest.mark.parametrize("variant", ["v1", "v2"])
    def test_with_one_cluster_alpha_is_1(self, features, variant):
        kernel, _, alpha = assignment_weights(features, features[:1], variant)
        assert alpha == 1.0 and kernel.shape == (8, 1)

    def test_a_center_without_direction_is_finite(self, features):
        centers = np.concatenate([np.zeros((1, 8), "float32"), features[:2]])
        assert np.isfinite(assignment_weights(features, centers, "v1")[0]).all()

    @pytest.mark.parametrize("variant", ["v1", "v2"])
    def test_refuses_centers_that_coincide(self, features, variant):
        with pytest.raises(ValueError, match="centers that coincide"):
            assignment_weights(features, np.repeat(features[:1], 3, axis=0), variant)
        with pytest.raises(ValueError, match="centers that coincide"):
            nearly = features[:1] * np.array([[1], [1 + 1e-7], [1 - 1e-7]])
            assignment_weights(features, nearly, variant)

    def test_refuses_another_variant(self, features, centers):
        with pytest.raises(ValueError, match="'v1' or 'v2'. Received: variant='v3'"):
            assignment_weights(features, centers, "v3")

    def test_refuses_centers_of_another_dimension(self, features, centers):
        with pytest.raises(ValueError, match="must have the same D"):
            assignment_weights(features, centers[:, :5])


class TestInitializeClusters:
    @pytest.mark.parametrize("variant", ["v1", "v2"])
    @pytest.mark.parametrize("normalize_inputs", [True, False])
    def test_the_layer_is_as_sharp_as_the_papers_on_what_it_sees(
        self, features, variant, normalize_inputs
    ):
        lengths = np.random.default_rng(1).uniform(1, 3, size=(len(features), 1))
        raw = features * lengths.astype("float32")
        layer = GhostVLAD(4, 2, normalize_inputs=normalize_inputs)
        alpha = initialize_clusters(layer, raw, seed=0, variant=variant)
        seen = features if normalize_inputs else raw
        kernel, bias = ops.convert_to_numpy(layer.kernel), ops.convert_to_numpy(layer.bias)
        assert mean_assignment_ratio(seen, kernel, bias) == pytest.approx(100, rel=1e-3)
        expected = kmeans(seen, 6, seed=0)
        np.testing.assert_allclose(ops.convert_to_numpy(layer.centers), expected[:4], atol=1e-5)
        assert alpha == pytest.approx(assignment_weights(seen, expected, variant)[2], rel=1e-4)

    def test_v2_needs_a_bias_in_the_layer_and_v1_does_not(self, features):
        initialize_clusters(NetVLAD(3, use_bias=False), features, seed=0)
        with pytest.raises(ValueError, match="This layer has no bias"):
            initialize_clusters(NetVLAD(3, use_bias=False), features, seed=0, variant="v2")

    def test_refuses_features_that_do_not_differ(self):
        with pytest.raises(ValueError, match="50 local features, 1 of them different"):
            initialize_clusters(NetVLAD(3), np.ones((50, 4)), seed=0)

    def test_takes_zero_features_among_others(self, features):
        layer = NetVLAD(3)
        initialize_clusters(layer, np.concatenate([features, np.zeros((5, 8))]), seed=0)
        assert all(np.isfinite(weight).all() for weight in layer.get_weights())
