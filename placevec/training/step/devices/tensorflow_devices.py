"""TensorFlow: replicas in one process, with `MirroredStrategy`."""

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.config import ComputeConfig, OptimizerConfig
from placevec.retrieval import BATCH_SIZE, describe
from placevec.training.step.devices.devices import Devices
from placevec.training.step.devices.parallel import Parallel, copy_model
from placevec.training.step.tuple_model import descriptor_of


def open_tensorflow(computing: ComputeConfig, optimizer: OptimizerConfig) -> Devices:
    """Finds the devices of TensorFlow.

    Raises:
        ValueError: If another setting needs a single device.
    """
    import tensorflow as tf

    is_per_part = optimizer.accumulate > 1 or optimizer.clip_norm is not None  # by Keras, there
    if computing.devices > 1 and (is_per_part or computing.precision == "mixed_float16"):
        raise ValueError(
            "`accumulate`, `clip_norm` and mixed_float16 need `devices` 1 on TensorFlow. Received: "
            f"accumulate={optimizer.accumulate}, clip_norm={optimizer.clip_norm}, "
            f"precision={computing.precision}, devices={computing.devices}. Take JAX or PyTorch"
        )
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    names = [device.name for device in found][: computing.devices]
    return _TensorFlowDevices(names) if len(names) > 1 else Devices()


class _TensorFlowDevices(Devices):
    """Devices that hold replicas of a model."""

    def __init__(self, names: list[str]) -> None:
        import tensorflow as tf

        self.tensorflow = tf
        self.count = len(names)
        self.strategy = tf.distribute.MirroredStrategy(names)

    def scope(self) -> contextlib.AbstractContextManager:
        return self.strategy.scope()

    def spread(self, model: keras.Model) -> keras.Model:
        return copy_model(model)

    def parallel(self, tuple_model: keras.Model) -> keras.Model:
        # Created outside the scope: inside, Keras would use up a batch before `fit` trains on it.
        model = _TensorFlowParallel(tuple_model, tuple_model, self._join)
        with self.scope():
            model.take_settings()
        return model

    def _join(self, tensor: Any) -> Any:
        """Joins the parts of all replicas to one tensor. Gradients flow to all replicas."""
        replica = self.tensorflow.distribute.get_replica_context()
        return self.tensorflow.ensure_shape(
            replica.all_gather(tensor, axis=0), (None, *tensor.shape[1:])
        )

    def _describe_here(
        self,
        model: keras.Model,
        paths: Sequence[Path],
        batch_size: int | None = None,
        **settings: Any,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        batch_size = self.count * (batch_size or BATCH_SIZE)
        split = functools.partial(model.predict, batch_size=batch_size, verbose=0)
        channels = model.input_shape[-1]
        return describe(split, paths, batch_size=batch_size, channels=channels, **settings)


class _TensorFlowParallel(Parallel):
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains, with batch normalization over all devices."""
        norms = [
            layer
            for layer in descriptor_of(self.tuple_model).layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        for layer in norms:
            layer.synchronized = True
        try:
            return super().fit(*args, **kwargs)
        finally:
            for layer in norms:  # `synchronized` must not get into files, which all backends read
                layer.synchronized = False
