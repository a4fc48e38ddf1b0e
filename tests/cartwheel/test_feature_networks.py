import keras
import numpy as np
import pytest

from placevec.cartwheel.feature_networks import (
    cut_network,
    enlarge_features,
    pyramid_vgg,
    small_vgg,
)
from placevec.models.files.weights import read_weights

pytestmark = pytest.mark.usefixtures("short_mobilenetv2")


def small_network(**kwargs):
    photos = keras.Input((32, 64, 3))
    return keras.Model(photos, cut_network("mobilenetv2", photos, "block_2_add", **kwargs))


def regularized(model):
    return {layer.name for layer in model.layers if getattr(layer, "kernel_regularizer", None)}


@pytest.mark.parametrize(
    ("backbone", "cut_layer", "shape"),
    [
        ("mobilenetv2", "block_2_add", (8, 16, 24)),
        ("mobilenet", "conv_pw_2_relu", (8, 16, 128)),
        ("vgg16", "block2_pool", (8, 16, 128)),
        ("vgg19", "block2_pool", (8, 16, 128)),
    ],
)
def test_cuts_every_backbone(backbone, cut_layer, shape):
    photos = keras.Input((32, 64, 1))
    assert cut_network(backbone, photos, cut_layer).shape == (None, *shape)


def test_regularizer_adds_the_squares_of_the_convolutions_kernels_to_the_losses():
    model = small_network(kernel_regularizer=keras.regularizers.L2(0.5))
    kernels = [
        keras.ops.convert_to_numpy(layer.kernel)
        for layer in model.layers
        if type(layer) is keras.layers.Conv2D
    ]
    expected = sum(0.5 * np.square(kernel).sum() for kernel in kernels)
    received = sum(float(keras.ops.convert_to_numpy(loss)) for loss in model.losses)
    assert len(model.losses) == len(kernels) > 3
    np.testing.assert_allclose(received, expected, rtol=1e-5)
    assert not any("depthwise" in name for name in regularized(model))


def test_regularizer_is_a_part_of_the_loss_that_training_sees():
    photos = np.zeros((2, 32, 64, 3), np.float32)
    losses = []
    for regularizer in (None, keras.regularizers.L2(0.5)):
        keras.utils.set_random_seed(0)
        model = small_network(kernel_regularizer=regularizer)
        model.compile("sgd", loss="mse", run_eagerly=True)
        zeros = np.zeros((2, 8, 16, 24), np.float32)
        losses.append(model.evaluate(photos, zeros, verbose=0))
        penalty = sum(float(keras.ops.convert_to_numpy(loss)) for loss in model.losses)
    assert penalty > 1
    np.testing.assert_allclose(losses[1] - losses[0], penalty, rtol=1e-4)


def test_regularizer_survives_saving(tmp_path):
    model = small_network(kernel_regularizer="l2")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert len(loaded.losses) == len(model.losses) > 0
    assert regularized(loaded) == regularized(model)


def test_without_a_regularizer_or_frozen_nothing_is_added():
    assert not small_network().losses
    frozen = small_network(trainable=False, kernel_regularizer="l2")
    assert not frozen.losses and not frozen.trainable_weights


def test_takes_weights_of_a_file_by_layer_name(tmp_path):
    source = small_network()
    source.save(tmp_path / "source.keras")
    loaded = small_network(weights=str(tmp_path / "source.keras"))
    stored = read_weights(tmp_path / "source.keras")
    assert "Conv1" in stored
    for ours, theirs in zip(loaded.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_goes_on_from_a_layer_of_the_callers():
    photos = keras.Input((32, 64, 3))
    scaled = keras.layers.BatchNormalization(name="mine")(photos)
    features = cut_network("mobilenetv2", scaled, "block_2_add", trainable=False)
    model = keras.Model(photos, features)
    assert model.get_layer("mine").trainable
    assert not model.get_layer("Conv1").trainable


@pytest.mark.parametrize(
    "make",
    [
        small_vgg,
        pyramid_vgg,
        lambda photos: enlarge_features(cut_network("vgg19", photos, "block2_pool")),
    ],
)
def test_small_networks_give_every_pixel_a_feature(make):
    photos = keras.Input((32, 64, 1))
    model = keras.Model(photos, make(photos))
    features = keras.ops.convert_to_numpy(model(np.ones((2, 32, 64, 1), np.float32)))
    assert features.shape == (2, 32, 64, 32)
    assert np.isfinite(features).all()


@pytest.mark.parametrize(("make", "num_kernels"), [(small_vgg, 4), (pyramid_vgg, 6)])
def test_small_networks_keep_their_kernels_small(make, num_kernels):
    photos = keras.Input((32, 64, 1))
    assert len(keras.Model(photos, make(photos)).losses) == num_kernels


def test_refuses_unknown_layers():
    with pytest.raises(ValueError, match="has no layer 'nowhere'"):
        cut_network("mobilenet", keras.Input((32, 64, 3)), "nowhere")
