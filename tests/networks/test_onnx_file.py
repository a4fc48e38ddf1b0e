import importlib.util

import keras
import numpy as np
import pytest

from placevec.layers import NetVLAD, PartialWhitening, PixelScaling
from placevec.models.engines.runtimes.openvino_engine import import_openvino
from placevec.models.features import with_features

onnx = pytest.importorskip("onnx")

from placevec.networks.onnx_file import write_onnx  # noqa: E402


def make_model(bad_layer=None):
    """A network with each kind of layer that can be written, of random weights."""
    photos = keras.Input((None, None, 3), dtype="uint8")
    x = PixelScaling(scale=[0.01, 0.02, 0.03], offset=-1.0)(photos)
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(epsilon=1e-3)(x)
    y = keras.layers.ReLU(6.0)(x)
    y = keras.layers.ZeroPadding2D(((0, 1), (1, 0)))(y)
    y = keras.layers.DepthwiseConv2D(3, use_bias=False)(y)
    y = keras.layers.ZeroPadding2D(((1, 0), (0, 1)))(y)
    x = keras.layers.Add()([x, y])
    if bad_layer:
        x = bad_layer(x)
    x = PartialWhitening(3)(NetVLAD(num_clusters=2)(x))
    model = keras.Model(photos, x)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        low = 0.5 if "variance" in weight.name or "gamma" in weight.name else -0.5
        values = rng.uniform(low, low + 1, weight.shape)
        weight.assign(values.astype(np.float16 if len(weight.shape) > 1 else np.float32))
    return model


@pytest.mark.parametrize("size", [(33, 47), (32, 48)])
def test_equals_keras(tmp_path, size):
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    openvino = import_openvino()
    model = make_model()
    write_onnx(model, tmp_path / "m.onnx")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(str(tmp_path / "m.onnx"), "CPU", settings)
    photos = np.random.default_rng(0).integers(0, 256, (3, *size, 3), dtype=np.uint8)
    expected = [keras.ops.convert_to_numpy(each) for each in with_features(model)(photos)]
    received = compiled(photos)
    for name, values in zip(("descriptors", "features"), expected, strict=True):
        np.testing.assert_allclose(received[name], values, rtol=0, atol=2e-6)


def test_stores_exact_numbers_in_two_bytes_and_others_in_four(tmp_path):
    write_onnx(make_model(), tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx").graph
    kinds = {tuple(each.dims): each.data_type for each in graph.initializer}
    assert kinds[(6, 3, 3, 3)] == onnx.TensorProto.FLOAT16
    assert kinds[(12, 3)] == onnx.TensorProto.FLOAT16
    assert kinds[(12,)] == onnx.TensorProto.FLOAT


def test_operations_are_named_after_their_layers(tmp_path):
    model = make_model()
    write_onnx(model, tmp_path / "m.onnx")
    layers = {node.name.partition("/")[0] for node in onnx.load(tmp_path / "m.onnx").graph.node}
    assert {layer.name for layer in model.layers[1:]} <= layers


def test_equal_models_are_equal_files(tmp_path):
    for name in ("a", "b"):
        keras.backend.clear_session()  # layers are numbered from the start
        write_onnx(make_model(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        (keras.layers.Dropout(0.1, name="drop"), "Received: drop, a Dropout"),
        (keras.layers.Conv2D(6, 1, name="biased"), "biased must have no bias and no activation"),
    ],
)
def test_refuses_what_it_would_write_wrong(tmp_path, layer, match):
    with pytest.raises(ValueError, match=match):
        write_onnx(make_model(layer), tmp_path / "m.onnx")
