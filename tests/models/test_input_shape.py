import keras
import numpy as np
import pytest

from placevec.layers import NetVLAD
from placevec.models.feature_networks import cut_network
from placevec.models.input_shape import image_size_of, with_input_shape


@pytest.fixture
def model():
    photos = keras.Input((32, 64, 3))
    features = cut_network(
        "mobilenetv2", photos, "block_2_add", trainable=False, kernel_regularizer="l2"
    )
    return keras.Model(photos, NetVLAD(4, normalize_inputs=False, name="vlad")(features))


def test_copy_describes_photos_of_the_old_size_alike(model):
    photos = np.random.default_rng(0).uniform(-1, 1, (2, 32, 64, 3)).astype("float32")
    copy = with_input_shape(model, (None, None, None, 3))
    assert copy.input_shape == (None, None, None, 3)
    np.testing.assert_allclose(
        *(keras.ops.convert_to_numpy(network(photos)) for network in (model, copy)), atol=1e-6
    )


def test_copy_has_weights_of_its_own_and_the_settings_of_the_model(model):
    copy = with_input_shape(model, (2, 64, 96, 3))
    assert copy.input_shape == (2, 64, 96, 3)
    assert model.input_shape == (None, 32, 64, 3)
    assert not copy.get_layer("Conv1").trainable
    assert not copy.get_layer("vlad").normalize_inputs
    before = model.get_layer("vlad").get_weights()
    copy.get_layer("vlad").set_weights([0 * weight for weight in before])
    for ours, theirs in zip(model.get_layer("vlad").get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_tells_the_size_or_the_usual_one(model):
    assert image_size_of(model) == (32, 64)
    assert image_size_of(with_input_shape(model, (None, None, None, 3))) == (240, 320)


@pytest.mark.parametrize("shape", [(None, 64, 96, 1), (64, 96, 3)])
def test_refuses_other_channels_and_other_axes(model, shape):
    with pytest.raises(ValueError, match="as many axes and channels"):
        with_input_shape(model, shape)
