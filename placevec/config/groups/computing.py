"""What a training computes with."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import TrainingPrecision, Workers
from placevec.config.limits import AtLeast
from placevec.config.refusals import settle


@dataclass(frozen=True)
class ComputeConfig:
    """Computing: threads, processes, memory and devices."""

    precision: TrainingPrecision = "float32"
    """Precision that the backbone computes in. Weights and sums stay float32."""
    num_workers: Annotated[int, AtLeast(1)] = 2
    """Number of threads that read and augment photos."""
    workers: Workers = "threads"
    """What augments photos: the threads that read, or num_workers processes, which is faster with
    the augmentations basic, typical and heavy. Batches are the same."""
    cache_mb: Annotated[int, AtLeast(0)] = 1024
    """Memory for decoded and resized photos, in MiB, in each process of a training. The least
    recently used photos are dropped first. 0: no cache."""
    devices: Annotated[int, AtLeast(1)] = 1
    """Number of devices that share each batch. With torchrun, and with JAX on several machines, you
    need not set it."""

    def __post_init__(self) -> None:
        settle(self)
