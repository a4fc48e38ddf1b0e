"""Networks of Keras and KerasHub, rebuilt without nesting and without scaling inside.

The original networks scale pixels inside, hide layers inside other layers, or add tensors without a
named layer. These functions rebuild them from named layers in sequence, on the caller's input. Each
function takes the arguments of a function of `keras.applications`.
"""

import importlib
from collections.abc import Callable
from types import ModuleType

import keras

from placevec.layers import LayerScale

_RESNET18 = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 128, 256, 512],
    "stackwise_num_blocks": [2, 2, 2, 2],
    "stackwise_num_strides": [1, 2, 2, 2],
    "block_type": "basic_block",
}


def import_keras_hub(backbone: str) -> ModuleType:
    """Imports KerasHub, which placevec does not install.

    Args:
        backbone: str. Name of the backbone that needs it, for the error.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        raise ImportError(
            f"{backbone} needs KerasHub, which cannot be imported ({error}). Install it: "
            "pip install 'placevec[dinov2]'"
        ) from error


def efficientnet_b0(
    weights: str | None = None,
    include_top: bool = False,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: tuple | None = None,
) -> keras.Model:
    """Builds EfficientNet-B0 without scaling of pixels inside.

    Args:
        weights: str or None. `"imagenet"` (downloaded), or None for random weights.
        include_top: bool. Must be False: the network has no classifier.
        input_tensor: Symbolic tensor `(batch, height, width, C)`, pixels scaled to the mean and
            deviation of ImageNet. None: a new input of `input_shape`.
        input_shape: tuple. Rows, columns and channels, if no tensor is given.

    Returns:
        keras.Model.
    """
    return _rebuild(
        lambda shape: keras.applications.EfficientNetB0(
            weights=weights, include_top=include_top, input_shape=shape
        ),
        input_tensor,
        input_shape,
    )


def convnext_tiny(
    weights: str | None = None,
    include_top: bool = False,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: tuple | None = None,
) -> keras.Model:
    """Builds ConvNeXt-Tiny with a named layer at the end of each block, such as `..._block_8_add`.

    Args:
        weights: str or None. See `efficientnet_b0`.
        include_top: bool. See `efficientnet_b0`.
        input_tensor: See `efficientnet_b0`.
        input_shape: tuple. See `efficientnet_b0`.

    Returns:
        keras.Model.
    """
    return _rebuild(
        lambda shape: keras.applications.ConvNeXtTiny(
            weights=weights,
            include_top=include_top,
            input_shape=shape,
            include_preprocessing=False,
        ),
        input_tensor,
        input_shape,
    )


def resnet18(
    weights: str | None = None,
    include_top: bool = False,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: tuple | None = None,
) -> keras.Model:
    """Builds ResNet-18, which Keras does not have, with KerasHub.

    Args:
        weights: str or None. See `efficientnet_b0`.
        include_top: bool. See `efficientnet_b0`.
        input_tensor: See `efficientnet_b0`.
        input_shape: tuple. See `efficientnet_b0`.

    Returns:
        keras.Model. It consists of Keras layers only, so a saved model loads without KerasHub.

    Raises:
        ImportError: If KerasHub is not installed.
    """
    kind = import_keras_hub("resnet18").models.ResNetBackbone

    def make(shape: tuple) -> keras.Model:
        if weights is not None:
            return kind.from_preset("resnet_18_imagenet", image_shape=shape)
        return kind(**_RESNET18, image_shape=shape)

    return _rebuild(make, input_tensor, input_shape)


def _rebuild(
    make: Callable[[tuple], keras.Model],
    input_tensor: keras.KerasTensor | None,
    input_shape: tuple | None,
) -> keras.Model:
    """Applies a copy of a network to a tensor, layer by layer."""
    if input_tensor is None:
        input_tensor = keras.Input(input_shape)
    source = make((None, None, keras.ops.shape(input_tensor)[-1]))
    ends_block = [""]

    def call(layer: keras.Layer, *args, **kwargs) -> keras.KerasTensor:
        if isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            return args[0]
        if isinstance(layer, keras.Sequential):
            (x,) = args
            for inner in layer.layers:
                x = type(inner).from_config(inner.get_config())(x)
            return x
        if type(layer).__name__ == "LayerScale":
            layer = LayerScale(layer.init_values, name=layer.name)
        if layer.name.endswith("_identity"):
            ends_block[0] = layer.name.removesuffix("_identity")
        elif not isinstance(layer, keras.Layer) and type(layer).__name__ == "Add" and ends_block[0]:
            return keras.layers.Add(name=f"{ends_block[0]}_add")(args)
        return layer(*args, **kwargs)

    network = keras.models.clone_model(source, input_tensors=input_tensor, call_function=call)
    arrays = {layer.name: layer.get_weights() for layer in _unfold(source)}
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(arrays[layer.name])
    return network


def _unfold(model: keras.Model) -> list[keras.Layer]:
    return [
        inner
        for layer in model.layers
        for inner in (layer.layers if isinstance(layer, keras.Sequential) else [layer])
    ]
