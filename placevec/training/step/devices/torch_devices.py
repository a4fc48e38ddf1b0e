"""PyTorch: one process a device, started by `torchrun`, and `DistributedDataParallel`."""

import atexit
import datetime
import os
from typing import Any

import keras

from placevec.config import ComputeConfig, OptimizerConfig
from placevec.training.step.devices.devices import Devices
from placevec.training.step.devices.parallel import Parallel

_LONGEST_WAIT = datetime.timedelta(days=1)  # of a process for what another one does alone


def open_torch(_computing: ComputeConfig, _optimizer: OptimizerConfig) -> Devices:
    """Connects the processes that torchrun started; one device without it."""
    import torch  # pyright: ignore[reportMissingImports]

    if not torch.distributed.is_torchelastic_launched():
        return Devices()
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not torch.distributed.is_initialized():  # once in a process, however often it trains
        torch.distributed.init_process_group(timeout=_LONGEST_WAIT)
        atexit.register(torch.distributed.destroy_process_group)
    return _TorchDevices()


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


class _TorchParallel(Parallel):
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains, then takes the mean of what batch normalization saw in each process."""
        import torch  # pyright: ignore[reportMissingImports]

        history = super().fit(*args, **kwargs)
        for variable in self.tuple_model.non_trainable_variables:
            if variable.value.is_floating_point():
                torch.distributed.all_reduce(variable.value.data)
                variable.value.data /= torch.distributed.get_world_size()
        return history
