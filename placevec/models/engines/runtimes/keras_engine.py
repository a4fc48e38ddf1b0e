"""Runs a model with Keras itself, on any backend and device."""

import threading
from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.models.descriptor_model import without_xla
from placevec.models.engines.outputs import Outputs, in_order


def wrap(model: keras.Model, precision: str) -> Callable:
    """Returns a function from (B, H, W, C) uint8 to descriptors (and features), as `in_order`.

    Args:
        model: keras.Model. Not changed.
        precision: str. `"float32"`, or `"bf16"` for a copy that computes in bfloat16, except for
            sums that placevec's layers always compute in float32.
    """
    if precision == "bf16":
        model = _in_bfloat16(model)
    if keras.backend.backend() == "tensorflow":
        return _graph(model)
    one_at_a_time = threading.Lock()  # on JAX a call takes over the model's weights until it ends

    def run(photos: NDArray[np.uint8]) -> Outputs:
        with one_at_a_time:
            outputs = keras.tree.flatten(model.predict_on_batch(photos))
            return in_order(map(keras.ops.convert_to_numpy, outputs))

    return run


def has_accelerator() -> bool:
    """Returns whether Keras's backend has a GPU or TPU to run on."""
    if keras.backend.backend() == "torch":
        import torch  # pyright: ignore[reportMissingImports]  # not installed

        return torch.cuda.is_available()
    # JAX raises an error if no device of the named kind exists.
    devices = keras.distribution.list_devices()
    return any(device.lower().partition(":")[0] != "cpu" for device in devices)


def _graph(model: keras.Model) -> Callable:
    """Returns the model as a compiled graph, which avoids the overhead of `predict` per batch."""
    import tensorflow as tf

    source = model.inputs[0]
    signature = [tf.TensorSpec(source.shape, source.dtype)]

    @tf.function(input_signature=signature, autograph=False)
    def compute(photos: tf.Tensor) -> list[tf.Tensor]:
        return keras.tree.flatten(model(photos, training=False))

    return lambda photos: in_order(keras.ops.convert_to_numpy(each) for each in compute(photos))


def _in_bfloat16(model: keras.Model) -> keras.Model:
    def copy(layer: keras.Layer) -> keras.Layer:
        config = {**layer.get_config(), "dtype": "mixed_bfloat16"}
        return type(layer).from_config(config)

    copied = keras.models.clone_model(model, clone_function=copy)
    copied.set_weights(model.get_weights())
    return without_xla(copied)
