import keras
import numpy as np
import pytest

from placevec.cartwheel.feature_networks import cut_network
from placevec.cartwheel.input_shape import with_input_shape
from placevec.images import image_size_of
from placevec.layers import NetVLAD, PixelScaling


@pytest.fixture
def model(short_mobilenetv2):
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


@pytest.mark.parametrize(
    ("name", "trained"), [("photos", (64, 96)), ("photos_64x96", None), ("photos_1x2", (64, 96))]
)
def test_copy_keeps_the_size_of_the_training(name, trained):
    photos = keras.Input((None, None, 3), name=name)
    model = keras.Model(photos, PixelScaling(1.0, image_size=trained)(photos))
    copy = with_input_shape(model, (2, None, None, 3))
    assert image_size_of(copy, usual=(1, 1)) == (64, 96)
    assert image_size_of(with_input_shape(copy, (2, 32, 48, 3)), usual=(1, 1)) == (32, 48)


@pytest.mark.parametrize("shape", [(None, 64, 96, 1), (64, 96, 3)])
def test_refuses_other_channels_and_other_axes(model, shape):
    with pytest.raises(ValueError, match="as many axes and channels"):
        with_input_shape(model, shape)
