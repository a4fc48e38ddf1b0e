import numpy as np
import pytest
from keras import ops

from placevec.layers import GhostVLAD, NetVLAD


def random_features(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_keeps_the_contract(check_layer):
    arguments = {"num_clusters": 3, "num_ghost_clusters": 2, "use_bias": False}
    check_layer(GhostVLAD, arguments, random_features(2, 3, 4, 5), half_tolerance=1e-6)


def test_is_netvlad_whose_last_clusters_are_cut_off_before_normalization():
    inputs = random_features(2, 3, 4, 5)
    ghosts, whole = GhostVLAD(3, 2), NetVLAD(5)
    ghosts(inputs), whole(inputs)
    kernel, bias, centers = (random_features(*weight.shape) for weight in whole.get_weights())
    whole.set_weights([kernel, bias, centers])
    ghosts.set_weights([kernel, bias, centers[:3]])
    kept = ops.convert_to_numpy(whole(inputs))[:, : 3 * 5]
    expected = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(ghosts(inputs)), expected, atol=1e-6)


def test_what_a_ghost_wins_describes_nothing():
    """Of two kinds of features, the ghost takes the second wholly: only the first is left."""
    layer = GhostVLAD(1, 1)
    layer.set_clusters(np.zeros((2, 2)), 100 * np.eye(2))
    inputs = np.array([[[[1, 0], [0, 1], [0, 1]]]], dtype="float32")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs)), [[1, 0]], atol=1e-6)


@pytest.mark.parametrize("num_ghost_clusters", [0, -2])
def test_refuses_no_ghosts(num_ghost_clusters):
    with pytest.raises(ValueError, match="`num_ghost_clusters` must be a "):
        GhostVLAD(2, num_ghost_clusters)
