"""Measures what a model costs, layer by layer, from shapes alone."""

import math

import keras

from placevec.config import TrainConfig
from placevec.images import image_size_of
from placevec.layers import LayerScale, PartialWhitening, PatchTokens, PixelScaling, Whitening
from placevec.layers.aggregator import Aggregator
from placevec.models.model_cost import LayerCost, ModelCost

_FLOPS_PER_OUTPUT_VALUE = {
    keras.layers.BatchNormalization: 2,
    keras.layers.LayerNormalization: 7,  # mean, variance, normalizing, learned scale and offset
    PixelScaling: 2,
    LayerScale: 1,
    keras.layers.Add: 1,
    keras.layers.Multiply: 1,
}


def measure_model(
    model: keras.Model, *, image_size: tuple[int, int] | None = None, batch_size: int = 1
) -> ModelCost:
    """Counts what a model costs for photos of one size, from shapes alone.

    Args:
        model: keras.Model. Takes photos `(batch, height, width, C)` of any size.
        image_size: (int, int) or None. Rows and columns of a photo. None: see `image_size_of`.
        batch_size: int. Photos in a batch, for the memory.

    Returns:
        ModelCost. `print` shows it as a table.

    Raises:
        ValueError: If a number is below 1, or the photos are too small for the model.

    Example:
    >>> photos = keras.Input((None, None, 3))
    >>> model = keras.Model(photos, keras.layers.Conv2D(8, 3, padding="same")(photos))
    >>> cost = measure_model(model, image_size=(10, 20))
    >>> cost.parameters, cost.flops  # 3*3*3*8 + 8, and 2 * 10*20 * 3*3*3*8
    (224, 86400)
    """
    if image_size is None:
        image_size = image_size_of(model, usual=TrainConfig.image_size)
    if len(image_size) != 2 or min(*image_size, batch_size) < 1:
        raise ValueError(
            "`image_size` must be (rows, columns), and they and `batch_size` at least 1. Received: "
            f"image_size={tuple(image_size)}, batch_size={batch_size}"
        )
    rows, columns = image_size
    source = model.inputs[0]
    photo = keras.Input((rows, columns, source.shape[-1]), dtype=source.dtype, name=source.name)
    sized = keras.models.clone_model(model, input_tensors=photo)
    return ModelCost(
        layers=tuple(_measure_layer(layer) for layer in sized.layers),
        trainable_parameters=sum(math.prod(w.shape) for w in model.trainable_weights),
        image_size=(rows, columns),
        batch_size=batch_size,
    )


def _measure_layer(layer: keras.Layer) -> LayerCost:
    shape = tuple(layer.output.shape[1:])
    return LayerCost(
        name=layer.name,
        kind=type(layer).__name__,
        output_shape=shape,
        parameters=layer.count_params(),
        flops=_flops(layer, shape),
    )


def _flops(layer: keras.Layer, output_shape: tuple[int, ...]) -> int:
    if isinstance(layer, Aggregator):
        return layer.count_flops(*layer.input.shape[1:])
    if isinstance(layer, keras.layers.MultiHeadAttention):
        num_tokens, feature_dim = output_shape
        # Four projections (query, key, value, output), then scores and weighted sums over tokens^2.
        return 2 * num_tokens * feature_dim * (4 * feature_dim + 2 * num_tokens)
    if isinstance(layer, PatchTokens):
        return 2 * (output_shape[0] - 1) * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return 2 * math.prod(output_shape) * math.prod(layer.kernel_size)
    if isinstance(layer, keras.layers.Conv2D):
        return 2 * math.prod(output_shape[:-1]) * math.prod(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        return 2 * math.prod(output_shape[:-1]) * math.prod(layer.kernel.shape)
    if isinstance(layer, Whitening):
        return 2 * math.prod(layer.projection.shape)
    if isinstance(layer, PartialWhitening):
        return 4 * math.prod(layer.directions.shape)
    return _FLOPS_PER_OUTPUT_VALUE.get(type(layer), 0) * math.prod(output_shape)
