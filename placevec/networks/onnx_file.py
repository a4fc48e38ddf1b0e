"""Writes a shipped network as ONNX, with float16 weights if they are exact."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import onnx  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]

from placevec.layers import NetVLAD, PartialWhitening, PixelScaling
from placevec.layers.l2_normalize import SMALLEST_SQUARED_NORM

_OPSET = 17  # of 2021: ONNX Runtime 1.11, OpenVINO 2022
_IR_VERSION = 8
_INPUT, _OUTPUT, _FEATURES = "photos", "descriptors", "features"


def write_onnx(model: keras.Model, path: Path) -> None:
    """Writes a model as ONNX for photos of any size, `(batch, rows, columns, C)` uint8.

    Its outputs are `descriptors` (batch, D) and `features`, the local features (batch, rows,
    columns, D') of unit length that it aggregates.

    A weight is stored as float16 if that changes none of its values, and is converted to float32
    before use. The exporter of Keras folds batch normalization into the kernels, so they would no
    longer be exact in float16, and the file would be twice as large.

    Args:
        model: keras.Model. It may only have the kinds of layers that the shipped networks have.
        path: Path. File to write; the same model gives the same bytes.

    Raises:
        ValueError: If the model has another kind of layer.
    """
    graph = _Graph()
    tensors = {id(model.inputs[0]): graph.node("Cast", _INPUT, to=TensorProto.FLOAT)}
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        kind = next((kind for kind in _WRITERS if isinstance(layer, kind)), None)
        if kind is None:
            raise ValueError(
                f"`write_onnx` knows {', '.join(each.__name__ for each in _WRITERS)}. "
                f"Received: {layer.name}, a {type(layer).__name__}"
            )
        graph.layer = layer.name
        sources = layer.input if isinstance(layer.input, list) else [layer.input]
        names = [tensors[id(source)] for source in sources]
        tensors[id(layer.output)] = _WRITERS[kind](graph, layer, *names)
    graph.node("Identity", tensors[id(model.outputs[0])], output=_OUTPUT)
    channels, dim = model.input_shape[-1], model.output_shape[-1]
    described = helper.make_graph(
        graph.nodes,
        "descriptor",
        [helper.make_tensor_value_info(
            _INPUT, TensorProto.UINT8, ["batch", "rows", "columns", channels]
        )],
        [
            helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, ["batch", dim]),
            helper.make_tensor_value_info(_FEATURES, TensorProto.FLOAT, [None] * 4),
        ],
        graph.constants,
    )  # fmt: skip
    written = helper.make_model(
        described,
        producer_name="placevec",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    onnx.checker.check_model(written)
    path.write_bytes(written.SerializeToString(deterministic=True))


class _Graph:
    """The nodes and constants of a graph, named after their layer.

    Feature maps are `(batch, C, rows, columns)`.
    """

    def __init__(self) -> None:
        self.layer = _INPUT
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes) -> str:
        """Adds a node and returns the name of its output."""
        name = output or f"{self.layer}/{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, values: NDArray[np.generic] | float | list) -> str:
        """Adds values, as float16 if that is exact, and returns the name of their tensor."""
        array = np.asarray(values)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        name = f"constant_{len(self.constants)}"
        is_exact = array.size > 1 and array.dtype == np.float32
        with np.errstate(over="ignore"):
            is_exact = is_exact and bool((array.astype(np.float16) == array).all())
        stored = array.astype(np.float16) if is_exact else array
        self.constants.append(numpy_helper.from_array(stored, name))
        return self.node("Cast", name, to=TensorProto.FLOAT) if is_exact else name

    def unit(self, vectors: str) -> str:
        """Adds nodes that scale vectors along the last axis to unit length, as `l2_normalize`."""
        squares = self.node("ReduceSumSquare", vectors, axes=[-1], keepdims=1)
        squares = self.node("Max", squares, self.constant(SMALLEST_SQUARED_NORM))
        return self.node("Div", vectors, self.node("Sqrt", squares))


def _scale_pixels(graph: _Graph, layer: PixelScaling, x: str) -> str:
    channels = layer.input.shape[-1]
    if layer.channel_order != "rgb":
        raise ValueError(f"`write_onnx` takes RGB. Received: {layer.channel_order}")
    scale, offset = (
        np.broadcast_to(np.asarray(each, np.float32), channels)
        for each in (layer.scale, layer.offset)
    )
    x = graph.node("Mul", x, graph.constant(scale))
    x = graph.node("Add", x, graph.constant(offset))
    return graph.node("Transpose", x, perm=[0, 3, 1, 2])


def _convolve(graph: _Graph, layer: keras.layers.Conv2D, x: str) -> str:
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    if layer.use_bias or layer.activation is not keras.activations.linear:
        raise ValueError(f"{layer.name} must have no bias and no activation")
    kernel = _numbers(layer.kernel)  # rows, columns, channels in, channels out (or 1)
    kernel = kernel.transpose((2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1))
    return graph.node(
        "Conv", x, graph.constant(kernel),
        kernel_shape=kernel.shape[2:], strides=layer.strides,
        group=kernel.shape[0] if is_depthwise else 1,
        auto_pad="SAME_UPPER" if layer.padding == "same" else "VALID",
    )  # fmt: skip


def _normalize(graph: _Graph, layer: keras.layers.BatchNormalization, x: str) -> str:
    mean, variance = _numbers(layer.moving_mean), _numbers(layer.moving_variance)
    scale = _numbers(layer.gamma) / np.sqrt(variance + np.float32(layer.epsilon))
    offset = _numbers(layer.beta) - mean * scale
    x = graph.node("Mul", x, graph.constant(scale[:, None, None]))
    return graph.node("Add", x, graph.constant(offset[:, None, None]))


def _relu(graph: _Graph, layer: keras.layers.ReLU, x: str) -> str:
    return graph.node("Clip", x, graph.constant(0.0), graph.constant(float(layer.max_value)))


def _pad(graph: _Graph, layer: keras.layers.ZeroPadding2D, x: str) -> str:
    (top, bottom), (left, right) = layer.padding
    pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
    return graph.node("Pad", x, graph.constant(pads))


def _aggregate(graph: _Graph, layer: NetVLAD, x: str) -> str:
    if layer.num_ghost_clusters:
        raise ValueError("`write_onnx` takes no ghost clusters")
    num_clusters, dim = layer.centers.shape
    x = graph.node("Transpose", x, perm=[0, 2, 3, 1])
    features = graph.node("Identity", graph.unit(x), output=_FEATURES)
    x = features if layer.normalize_inputs else x
    x = graph.node("Reshape", x, graph.constant(np.array([0, -1, dim], np.int64)))
    logits = graph.node("MatMul", x, graph.constant(_numbers(layer.kernel)))
    if layer.use_bias:
        logits = graph.node("Add", logits, graph.constant(_numbers(layer.bias)))
    shares = graph.node("Transpose", graph.node("Softmax", logits, axis=-1), perm=[0, 2, 1])
    sums = graph.node("MatMul", shares, x)  # (B, K, D)
    assigned = graph.node("ReduceSum", shares, graph.constant(np.array([-1])), keepdims=1)
    assigned = graph.node("Mul", assigned, graph.constant(_numbers(layer.centers)))
    residuals = graph.unit(graph.node("Sub", sums, assigned))
    shape = graph.constant(np.array([-1, num_clusters * dim], np.int64))
    return graph.unit(graph.node("Reshape", residuals, shape))


def _whiten(graph: _Graph, layer: PartialWhitening, x: str) -> str:
    directions = graph.constant(_numbers(layer.directions))
    x = graph.node("Sub", x, graph.constant(_numbers(layer.mean)))
    along = graph.node("MatMul", x, directions)
    shrunk = graph.node("MatMul", along, graph.node("Transpose", directions, perm=[1, 0]))
    return graph.unit(graph.node("Sub", x, shrunk))


def _numbers(variable: keras.Variable) -> NDArray[np.float32]:
    return keras.ops.convert_to_numpy(variable).astype(np.float32)


_WRITERS: dict[type, Callable[..., str]] = {
    PixelScaling: _scale_pixels,
    keras.layers.DepthwiseConv2D: _convolve,
    keras.layers.Conv2D: _convolve,
    keras.layers.BatchNormalization: _normalize,
    keras.layers.ReLU: _relu,
    keras.layers.ZeroPadding2D: _pad,
    keras.layers.Add: lambda graph, _, *terms: graph.node("Add", *terms),
    NetVLAD: _aggregate,
    PartialWhitening: _whiten,
}
