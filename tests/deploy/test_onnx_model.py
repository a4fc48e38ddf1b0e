import cv2
import numpy as np
import pytest

from placevec.config.networks import NETWORKS
from placevec.models.engines.check import check_photos
from placevec.models.files.shipped import check_descriptors, shipped_model, shipped_onnx

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from placevec.deploy.onnx_model import store_in_float16, write_padding  # noqa: E402

pytestmark = pytest.mark.one_backend


def convolution(size, kernel, strides, dilations=(1, 1)):
    """A convolution whose library works out the padding; `size` may be of names."""
    weights = np.random.default_rng(0).normal(size=(2, 3, *kernel)).astype(np.float32)
    node = helper.make_node(
        "Conv", ["maps", "weights"], ["found"], name="conv", kernel_shape=kernel,
        strides=strides, dilations=dilations, auto_pad="SAME_UPPER",
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", 3, *size])],
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, ["batch", 2, "y", "x"])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("is_fixed", [True, False])
@pytest.mark.parametrize("size", [(6, 9), (7, 8), (1, 2)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 2)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 5)])
def test_computes_the_same(kernel, strides, size, is_fixed):
    model = convolution(size if is_fixed else ("rows", "columns"), kernel, strides)
    maps = np.random.default_rng(1).normal(size=(2, 3, *size)).astype(np.float32)
    expected = ReferenceEvaluator(model).run(None, {"maps": maps})[0]
    write_padding(model)
    onnx.checker.check_model(model, full_check=True)
    received = ReferenceEvaluator(model).run(None, {"maps": maps})[0]
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)
    names = {each.name for each in model.graph.node[0].attribute}
    is_written = is_fixed or strides == (1, 1)
    assert ("pads" in names, "auto_pad" in names) == (is_written, not is_written)


def test_dilation_widens_the_kernel():
    model = convolution((9, 9), (3, 3), (1, 1), dilations=(2, 2))
    write_padding(model)
    (pads,) = (each.ints for each in model.graph.node[0].attribute if each.name == "pads")
    assert pads == [2, 2, 2, 2]


def test_kernels_take_half_the_bytes_and_are_widened():
    model = convolution((6, 9), (3, 3), (1, 1))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 3), np.float32), "vector"))
    weights = numpy_helper.to_array(model.graph.initializer[0])
    store_in_float16(model)
    onnx.checker.check_model(model, full_check=True)
    kinds = [tensor.data_type for tensor in model.graph.initializer]
    assert kinds == [TensorProto.FLOAT16, TensorProto.FLOAT]
    maps = np.random.default_rng(1).normal(size=(1, 3, 6, 9)).astype(np.float32)
    received = ReferenceEvaluator(model).run(None, {"maps": maps})[0]
    rounded = convolution((6, 9), (3, 3), (1, 1))
    values = weights.astype(np.float16).astype(np.float32)
    rounded.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "weights"))
    np.testing.assert_array_equal(
        received, ReferenceEvaluator(rounded).run(None, {"maps": maps})[0]
    )


def by_opencv(path, photos):
    network = cv2.dnn.readNetFromONNX(str(path))
    network.setInput(photos)
    return network.forward()


@pytest.mark.parametrize("name", NETWORKS)
def test_opencv_computes_a_network_of_fixed_size_as_keras_does(name, tmp_path):
    path, photos = shipped_model(name), check_photos((240, 320), 3)
    model = onnx.load(shipped_onnx(path))
    for axis, size in zip(
        model.graph.input[0].type.tensor_type.shape.dim[1:3], (240, 320), strict=True
    ):
        axis.dim_value = size
    write_padding(model)
    onnx.save(model, tmp_path / "m.onnx")
    expected = check_descriptors(path, (240, 320))
    received = by_opencv(tmp_path / "m.onnx", photos)
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-5)


def test_opencv_still_pads_networks_of_any_size_wrongly():
    """If this fails, OpenCV is cured: take the warning out of docs/deploy.md, and this test."""
    if int(cv2.__version__.partition(".")[0]) < 5:
        pytest.skip("OpenCV 4 does not pad wrongly")
    path = shipped_model("tiny")
    received = by_opencv(shipped_onnx(path), check_photos((240, 320), 3))
    cosines = (received * check_descriptors(path, (240, 320))).sum(axis=1)
    assert cosines.max() < 0.999
