"""PyTorch: one process per device, started by `torchrun`, with `DistributedDataParallel`."""

import atexit
import datetime
import os
from typing import Any

import keras

from placevec.config import ComputeConfig, OptimizerConfig
from placevec.training.step.devices.devices import Devices
from placevec.training.step.devices.parallel import Parallel

_MAX_WAIT = datetime.timedelta(days=1)  # processes wait while the first one works alone


def open_torch(_computing: ComputeConfig, _optimizer: OptimizerConfig) -> Devices:
    """Connects the processes that torchrun started. Without torchrun there is one device."""
    import torch  # pyright: ignore[reportMissingImports]

    if not torch.distributed.is_torchelastic_launched():
        return Devices()
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not torch.distributed.is_initialized():  # a process that trains again is already connected
        torch.distributed.init_process_group(timeout=_MAX_WAIT)
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
        """Joins the parts of all processes to one tensor. Gradients only flow to this process's."""
        import torch  # pyright: ignore[reportMissingImports]

        parts = [torch.empty_like(tensor) for _ in range(self.count)]
        self.engine.all_gather(parts, tensor.detach().contiguous())
        parts[self.process] = tensor
        if tensor.requires_grad:  # undoes DDP's mean: a process only has its part of the gradient
            tensor.register_hook(lambda gradient: gradient * self.count)
        return torch.cat(parts)


class _TorchParallel(Parallel):
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains, then averages the statistics of batch normalization over the processes."""
        import torch  # pyright: ignore[reportMissingImports]

        history = super().fit(*args, **kwargs)
        for variable in self.tuple_model.non_trainable_variables:
            if variable.value.is_floating_point():
                torch.distributed.all_reduce(variable.value.data)
                variable.value.data /= torch.distributed.get_world_size()
        return history
