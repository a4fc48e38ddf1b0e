"""Changes an ONNX file after its export: explicit padding, and weights in float16."""

import numpy as np
import onnx  # pyright: ignore[reportMissingImports]  # of an extra
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper  # pyright: ignore[reportMissingImports]


def write_padding(model: onnx.ModelProto) -> None:
    """Replaces `auto_pad` by explicit pads, in place, in convolutions whose maps have a known size.

    The result is the same. Without this, `cv2.dnn` of OpenCV 5 pads both sides equally for
    `SAME_UPPER`, which is wrong if the total is odd. In a file that takes photos of any size,
    strided convolutions keep `auto_pad`, because nodes that compute their pads would cost ONNX
    Runtime up to a third of its speed.

    Args:
        model: onnx.ModelProto. Changed in place.
    """
    sizes = _sizes(model)
    for node in model.graph.node:
        settings = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type != "Conv" or settings.get("auto_pad") != b"SAME_UPPER":
            continue
        kernel = np.array(settings["kernel_shape"])
        strides = np.array(settings.get("strides", np.ones_like(kernel)))
        reach = (kernel - 1) * settings.get("dilations", 1)
        if (strides == 1).all():
            total = reach
        elif node.input[0] in sizes:
            total = np.maximum(reach - (sizes[node.input[0]] - 1) % strides, 0)
        else:
            continue
        kept = [each for each in node.attribute if each.name not in ("auto_pad", "pads")]
        pads = np.concatenate([total // 2, total - total // 2])
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("pads", pads.tolist())])


def _sizes(model: onnx.ModelProto) -> dict[str, NDArray[np.int64]]:
    """Returns rows and columns of the maps whose size is known."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    sizes = {}
    for value in (*graph.input, *graph.value_info):
        axes = value.type.tensor_type.shape.dim[2:]
        if axes and all(axis.HasField("dim_value") for axis in axes):
            sizes[value.name] = np.array([axis.dim_value for axis in axes])
    return sizes


def store_in_float16(model: onnx.ModelProto) -> None:
    """Stores kernels and matrices in 16 bits, in place. Nodes widen them again before use.

    Vectors stay as they are: they have few values, and often large ones.

    Args:
        model: onnx.ModelProto. Changed in place.
    """
    widened = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size == max(values.shape, default=1):
            continue
        name, stored = tensor.name, f"{tensor.name}/float16"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        widened.append(helper.make_node("Cast", [stored], [name], name=name, to=TensorProto.FLOAT))
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
