"""The devices of a training are found, and its processes connected."""

import logging

import keras

from placevec.config import ComputeConfig, OptimizerConfig
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


_OPENERS = {"jax": open_jax, "tensorflow": open_tensorflow, "torch": open_torch}
