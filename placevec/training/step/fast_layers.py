"""Layers that a training computes faster than Keras does, with equal results."""

import collections
import functools
from typing import Any

import keras

from placevec.training.start.batch_norm import fuse_batch_norm

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def speed_up(model: keras.Model) -> None:
    """Lets a descriptor model compute training steps and descriptors faster.

    - A batch normalization that never learns is folded into the convolution before it: its scale
      into the kernel, its offset into a bias. Features are written once and not twice.
    - JAX computes depthwise convolutions on a CPU as sums of shifted, weighted features. XLA
      computes a convolution of many groups there channel by channel, many times slower, above all
      its gradients.
    - Other batch normalizations are one operation with TensorFlow, see `fuse_batch_norm`.

    Outputs and gradients are the same but for rounding, and what is saved is the same. Half
    precision and layers of other kinds are left as they are.

    Args:
        model: keras.Model. A descriptor model whose frozen layers are frozen already; its layers
            are changed in place.
    """
    fuse_batch_norm(model)
    norms = _norms_to_fold(model)
    for layer in model.layers:
        if not _is_plain(layer):
            continue
        if norm := norms.get(layer.name):
            layer.call = functools.partial(_convolve_and_normalize, layer, norm)
            norm.call = _pass_on
        elif _is_shifted(layer):
            layer.call = functools.partial(_convolve_and_finish, layer)


def _norms_to_fold(model: keras.Model) -> dict[str, Any]:
    """Returns the frozen batch normalizations, by the name of the convolution before each."""
    inner = [each for each in model.layers if not isinstance(each, keras.layers.InputLayer)]
    read = collections.Counter(
        id(tensor)
        for tensors in (*(each.input for each in inner), model.outputs)
        for tensor in keras.tree.flatten(tensors)
    )
    readers = {
        id(each.input): each
        for each in inner
        if isinstance(each, keras.layers.BatchNormalization)
        and not (each.trainable or each.renorm)
        and each.axis in (-1, 3)
    }
    return {
        each.name: readers[id(each.output)]
        for each in inner
        if isinstance(each, _CONVOLUTIONS)
        and read[id(each.output)] == 1
        and id(each.output) in readers
        and not each.use_bias
        and each.activation in (None, keras.activations.linear)
    }


def _is_plain(layer: keras.Layer) -> bool:
    return (
        isinstance(layer, _CONVOLUTIONS)
        and layer.data_format == "channels_last"
        and layer.compute_dtype in ("float32", "float64")
    )


def _is_shifted(layer: Any) -> bool:
    if not isinstance(layer, keras.layers.DepthwiseConv2D) or keras.backend.backend() != "jax":
        return False
    import jax

    is_usual = layer.depth_multiplier == 1 and tuple(layer.dilation_rate) == (1, 1)
    return is_usual and jax.default_backend() == "cpu"


def _pass_on(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    return inputs


def _convolve_and_normalize(layer: Any, norm: Any, inputs: Any) -> Any:
    """Returns what a convolution and the frozen batch normalization behind it return."""
    scale = keras.ops.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.scale:
        scale = scale * norm.gamma
    bias = -norm.moving_mean * scale
    if norm.center:
        bias = bias + norm.beta
    scale, bias = (keras.ops.cast(each, layer.compute_dtype) for each in (scale, bias))
    # The last dimensions: (C, outputs a channel) of a depthwise convolution, else the outputs.
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    shape = layer.kernel.shape[2 if is_depthwise else 3 :]
    outputs = _convolve(layer, inputs, layer.kernel * keras.ops.reshape(scale, shape))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.nn.bias_add(outputs, bias)  # joined to the convolution, as a sum is not
    return outputs + bias


def _convolve_and_finish(layer: Any, inputs: Any) -> Any:
    """Returns what `DepthwiseConv2D.call` returns."""
    outputs = _convolve(layer, inputs, layer.kernel)
    if layer.use_bias:
        outputs = outputs + layer.bias
    return outputs if layer.activation is None else layer.activation(outputs)


def _convolve(layer: Any, inputs: Any, kernel: Any) -> Any:
    if _is_shifted(layer):
        return shifted_sum(inputs, kernel, strides=layer.strides, padding=layer.padding)
    settings = {
        "strides": layer.strides, "padding": layer.padding,
        "dilation_rate": layer.dilation_rate, "data_format": layer.data_format,
    }  # fmt: skip
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return (keras.ops.depthwise_conv if is_depthwise else keras.ops.conv)(
        inputs, kernel, **settings
    )


def shifted_sum(inputs: Any, kernel: Any, *, strides: tuple[int, int], padding: str) -> Any:
    """Computes a depthwise convolution as a sum of shifted, weighted features.

    Args:
        inputs: (B, H, W, C) float.
        kernel: (rows, columns, C, 1) float.
        strides: (int, int).
        padding: str. `"same"` or `"valid"`.

    Returns:
        (B, H', W', C) float.
    """
    pads, spans = [], []
    for size, side, stride in zip(inputs.shape[1:3], kernel.shape[:2], strides, strict=True):
        missing = 0
        if padding == "same":
            missing = max((-(-size // stride) - 1) * stride + side - size, 0)
        pads.append((missing // 2, missing - missing // 2))
        spans.append((size + missing - side) // stride * stride + 1)
    padded = keras.ops.pad(inputs, [(0, 0), *pads, (0, 0)])
    parts = [
        padded[:, i : i + spans[0] : strides[0], j : j + spans[1] : strides[1]] * kernel[i, j, :, 0]
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    ]
    return sum(parts[1:], parts[0])
