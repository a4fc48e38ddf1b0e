"""EfficientNet-Lite0: a small network whose linear outputs aggregate well."""

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray

_STEM_DIM, _HEAD_DIM = 32, 1280
_EXPANSION = 6
_EPSILON = 1e-3
# Number of blocks, kernel size, stride of the first block, and output channels of each stage.
_STAGES = (
    (1, 3, 1, 16),
    (2, 3, 2, 24),
    (2, 5, 2, 40),
    (3, 3, 2, 80),
    (3, 5, 1, 112),
    (4, 5, 2, 192),
    (1, 3, 1, 320),
)

# Names of layers and weights in files of the PyTorch port -> names in this network.
_PARTS = {
    "_expand_conv": "expand",
    "_bn0": "expand_BN",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise_BN",
    "_project_conv": "project",
    "_bn2": "project_BN",
}
_ENDS = {
    "conv_stem": "stem_conv",
    "bn0": "stem_BN",
    "conv_head": "head_conv",
    "bn1": "head_BN",
}
_NORM_WEIGHTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def efficientnet_lite0(
    weights: str | None = None,
    include_top: bool = False,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: tuple | None = None,
) -> keras.Model:
    """Builds EfficientNet-Lite0: inverted residual blocks without squeeze-and-excite, with ReLU6.

    The layers of block `i`, counted from 0, are named `block_i_...`: `expand`, `depthwise` and
    `project`, each with `_BN`, and `add` if the block adds its input. Use `block_10_add` for the
    last linear output at a stride of 16.

    Args:
        weights: None. Weights are random, because placevec cannot download pretrained ones.
        include_top: bool. Must be False: the network has no classifier.
        input_tensor: Symbolic tensor `(batch, height, width, C)`, pixels as `(x - 127) / 128`.
            None: a new input of `input_shape`.
        input_shape: tuple. Rows, columns and channels, if no tensor is given.

    Returns:
        keras.Model. Output `(batch, height / 32, width / 32, 1280)`.

    Raises:
        ValueError: If `weights` is not None, or `include_top` is true.

    Reference:
        [Tan and Le, 2019](https://arxiv.org/abs/1905.11946);
        [Liu, 2020](https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).
    """
    if weights is not None:
        raise ValueError(
            "efficientnetlite0 has no weights to download. Give a file with `--model.weights "
            f"FILE`, or start from random weights with `--model.weights none`. Received: {weights}"
        )
    if include_top:
        raise ValueError("efficientnetlite0 has no classifier. Received: include_top=True")
    images = keras.Input(input_shape) if input_tensor is None else input_tensor
    x = keras.layers.Conv2D(
        _STEM_DIM, 3, strides=2, padding="same", use_bias=False, name="stem_conv"
    )(images)
    x = _normalize(x, "stem", activated=True)
    block = 0
    for num_blocks, side, stride, dim in _STAGES:
        for place in range(num_blocks):
            expansion = _EXPANSION if block else 1
            x = _block(x, f"block_{block}", side, 1 if place else stride, dim, expansion)
            block += 1
    x = keras.layers.Conv2D(_HEAD_DIM, 1, use_bias=False, name="head_conv")(x)
    return keras.Model(images, _normalize(x, "head", activated=True))


def from_pytorch_names(
    layers: Mapping[str, Mapping[str, NDArray[np.generic]]],
) -> dict[str, dict[str, NDArray[np.generic]]]:
    """Renames the weights from a file of the PyTorch port to the names of this network's layers.

    Kernels must already be in the order of Keras: rows, columns, channels in, channels out.

    Args:
        layers: mapping of layer name, such as `blocks/10/_project_conv` or `conv_stem`, -> weight
            name -> array. Other layer names stay unchanged.
    """
    return {_layer_name(name): _named_weights(arrays) for name, arrays in layers.items()}


def _block(
    inputs: keras.KerasTensor, name: str, side: int, stride: int, dim: int, expansion: int
) -> keras.KerasTensor:
    x, dim_in = inputs, inputs.shape[-1]
    if expansion > 1:
        x = keras.layers.Conv2D(expansion * dim_in, 1, use_bias=False, name=f"{name}_expand")(x)
        x = _normalize(x, f"{name}_expand", activated=True)
    x = keras.layers.DepthwiseConv2D(
        side, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = _normalize(x, f"{name}_depthwise", activated=True)
    x = keras.layers.Conv2D(dim, 1, use_bias=False, name=f"{name}_project")(x)
    x = _normalize(x, f"{name}_project", activated=False)
    if stride == 1 and dim == dim_in:
        x = keras.layers.Add(name=f"{name}_add")([inputs, x])
    return x


def _normalize(x: keras.KerasTensor, name: str, *, activated: bool) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_BN")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activated else x


def _layer_name(name: str) -> str:
    first, *rest = name.split("/")
    if first == "blocks" and len(rest) == 2 and rest[1] in _PARTS:
        return f"block_{rest[0]}_{_PARTS[rest[1]]}"
    return _ENDS.get(name, name)


def _named_weights(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    if arrays.keys() == {"weight"}:
        return {"kernel": arrays["weight"]}
    return {_NORM_WEIGHTS.get(name, name): array for name, array in arrays.items()}
