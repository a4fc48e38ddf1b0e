import numpy as np
import pytest
from keras import ops

from placevec.layers import SALADLike


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def network(weights, name, features):
    hidden = features @ weights[f"{name}_hidden_kernel"] + weights[f"{name}_hidden_bias"]
    return np.maximum(hidden, 0) @ weights[f"{name}_kernel"] + weights.get(f"{name}_bias", 0)


def sinkhorn(scores, dustbin_score, num_rounds):
    """Scales rows and columns of exp(scores) in turn, in float64, not in logarithms."""
    num_features, num_clusters = scores.shape
    plan = np.exp(np.concatenate([scores, np.full((num_features, 1), dustbin_score)], axis=1))
    takes = np.ones(num_clusters + 1)
    takes[-1] = num_features - num_clusters
    if num_features < num_clusters + 1:
        takes[:] = num_features / (num_clusters + 1)
    for _ in range(num_rounds):
        for k in range(num_clusters + 1):
            plan[:, k] *= takes[k] / plan[:, k].sum()
        for n in range(num_features):
            plan[n] /= plan[n].sum()
    return plan


def salad_in_loops(photo, weights, num_rounds=3, dustbin_score=1.0):
    """The paper's dustbin has a score; 1.0 is where it starts."""
    weights = {name: np.float64(weight) for name, weight in weights.items()}
    features = np.float64(photo).reshape(-1, photo.shape[-1])
    plan = sinkhorn(network(weights, "score", features), dustbin_score, num_rounds)
    projected = network(weights, "feature", features)
    whole = network(weights, "global", features.mean(axis=0))
    parts = [whole / np.linalg.norm(whole)]
    for k in range(plan.shape[1] - 1):
        cluster = sum(share * vector for share, vector in zip(plan[:, k], projected, strict=True))
        parts.append(cluster / np.linalg.norm(cluster))
    descriptor = np.concatenate(parts)
    return descriptor / np.linalg.norm(descriptor)


def weights_of(layer):
    return {weight.name: ops.convert_to_numpy(weight) for weight in layer.weights}


def test_keeps_the_contract(check_layer):
    arguments = {
        "num_clusters": 3, "projected_dim": 4, "global_dim": 5, "hidden_dim": 32, "num_rounds": 2,
    }  # fmt: skip
    inputs = np.float32(np.float16(random_features(2, 3, 4, 5)))
    check_layer(SALADLike, arguments, inputs, half_tolerance=1e-5)


@pytest.mark.parametrize("size", [(3, 4), (2, 3), (1, 4), (1, 1)])
@pytest.mark.parametrize("num_rounds", [1, 3])
def test_equals_the_formula_in_loops(size, num_rounds):
    """For 5 clusters: more features than they, as many as they and the dustbin, and fewer."""
    inputs = random_features(2, *size, 6)
    layer = SALADLike(5, 4, 3, 8, num_rounds)
    layer(inputs)
    generator = np.random.default_rng(3)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.get_weights()])
    expected = [salad_in_loops(photo, weights_of(layer), num_rounds) for photo in inputs]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), expected, atol=1e-5)


def test_a_score_of_the_dustbin_or_a_bias_of_a_cluster_would_change_nothing():
    """That is why the layer learns neither; the paper has both."""
    scores = np.float64(random_features(12, 5))
    expected = sinkhorn(scores, 0.0, 3)
    biases = random_features(5, seed=1)
    np.testing.assert_allclose(sinkhorn(scores + biases, 7.0, 3), expected, atol=1e-12)


def test_large_scores_do_not_overflow():
    """exp(89) overflows float32."""
    inputs = 1000 * random_features(2, 6, 7, 6)
    layer = SALADLike(3, 4, 5, 8)
    received = ops.convert_to_numpy(layer(inputs))
    assert np.isfinite(received).all()
    np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-5)


def test_what_is_left_in_the_dustbin_does_not_count():
    """A cluster's score is 9 where the feature is (1, 0), and -9 where it is (0, 1)."""
    layer = SALADLike(1, 2, 1, 2, num_rounds=50)
    inputs = np.zeros((1, 2, 2, 2), "float32")
    inputs[0, 0, 0, 0] = 1
    inputs[0, :, 1, 1] = inputs[0, 1, 0, 1] = 1
    layer(inputs)
    weights = {name: np.zeros_like(weight) for name, weight in weights_of(layer).items()}
    weights["score_hidden_kernel"] = weights["feature_hidden_kernel"] = np.eye(2)
    weights["score_kernel"] = np.array([[9.0], [-9.0]])
    weights["feature_kernel"] = np.eye(2)
    layer.set_weights([weights[weight.name] for weight in layer.weights])
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), [[0, 1, 0]], atol=1e-3)


def test_has_the_papers_size_by_default():
    layer = SALADLike()
    assert layer.compute_output_shape((None, 16, 16, 768)) == (None, 8448)
