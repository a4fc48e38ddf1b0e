import keras
import numpy as np
import pytest
from keras import ops

from placevec.layers import MAC, ConvAP, MixVPR, SALADLike, SPoC

SMALL = {
    "spoc": lambda **kwargs: SPoC(**kwargs),
    "mac": lambda **kwargs: MAC(**kwargs),
    "conv_ap": lambda **kwargs: ConvAP(6, (2, 3), **kwargs),
    "mixvpr": lambda **kwargs: MixVPR(6, 2, 2, (4, 5), **kwargs),
    "salad": lambda **kwargs: SALADLike(3, 4, 5, 8, **kwargs),
}


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_a_half_precision_policy_describes_as_float32_does(name, policy):
    """200 squared, or summed over 48 x 64 locations, overflows float16."""
    layer, other = SMALL[name](), SMALL[name](dtype=policy)
    features = ops.cast(200 * np.abs(random_features(2, 48, 64, 8)), policy.removeprefix("mixed_"))
    expected = ops.convert_to_numpy(layer(ops.cast(features, "float32")))
    other(features)
    other.set_weights(layer.get_weights())
    received = other(features)
    assert keras.backend.standardize_dtype(received.dtype) == "float32"
    received = ops.convert_to_numpy(received)
    np.testing.assert_allclose(received, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_one_model_takes_photos_of_any_size(name):
    features = keras.Input((None, None, 8))
    layer = SMALL[name]()
    model = keras.Model(features, layer(features))
    for height, width in ((7, 9), (4, 5), (1, 1), (1, 12)):
        inputs = random_features(2, height, width, 8)
        received = model.predict(inputs, verbose=0)
        assert received.shape == (2, model.output_shape[1])
        np.testing.assert_allclose(np.linalg.norm(received, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(received, ops.convert_to_numpy(layer(inputs)), atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_refuses_inputs_that_are_no_map_of_local_features(name):
    with pytest.raises(ValueError, match=r"shape \(batch, height, width, D\) with a known D"):
        SMALL[name]()(random_features(2, 3, 8))
    with pytest.raises(ValueError, match="with a known D. Received"):
        SMALL[name]()(keras.Input((None, None, None)))


@pytest.mark.parametrize("count", [0, -1, 2.0])
def test_refuses_what_is_no_count(count):
    with pytest.raises(ValueError, match=f"must be a positive integer. .*projected_dim={count}"):
        ConvAP(projected_dim=count)
    for name in ("projected_dim", "num_rows", "num_mixers"):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive integer"):
            MixVPR(**{name: count})
    for name in ("num_clusters", "projected_dim", "global_dim", "hidden_dim", "num_rounds"):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive integer"):
            SALADLike(**{name: count})


@pytest.mark.parametrize("grid", [(0, 2), (2,), (2, 2, 2), (2.0, 1)])
@pytest.mark.parametrize("kind", [ConvAP, MixVPR])
def test_refuses_what_is_no_grid(kind, grid):
    with pytest.raises(ValueError, match="`grid` must be two positive integers"):
        kind(grid=grid)
