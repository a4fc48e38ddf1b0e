import contextlib
import functools
import socket
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.config.choices import BACKBONES
from placevec.layers import LayerScale
from placevec.models import build_descriptor_model, load_model, save_model
from placevec.models.backbones.backbones import local_features, pixel_scaling

# A layer near the photos, and its channels.
SHALLOW = {
    "mobilenetv2": ("block_2_add", 24),
    "mobilenet": ("conv_pw_2_relu", 128),
    "vgg16": ("block1_conv2", 64),
    "vgg19": ("block1_conv2", 64),
    "resnet50": ("conv2_block1_out", 256),
    "efficientnetb0": ("block2b_add", 24),
    "efficientnetv2b0": ("block2b_add", 32),
    "mobilenetv3small": ("expanded_conv_2_add", 24),
    "mobilenetv3large": ("expanded_conv_2_add", 24),
    "convnexttiny": ("convnext_tiny_stage_0_block_0_add", 96),
    "efficientnetlite0": ("block_2_add", 24),
}
# Maker in `keras.applications`, and channels of the usual cut.
PLAIN = {
    "resnet50": ("ResNet50", 1024),
    "efficientnetb0": ("EfficientNetB0", 112),
    "efficientnetv2b0": ("EfficientNetV2B0", 112),
    "mobilenetv3small": ("MobileNetV3Small", 48),
    "mobilenetv3large": ("MobileNetV3Large", 112),
    "convnexttiny": ("ConvNeXtTiny", 384),
}
# JAX runs two of them, and a quick run one of a kind: building and compiling take minutes.
ON_EVERY_BACKEND = ("mobilenetv2", "vgg16")
ONE_OF_A_KIND = (*ON_EVERY_BACKEND, "efficientnetb0", "mobilenetv3small", "convnexttiny")
EVERY_BACKBONE = [
    pytest.param(
        name,
        marks=[] if name in ON_EVERY_BACKEND
        else [pytest.mark.one_backend] if name in ONE_OF_A_KIND
        else [pytest.mark.one_backend, pytest.mark.slow],
    )
    for name in SHALLOW
]  # fmt: skip
# The others are as slow to build as they are alike.
ONE_OF_THEM = [
    pytest.param(name, marks=[] if name == "mobilenetv3small" else pytest.mark.slow)
    for name in PLAIN
]
NO_TOP = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"


MODULES = {
    "resnet50": "resnet50", "efficientnetb0": "efficientnet", "efficientnetv2b0": "efficientnet_v2",
    "mobilenetv3small": "mobilenet_v3", "mobilenetv3large": "mobilenet_v3",
    "convnexttiny": "convnext",
}  # fmt: skip


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def keras_home(monkeypatch, tmp_path):
    """Keeps downloads out of the user's own folder."""
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path


@pytest.fixture
def serve(monkeypatch):
    """Returns a function that serves a folder as the place where Keras keeps its weights."""
    with contextlib.ExitStack() as stack:

        def start(folder):
            handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
            server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{server.server_port}/"
            monkeypatch.setattr("keras.src.applications.mobilenet_v2.BASE_WEIGHT_PATH", address)

        yield start


@pytest.mark.parametrize(
    ("channels", "rows", "columns"),
    [pytest.param(1, 64, 32, marks=pytest.mark.slow), (3, 33, 47)],
)
@pytest.mark.parametrize("backbone", EVERY_BACKBONE)
def test_takes_photos_of_any_size_gray_or_color(
    short_mobilenetv2, random_photos, backbone, channels, rows, columns
):
    cut_layer, feature_dim = SHALLOW[backbone]
    settings = ModelConfig(backbone, cut_layer, channels=channels, num_clusters=2)
    model = build_descriptor_model(settings)
    assert model.input_shape == (None, None, None, channels)
    assert model.output_shape == (None, 2 * feature_dim)
    descriptors = to_numpy(model.predict_on_batch(random_photos(2, rows, columns, channels)))
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1.0, atol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize("backbone", SHALLOW.keys() - PLAIN.keys())
def test_the_usual_cut_layer_is_a_layer_of_the_network(backbone):
    row = BACKBONES[backbone]
    with keras.StatelessScope(initialize_variables=False):  # weights that nobody needs
        network = row.find()(weights=None, include_top=False, input_shape=(32, 32, 3))
    assert row.cut_layer in [layer.name for layer in network.layers]


@pytest.mark.parametrize(
    ("backbone", "module"),
    [("mobilenetv2", "mobilenet_v2"), ("mobilenet", "mobilenet"), ("vgg16", "vgg16"),
     ("vgg19", "vgg19"), ("resnet50", "resnet50")],
)  # fmt: skip
def test_scales_color_pixels_as_the_imagenet_weights_expect(random_photos, backbone, module):
    photos = random_photos()
    expected = getattr(keras.applications, module).preprocess_input(photos.astype("float32"))
    scaled = to_numpy(pixel_scaling(backbone, 3)(photos))
    np.testing.assert_allclose(scaled, expected, atol=1e-4)


@pytest.mark.one_backend  # and on PyTorch; compiling each for JAX takes minutes
@pytest.mark.parametrize("name", ONE_OF_THEM)
def test_equals_the_plain_network_of_keras_with_its_own_scaling(random_photos, tmp_path, name):
    maker, feature_dim = PLAIN[name]
    cut_layer = BACKBONES[name].cut_layer
    model = build_descriptor_model(ModelConfig(name, cut_layer, aggregator="spoc"))
    for layer in model.layers:
        if isinstance(layer, LayerScale):  # starts so small that its block would not count
            layer.set_weights([np.linspace(0.5, 1.5, layer.gamma.shape[0])])
    photos = random_photos(1, 64, 96)
    features = keras.Model(model.input, model.layers[-1].input)
    received = to_numpy(features.predict_on_batch(photos))
    assert received.shape == (1, 4, 6, feature_dim)

    plain = getattr(keras.applications, maker)(
        weights=None, include_top=False, input_shape=(64, 96, 3)
    )
    arrays = {layer.name: layer.get_weights() for layer in model.layers}
    for layer in flatten(plain):
        if layer.name in arrays:
            layer.set_weights(arrays[layer.name])
        elif isinstance(layer, keras.layers.Normalization) and layer.weights:
            mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])  # ImageNet
            layer.set_weights([mean, np.square(deviation), np.zeros(())])
            layer.finalize_state()
    if name == "convnexttiny":
        output = plain.get_layer("convnext_tiny_downsampling_block_2").input
    else:
        output = plain.get_layer(cut_layer).output
    preprocess_input = getattr(keras.applications, MODULES[name]).preprocess_input
    plain = keras.Model(plain.input, output)
    expected = to_numpy(plain.predict_on_batch(preprocess_input(photos.astype("float32"))))
    np.testing.assert_allclose(received, expected, atol=1e-4 * np.abs(expected).max())

    save_model(model, tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(
        to_numpy(loaded.predict_on_batch(photos)), to_numpy(model.predict_on_batch(photos)),
        atol=1e-6,
    )  # fmt: skip
    settings = ModelConfig(name, cut_layer, aggregator="spoc", weights=str(tmp_path / "m.keras"))
    again = build_descriptor_model(settings)
    np.testing.assert_allclose(
        to_numpy(again.predict_on_batch(photos)), to_numpy(model.predict_on_batch(photos)),
        atol=1e-6,
    )  # fmt: skip


def flatten(network):
    for layer in network.layers:
        yield from layer.layers if isinstance(layer, keras.Sequential) else [layer]


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_scales_photos_of_other_channels_by_the_means(random_photos, channels):
    photos = random_photos(channels=channels)
    scaled = to_numpy(pixel_scaling("vgg16", channels)(photos))
    mean = (103.939 + 116.779 + 123.68) / 3
    np.testing.assert_allclose(scaled, photos - np.float32(mean), atol=1e-4)
    scaled = to_numpy(pixel_scaling("convnexttiny", channels)(photos))
    scale = (1 / 0.229 + 1 / 0.224 + 1 / 0.225) / 3 / 255
    offset = (0.485 / 0.229 + 0.456 / 0.224 + 0.406 / 0.225) / 3
    np.testing.assert_allclose(scaled, photos * scale - offset, atol=1e-5)
    scaled = to_numpy(pixel_scaling("mobilenet", channels)(photos))
    np.testing.assert_allclose(scaled, photos / 127.5 - 1, atol=1e-5)


def test_a_linear_cut_leaves_out_the_activation(random_photos):
    photos = random_photos().astype("float32") - 128
    outputs = {}
    for linear_cut in (False, True):
        images = keras.Input((None, None, 3))
        keras.utils.set_random_seed(0)
        features = local_features(
            images, backbone="vgg16", cut_layer="block1_conv2", linear_cut=linear_cut
        )
        outputs[linear_cut] = to_numpy(keras.Model(images, features)(photos))
    assert outputs[True].min() < -1
    np.testing.assert_allclose(np.maximum(outputs[True], 0), outputs[False], atol=1e-4)


def test_refuses_a_linear_cut_where_no_activation_is_inside():
    images = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="cut_layer='conv_pw_2_relu', a ReLU without one inside"):
        local_features(images, backbone="mobilenet", cut_layer="conv_pw_2_relu", linear_cut=True)


def test_sets_the_momentum_of_every_batch_normalization(shallow_model):
    norms = [
        layer
        for layer in shallow_model(batch_norm_momentum=0.8).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 1 + 2 + 3 + 3  # of Conv1, expanded_conv, block_1 and block_2
    assert {layer.momentum for layer in norms} == {0.8}


def test_refuses_a_layer_that_the_backbone_lacks_and_names_those_it_has():
    images = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="no layer 'block_77_add'") as caught:
        local_features(
            pixel_scaling("mobilenetv2", 3)(images),
            backbone="mobilenetv2",
            cut_layer="block_77_add",
        )
    assert "Usual: 'block_9_add'; others: Conv1, " in str(caught.value)
    assert "pixel_scaling" not in str(caught.value)


def test_refuses_to_cut_before_the_backbone():
    images = keras.Input((None, None, 3))
    pixels = pixel_scaling("vgg16", 3)(images)
    with pytest.raises(ValueError, match="no layer 'pixel_scaling'"):
        local_features(pixels, backbone="vgg16", cut_layer="pixel_scaling")


def test_refuses_an_unknown_backbone():
    images = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match="one of mobilenetv2, mobilenet, vgg16, .*Received"):
        local_features(images, backbone="resnet51", cut_layer="conv5")
    with pytest.raises(ValueError, match="backbone='resnet51'. Did you mean resnet50"):
        pixel_scaling("resnet51", 3)


def test_refuses_imagenet_weights_for_gray_photos_before_any_download():
    images = keras.Input((None, None, 1))
    with pytest.raises(ValueError, match="3 channels. Received: channels=1"):
        local_features(images, backbone="mobilenetv2", cut_layer="block_2_add", imagenet=True)


@pytest.mark.one_backend
def test_says_how_to_go_on_without_the_internet(monkeypatch, keras_home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    monkeypatch.setattr("keras.src.applications.mobilenet_v2.BASE_WEIGHT_PATH", address)
    images = keras.Input((None, None, 3))
    with pytest.raises(ConnectionError, match="could not be downloaded.*--model.weights FILE"):
        local_features(images, backbone="mobilenetv2", cut_layer="block_2_add", imagenet=True)
    assert not any(path.is_file() for path in keras_home.rglob("*.h5"))


@pytest.mark.one_backend
def test_says_so_when_the_server_lacks_the_weights(serve, keras_home, tmp_path):
    serve(tmp_path / "models")
    images = keras.Input((None, None, 3))
    with pytest.raises(ConnectionError, match="404"):
        local_features(images, backbone="mobilenetv2", cut_layer="block_2_add", imagenet=True)


@pytest.mark.one_backend
def test_says_which_file_to_delete_when_a_download_is_damaged(serve, keras_home, tmp_path):
    (tmp_path / NO_TOP).write_bytes(b"<html>Please log in</html>")
    serve(tmp_path)
    images = keras.Input((None, None, 3))
    with pytest.raises(OSError, match="cannot be read.*Delete them from the `models` folder"):
        local_features(images, backbone="mobilenetv2", cut_layer="block_2_add", imagenet=True)


@pytest.mark.one_backend
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_downloads_the_imagenet_weights(serve, keras_home, tmp_path, recwarn):
    original = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(32, 32, 3)
    )
    original.save(tmp_path / NO_TOP)
    serve(tmp_path)
    recwarn.clear()
    images = keras.Input((None, None, 3))
    features = local_features(
        pixel_scaling("mobilenetv2", 3)(images),
        backbone="mobilenetv2",
        cut_layer="block_2_add",
        imagenet=True,
    )
    assert [str(each.message) for each in recwarn if "input_shape" in str(each.message)] == []
    loaded = keras.Model(images, features)
    for layer in loaded.layers:
        if layer.weights:
            for received, expected in zip(
                layer.get_weights(), original.get_layer(layer.name).get_weights(), strict=True
            ):
                np.testing.assert_array_equal(received, expected)
    assert loaded.get_layer("Conv1").get_weights()[0].std() > 0
