"""JAX: one program for the devices of one or several processes, with `keras.distribution`."""

import contextlib
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.config import ComputeConfig, OptimizerConfig
from placevec.retrieval import BATCH_SIZE, describe
from placevec.training.step.devices.devices import Devices
from placevec.training.step.devices.parallel import copy_model

_HALF = 2**30


def open_jax(computing: ComputeConfig, _optimizer: OptimizerConfig) -> Devices:
    """Finds the devices of JAX, and connects its processes if Keras is configured for several."""
    is_one_of_many = "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ
    if is_one_of_many:
        import jax

        if not jax.distributed.is_initialized():  # a process that trains again is already connected
            keras.distribution.initialize()
    names = keras.distribution.list_devices()
    if not is_one_of_many:
        names = names[: computing.devices]
    return _JaxDevices(names) if len(names) > 1 else Devices()


class _JaxDevices(Devices):
    """Devices that JAX splits arrays over."""

    def __init__(self, names: list[str]) -> None:
        import jax

        self.count = len(names)
        self.process = jax.process_index()
        self.num_processes = jax.process_count()
        self.copy: keras.Model | None = None
        self.distribution = keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)

    def scope(self) -> contextlib.AbstractContextManager:
        return self.distribution.scope()

    def spread(self, model: keras.Model) -> keras.Model:
        return copy_model(model)

    def gather(self, value: Any) -> list:
        if self.num_processes == 1:
            return [value]
        from jax.experimental.multihost_utils import process_allgather

        written = np.frombuffer(pickle.dumps(value), np.uint8)
        halves = np.array(divmod(len(written), _HALF), np.int32)  # JAX only keeps 32 bits
        longest = max(int(high) * _HALF + int(low) for high, low in process_allgather(halves))
        padded = np.zeros(longest, np.uint8)  # JAX needs the same shape in all processes
        padded[: len(written)] = written
        return [pickle.loads(each) for each in process_allgather(padded)]

    def _describe_here(
        self,
        model: keras.Model,
        paths: Sequence[Path],
        batch_size: int | None = None,
        **settings: Any,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        if self.num_processes > 1:
            return describe(model, paths, batch_size=batch_size, **settings)
        with self.scope():
            return describe(
                model, paths, batch_size=self.count * (batch_size or BATCH_SIZE), **settings
            )

    def _on_one_machine(self, model: keras.Model) -> keras.Model:
        if self.num_processes == 1:
            return model
        copy = self.copy
        if copy is None or len(copy.weights) != len(model.weights):  # the model was whitened since
            copy = self.copy = copy_model(model)
        copy.set_weights(model.get_weights())
        return copy
