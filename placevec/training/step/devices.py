"""Several devices: a batch of tuples split over them, and describing shared by processes.

Each backend brings its own engine: JAX `keras.distribution`, TensorFlow `MirroredStrategy`,
PyTorch `torchrun` and `DistributedDataParallel`. Only this file knows them.
"""

import atexit
import contextlib
import datetime
import functools
import logging
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.config import ComputeConfig, OptimizerConfig
from placevec.models import without_xla
from placevec.progress import Progress, no_progress
from placevec.retrieval import BATCH_SIZE, NoReadablePhotoError, describe
from placevec.training.step.tuple_model import descriptor_of

_log = logging.getLogger(__name__)
_HALF = 2**30
_LONGEST_WAIT = datetime.timedelta(days=1)  # of a process for what another one does alone


class Devices:
    """One device; the classes below split batches over several.

    Attributes:
        count: int. Devices that share a batch, those of all processes.
        process: int. Number of this process, from 0.
        num_processes: int. Processes that share a batch.
        parts_batch_norm: bool. Whether batch normalization learns from each part of a batch alone.
    """

    count = 1
    process = 0
    num_processes = 1
    parts_batch_norm = False

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and talks to people."""
        return self.process == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which variables of all devices are made and trained."""
        return contextlib.nullcontext()

    def spread(self, model: keras.Model) -> keras.Model:
        """Returns the model with its weights on all devices. Called inside `scope`."""
        return model

    def parallel(self, tuple_model: keras.Model) -> keras.Model:
        """Returns what to `fit` and `evaluate` for a tuple model, inside `scope`."""
        return tuple_model

    def gather(self, value: Any) -> list:
        """Returns what all processes gave, in their order. All of them call it."""
        return [value]

    def by_first(self, model: keras.Model, work: Callable[[keras.Model], Any]) -> Any:
        """Lets the first process do what is done once, while the others describe photos for it.

        Args:
            model: keras.Model. The descriptor model.
            work: callable. Takes the model; may call `describe`.

        Returns:
            What `work` returned, in all processes.
        """
        model = self._on_one_machine(model)
        if self.is_first:
            result = work(model)
            self.gather(None)
            return self.gather(result)[0]
        while job := self.gather(None)[0]:
            self.gather(self._describe_share(model, *job))
        return self.gather(None)[0]

    def describe(
        self,
        model: keras.Model,
        paths: Sequence[Path],
        progress: Progress = no_progress,
        **settings: Any,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Describes photos as `placevec.describe` does, each process a share of them.

        Only for the `work` of `by_first`; arguments, results and errors are those of
        `placevec.describe`, with a batch for each device.
        """
        if not len(paths):
            return describe(model, paths, **settings)
        self.gather((paths, settings))
        parts = self.gather(self._describe_share(model, paths, settings, progress))
        found = [part for part in parts if isinstance(part, tuple)]
        if not found:
            raise parts[0]
        descriptors, kept = zip(*found, strict=True)
        return np.concatenate(descriptors), np.concatenate(kept)

    def _describe_share(
        self,
        model: keras.Model,
        paths: Sequence[Path],
        settings: dict,
        progress: Progress = no_progress,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]] | NoReadablePhotoError | None:
        """Returns descriptors and their places in `paths`; None of an empty share."""
        rows = np.array_split(np.arange(len(paths)), self.num_processes)[self.process]
        if not len(rows):
            return None
        if change := settings.get("change"):
            settings = {**settings, "change": lambda photo, place: change(photo, rows[place])}
        try:
            found, kept = self._describe_here(
                model, [paths[row] for row in rows], progress=progress, **settings
            )
        except NoReadablePhotoError as error:
            return error
        return found, rows[kept]

    def _describe_here(
        self, model: keras.Model, paths: Sequence[Path], **settings: Any
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return describe(model, paths, **settings)

    def _on_one_machine(self, model: keras.Model) -> keras.Model:
        """Returns the model such that one process can use it without the others."""
        return model


def open_devices(
    computing: ComputeConfig,
    optimizer: OptimizerConfig,
    *,
    batch_size: int,
    keeps_batch_norm: bool,
) -> Devices:
    """Finds the devices of a training and connects its processes.

    Args:
        computing: ComputeConfig.
        optimizer: OptimizerConfig.
        batch_size: int. Tuples in a batch.
        keeps_batch_norm: bool. Whether batch normalization learns nothing.

    Returns:
        Devices.

    Raises:
        ValueError: If there are fewer devices, they cannot share the batch evenly, or
            another setting needs one device.
    """
    backend = keras.backend.backend()
    devices = _OPENERS[backend](computing, optimizer)
    if devices.parts_batch_norm and devices.is_first and not keeps_batch_norm:
        _log.warning(
            "batch normalization learns from each device's part of a batch by itself; "
            "`--freeze-batch-norm True`, JAX and TensorFlow train as one device would"
        )
    if computing.devices not in (1, devices.count):
        raise ValueError(
            "`devices` must be at most the number of those at hand, or with several processes "
            f"exactly. Received: devices={computing.devices}, {backend} has {devices.count}. "
            "docs/scale.md says how to start it"
        )
    if batch_size % devices.count:
        raise ValueError(
            "`batch_size` must be a multiple of the number of devices. Received: "
            f"batch_size={batch_size}, {devices.count} devices"
        )
    return devices


# PyTorch: one process a device.


class _TorchDevices(Devices):
    """The processes that torchrun started."""

    parts_batch_norm = True

    def __init__(self) -> None:
        import torch.distributed  # pyright: ignore[reportMissingImports]  # not installed

        self.engine = torch.distributed
        self.process = self.engine.get_rank()
        self.count = self.num_processes = self.engine.get_world_size()

    def parallel(self, tuple_model: keras.Model) -> keras.Model:
        from torch.nn.parallel import (  # pyright: ignore[reportMissingImports]
            DistributedDataParallel,
        )

        model = _TorchParallel(tuple_model, DistributedDataParallel(tuple_model), self._join)
        model.take_settings()
        return model

    def gather(self, value: Any) -> list:
        values = [None] * self.num_processes
        self.engine.all_gather_object(values, value)
        return values

    def _join(self, tensor: Any) -> Any:
        """Returns the parts that all processes have, as one; gradients flow to one's own."""
        import torch  # pyright: ignore[reportMissingImports]

        parts = [torch.empty_like(tensor) for _ in range(self.count)]
        self.engine.all_gather(parts, tensor.detach().contiguous())
        parts[self.process] = tensor
        if tensor.requires_grad:  # each process has the loss of all, DDP takes the mean of it
            tensor.register_hook(lambda gradient: gradient * self.count)
        return torch.cat(parts)


def _open_torch(_computing: ComputeConfig, _optimizer: OptimizerConfig) -> Devices:
    import torch  # pyright: ignore[reportMissingImports]

    if not torch.distributed.is_torchelastic_launched():
        return Devices()
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not torch.distributed.is_initialized():  # once in a process, however often it trains
        torch.distributed.init_process_group(timeout=_LONGEST_WAIT)
        atexit.register(torch.distributed.destroy_process_group)
    return _TorchDevices()


# JAX: one program for all devices, of one process or of several.


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
        return _copy(model)

    def gather(self, value: Any) -> list:
        if self.num_processes == 1:
            return [value]
        from jax.experimental.multihost_utils import process_allgather

        written = np.frombuffer(pickle.dumps(value), np.uint8)
        halves = np.array(divmod(len(written), _HALF), np.int32)  # JAX cuts numbers to 32 bits
        longest = max(int(high) * _HALF + int(low) for high, low in process_allgather(halves))
        padded = np.zeros(longest, np.uint8)  # arrays of all processes must be of one shape
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
        if copy is None or len(copy.weights) != len(model.weights):  # whitened since
            copy = self.copy = _copy(model)
        copy.set_weights(model.get_weights())
        return copy


def _open_jax(computing: ComputeConfig, _optimizer: OptimizerConfig) -> Devices:
    is_one_of_many = "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ
    if is_one_of_many:
        import jax

        if not jax.distributed.is_initialized():  # once in a process, however often it trains
            keras.distribution.initialize()
    names = keras.distribution.list_devices()
    if not is_one_of_many:
        names = names[: computing.devices]
    return _JaxDevices(names) if len(names) > 1 else Devices()


# TensorFlow: replicas in one process.


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
        return _copy(model)

    def parallel(self, tuple_model: keras.Model) -> keras.Model:
        # Keras makes a model of a strategy draw a batch that is then lost to `fit`.
        model = _TensorFlowParallel(tuple_model, tuple_model, self._join)
        with self.scope():
            model.take_settings()
        return model

    def _join(self, tensor: Any) -> Any:
        """Returns the parts that all replicas have, as one; gradients flow to all."""
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


def _open_tensorflow(computing: ComputeConfig, optimizer: OptimizerConfig) -> Devices:
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


class _Parallel(keras.Model):
    """Trains a tuple model on the parts of a batch, by the loss of the whole batch.

    Args:
        tuple_model: keras.Model, compiled.
        forward: callable. Takes tuples and `training`; the model on this device.
        join: callable. From a part of a tensor to the whole of it.
    """

    def __init__(self, tuple_model: keras.Model, forward: Callable, join: Callable) -> None:
        super().__init__(name="parallel")
        self.tuple_model = tuple_model
        self.forward_part = forward.__call__  # no layer, or its weights would count twice
        self.join = join

    def take_settings(self) -> None:
        """Takes the optimizer and the loss of the tuple model."""
        self.compile(self.tuple_model.optimizer, self.tuple_model.loss, auto_scale_loss=False)
        without_xla(self)

    def call(self, tuples: Any, training: bool = False) -> Any:
        """Returns descriptors of a part."""
        return self.forward_part(tuples, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Returns the loss of the whole batch, the same on all devices."""
        y, y_pred = self.join(y), self.join(y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)


class _TorchParallel(_Parallel):
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains, then takes the mean of what batch normalization saw in each process."""
        import torch  # pyright: ignore[reportMissingImports]

        history = super().fit(*args, **kwargs)
        for variable in self.tuple_model.non_trainable_variables:
            if variable.value.is_floating_point():
                torch.distributed.all_reduce(variable.value.data)
                variable.value.data /= torch.distributed.get_world_size()
        return history


class _TensorFlowParallel(_Parallel):
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
            for layer in norms:  # files of models are for all backends
                layer.synchronized = False


def _copy(model: keras.Model) -> keras.Model:
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return without_xla(copy)


_OPENERS = {"jax": _open_jax, "tensorflow": _open_tensorflow, "torch": _open_torch}
