import numpy as np
import pytest
from keras import ops

from placevec.layers import PatchTokens


def random_photos(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def tokens_in_loops(photo, layer):
    """Of a photo whose grid is that of the learned positions."""
    kernel, bias, class_token, positions = map(ops.convert_to_numpy, layer.weights)
    p = layer.patch_size
    tokens = [class_token[0, 0]]
    for row in range(photo.shape[0] // p):
        for column in range(photo.shape[1] // p):
            patch = photo[row * p : (row + 1) * p, column * p : (column + 1) * p]
            tokens.append(np.einsum("ijc,ijcd->d", patch, kernel) + bias)
    return np.array(tokens) + positions[0]


def make_layer(**kwargs):
    layer = PatchTokens(feature_dim=5, patch_size=4, num_positions=3, **kwargs)
    layer.build((None, None, None, 3))
    generator = np.random.default_rng(1)
    layer.set_weights([generator.normal(size=weight.shape) for weight in layer.weights])
    return layer


def test_keeps_the_contract(check_layer):
    arguments = {"feature_dim": 5, "patch_size": 4, "num_positions": 3}
    check_layer(PatchTokens, arguments, random_photos(2, 8, 13, 3), half_tolerance=2e-2)


def test_equals_a_projection_of_each_patch_in_loops():
    photos = random_photos(2, 12, 12, 3)
    layer = make_layer()
    expected = [tokens_in_loops(photo, layer) for photo in photos]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(photos)), expected, atol=1e-4)


def test_a_photo_between_two_multiples_is_resized_to_the_nearer_one():
    photos = random_photos(1, 13, 11, 3)
    resized = ops.image.resize(photos, (12, 12), data_format="channels_last")
    layer = make_layer()
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(photos)), ops.convert_to_numpy(layer(resized)), atol=1e-5
    )


def test_positions_are_resized_to_the_grid_of_the_photo():
    """Without a photo only positions are left; a larger grid has the means of the smaller."""
    layer = make_layer()
    kernel, bias, class_token, positions = layer.get_weights()
    layer.set_weights([0 * kernel, 0 * bias, 0 * class_token, positions])
    tokens = ops.convert_to_numpy(layer(np.zeros((1, 24, 36, 3), "float32")))[0]
    assert tokens.shape == (1 + 6 * 9, 5)
    np.testing.assert_allclose(tokens[0], positions[0, 0], atol=1e-6)
    grid = ops.image.resize(
        positions[:, 1:].reshape(1, 3, 3, 5), (6, 9), "bicubic", data_format="channels_last"
    )
    expected = ops.convert_to_numpy(grid)[0]
    np.testing.assert_allclose(tokens[1:].reshape(6, 9, 5), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["feature_dim", "patch_size", "num_positions"])
def test_refuses_what_is_no_count(name):
    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer. .*{name}=0"):
        PatchTokens(**{"feature_dim": 4, name: 0})
