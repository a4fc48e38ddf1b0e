"""Finds the devices of a training and connects its processes."""

import logging

import keras

from placevec.config import ComputeConfig, OptimizerConfig
from placevec.counted import counted
from placevec.training.step.devices.devices import Devices
from placevec.training.step.devices.jax_devices import open_jax
from placevec.training.step.devices.tensorflow_devices import open_tensorflow
from placevec.training.step.devices.torch_devices import open_torch

_log = logging.getLogger(__name__)


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
        keeps_batch_norm: bool. Whether batch normalization stays unchanged.

    Returns:
        Devices.

    Raises:
        ValueError: If there are too few devices, they cannot share the batch evenly, or another
            setting needs a single device.
    """
    backend = keras.backend.backend()
    devices = _OPENERS[backend](computing, optimizer)
    if devices.parts_batch_norm and devices.is_first and not keeps_batch_norm:
        _log.warning(
            "batch normalization learns from each device's part of a batch separately. To train as "
            "one device would, set `--freeze-batch-norm True`, or use JAX or TensorFlow"
        )
    if computing.devices not in (1, devices.count):
        raise ValueError(
            "`devices` must be at most the number of your devices; with several processes, exactly "
            f"that. Received: devices={computing.devices}, {backend} has {devices.count}. "
            "docs/scale.md says how to start it"
        )
    if batch_size % devices.count:
        raise ValueError(
            "`batch_size` must be a multiple of the number of devices. Received: "
            f"batch_size={batch_size}, {counted(devices.count, 'device')}"
        )
    return devices


_OPENERS = {"jax": open_jax, "tensorflow": open_tensorflow, "torch": open_torch}
