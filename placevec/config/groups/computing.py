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
    """Numbers that the backbone computes with; weights and sums stay float32."""
    num_workers: Annotated[int, AtLeast(1)] = 2
    """Threads that read and augment photos."""
    workers: Workers = "threads"
    """Who augments: the threads that read, or num_workers processes beside them, which is faster
    with the augmentations basic, typical and heavy. Batches are the same."""
    cache_mb: Annotated[int, AtLeast(0)] = 1024
    """Decoded and resized photos that are kept in memory, in MiB, in each process of a training;
    the least recently used are given up. 0: none."""
    devices: Annotated[int, AtLeast(1)] = 1
    """Devices that share each batch. torchrun, and JAX on several machines, say it themselves."""

    def __post_init__(self) -> None:
        settle(self)
