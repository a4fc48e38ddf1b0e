"""Layers that a training computes faster than Keras does, with equal results."""

import collections
import functools
from collections.abc import Sequence
from typing import Any

import keras

from placevec.training.start.batch_norm import fuse_batch_norm

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def speed_up(model: keras.Model) -> None:
    """Lets a descriptor model compute training steps and descriptors faster.

    - A batch normalization that never learns is folded into the convolution before it: its scale
      into the kernel, its offset into a bias. Features are written once and not twice.
    - PyTorch computes convolutions and max pooling without the copies of all features that Keras
      makes, see `_call_torch`.
    - JAX computes depthwise convolutions on a CPU as sums of shifted, weighted features, and
      convolutions of single cells as matrix products. XLA computes a convolution of many groups
      there channel by channel, and both kinds many times slower, above all their gradients.
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
        if isinstance(layer, keras.layers.MaxPooling2D):
            if keras.backend.backend() == "torch" and layer.padding == "valid":
                layer.call = functools.partial(_pool_with_torch, layer)
            continue
        norm = norms.get(layer.name)
        layer.call = functools.partial(_call, layer, norm)
        if norm is not None:
            norm.call = _pass_on


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
        isinstance(layer, (*_CONVOLUTIONS, keras.layers.MaxPooling2D))
        and layer.data_format == "channels_last"
        and layer.compute_dtype in ("float32", "float64")
    )


def _is_shifted(layer: Any) -> bool:
    is_usual = _is_depthwise(layer) and layer.depth_multiplier == 1
    return is_usual and tuple(layer.dilation_rate) == (1, 1) and _is_jax_on_cpu()


def _is_product(layer: Any) -> bool:
    is_usual = not _is_depthwise(layer) and layer.groups == 1
    sizes = (*layer.kernel_size, *layer.strides)
    return is_usual and set(sizes) == {1} and _is_jax_on_cpu()


def _is_jax_on_cpu() -> bool:
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


def _pass_on(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    return inputs


def _call(layer: Any, norm: Any, inputs: Any) -> Any:
    """Returns what a convolution returns, and the frozen batch normalization behind it, if any."""
    kernel, bias = layer.kernel, layer.bias if layer.use_bias else None
    if norm is not None:
        kernel, bias = _folded(layer, norm)
    outputs = _convolve(layer, inputs, kernel, bias)
    return outputs if layer.activation is None else layer.activation(outputs)


def _folded(layer: Any, norm: Any) -> tuple[Any, Any]:
    """Returns a kernel and a bias that do what a batch normalization does."""
    scale = keras.ops.rsqrt(norm.moving_variance + norm.epsilon)
    if norm.scale:
        scale = scale * norm.gamma
    bias = -norm.moving_mean * scale
    if norm.center:
        bias = bias + norm.beta
    scale, bias = (keras.ops.cast(each, layer.compute_dtype) for each in (scale, bias))
    # The last dimensions: (C, outputs a channel) of a depthwise convolution, else the outputs.
    shape = layer.kernel.shape[2 if _is_depthwise(layer) else 3 :]
    return layer.kernel * keras.ops.reshape(scale, shape), bias


def _is_depthwise(layer: Any) -> bool:
    return isinstance(layer, keras.layers.DepthwiseConv2D)


def _convolve(layer: Any, inputs: Any, kernel: Any, bias: Any) -> Any:
    backend = keras.backend.backend()
    if backend == "torch":
        return _convolve_with_torch(layer, inputs, kernel, bias)
    if _is_shifted(layer):
        outputs = shifted_sum(inputs, kernel, strides=layer.strides, padding=layer.padding)
    elif _is_product(layer):
        # As matrices, or XLA would transpose the gradients of the features, which is slow.
        cells = keras.ops.reshape(inputs, (-1, inputs.shape[-1]))
        outputs = keras.ops.matmul(cells, kernel[0, 0])
        outputs = keras.ops.reshape(outputs, (-1, *inputs.shape[1:3], kernel.shape[-1]))
    else:
        outputs = (keras.ops.depthwise_conv if _is_depthwise(layer) else keras.ops.conv)(
            inputs, kernel, strides=layer.strides, padding=layer.padding,
            dilation_rate=layer.dilation_rate, data_format=layer.data_format,
        )  # fmt: skip
    if bias is None:
        return outputs
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.nn.bias_add(outputs, bias)  # joined to the convolution, as a sum is not
    return outputs + bias


def _convolve_with_torch(layer: Any, inputs: Any, kernel: Any, bias: Any) -> Any:
    kernel = keras.ops.convert_to_tensor(kernel)
    if _is_depthwise(layer):
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    pads = [(0, 0), (0, 0)]
    if layer.padding == "same":
        pads = _pads(inputs.shape[1:3], kernel.shape[:2], layer.strides, layer.dilation_rate)
    if any(before != after for before, after in pads):
        inputs, pads = keras.ops.pad(inputs, [(0, 0), *pads, (0, 0)]), [(0, 0), (0, 0)]
    return _call_torch(
        "conv2d",
        inputs,
        kernel.permute(3, 2, 0, 1),
        None if bias is None else keras.ops.convert_to_tensor(bias),
        stride=layer.strides,
        padding=[before for before, _ in pads],
        dilation=layer.dilation_rate,
        groups=inputs.shape[-1] // kernel.shape[2],
    )


def _pool_with_torch(layer: Any, inputs: Any) -> Any:
    """Returns what `MaxPooling2D.call` returns."""
    return _call_torch("max_pool2d", inputs, layer.pool_size, layer.strides)


def _call_torch(name: str, inputs: Any, *arguments: Any, **settings: Any) -> Any:
    """Calls a function of PyTorch with features that keep their channels last in memory.

    Keras copies them to channels first and, for a convolution, back to channels last, before each
    layer and in its gradient.
    """
    import torch  # pyright: ignore[reportMissingImports]

    features = inputs.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    outputs = getattr(torch.nn.functional, name)(features, *arguments, **settings)
    return outputs.permute(0, 2, 3, 1)


def _pads(
    sizes: Sequence[int], sides: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """Returns the zeros before and after rows and columns that `padding="same"` stands for."""
    pads = []
    for size, side, stride, apart in zip(sizes, sides, strides, dilation, strict=True):
        missing = max((-(-size // stride) - 1) * stride + (side - 1) * apart + 1 - size, 0)
        pads.append((missing // 2, missing - missing // 2))
    return pads


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
    sizes, sides = inputs.shape[1:3], kernel.shape[:2]
    pads = _pads(sizes, sides, strides, (1, 1)) if padding == "same" else [(0, 0), (0, 0)]
    spans = [
        (size + sum(pad) - side) // stride * stride + 1
        for size, pad, side, stride in zip(sizes, pads, sides, strides, strict=True)
    ]
    padded = keras.ops.pad(inputs, [(0, 0), *pads, (0, 0)])
    parts = [
        padded[:, i : i + spans[0] : strides[0], j : j + spans[1] : strides[1]] * kernel[i, j, :, 0]
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    ]
    return sum(parts[1:], parts[0])
