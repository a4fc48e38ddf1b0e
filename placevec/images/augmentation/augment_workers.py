"""Augments in separate processes, for presets that hold Python's lock."""

import contextlib
import mmap
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from placevec.images.augmentation.augment import augmenter
from placevec.process.workers import WorkerPool, WorkerProcess

_COMMAND = [sys.executable, "-m", "placevec.images.augmentation.augment_worker"]
_IN_MEMORY = Path("/dev/shm")


class AugmentWorkers(WorkerPool):
    """Augments photos in several processes. Use it in a `with` block.

    The result is that of `augmenter` for each photo with its `photo_rng`, whatever the number of
    workers. Each worker shares memory with this process and augments photos there in place; only a
    line of text is sent each way. The memory belongs to a file without a name, so nothing is left
    behind however the processes end. If a worker is killed, another one replaces it and augments
    its photos again. Workers end with this process, because they wait for its input.

    Args:
        preset: str. A key of `AUGMENTATIONS`.
        num_workers: int. Number of processes.
        max_bytes: int. Largest size of the photos in one call of `augment`.

    Raises:
        ValueError: If there is no such preset, or a number is below 1.

    Example:
    >>> photos = np.full((2, 24, 32, 3), 128, np.uint8)
    >>> with AugmentWorkers("street", num_workers=1, max_bytes=photos.nbytes) as workers:
    ...     augmented = workers.augment(photos, seed=0, epoch=3, indices=[17, 18])
    >>> augmented.shape
    (2, 24, 32, 3)
    """

    def __init__(self, preset: str, *, num_workers: int, max_bytes: int) -> None:
        if min(num_workers, max_bytes) < 1:
            raise ValueError(
                "`num_workers` and `max_bytes` must be positive. Received: "
                f"num_workers={num_workers}, max_bytes={max_bytes}"
            )
        if not isinstance(preset, str):
            raise ValueError(
                "Worker processes only take augmentations by name. Received: "
                f"{preset!r}. Use threads to augment with it"
            )
        augmenter(preset)  # refuses unknown names
        super().__init__(lambda: _Worker(preset, max_bytes), num_workers)
        self.preset = preset
        self.max_bytes = max_bytes

    def augment(
        self, photos: NDArray[np.uint8], *, seed: int, epoch: int, indices: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Augments photos in one of the workers. Several threads may call it at once.

        Args:
            photos: (n, H, W, C) uint8.
            seed: int. Seed of the run.
            epoch: int. Number of the epoch.
            indices: (n,) int. Number of each photo, see `photo_rng`.

        Returns:
            (n, H, W, C) uint8.

        Raises:
            ValueError: If the preset refuses the photos, or they are larger than `max_bytes`.
            ChildProcessError: If workers crash on them repeatedly.
            RuntimeError: If no worker is open.
        """
        if photos.nbytes > self.max_bytes:
            raise ValueError(
                f"Photos must have at most {self.max_bytes} bytes. Received: {photos.nbytes} bytes"
            )
        request = {
            "shape": photos.shape,
            "seed": seed,
            "epoch": epoch,
            "indices": [int(index) for index in indices],
        }
        return self.ask_one(
            lambda worker: worker.augment(request, photos), f"photos with {self.preset!r}"
        )


class _Worker(WorkerProcess):
    """A process that augments, and the memory that it shares with this process."""

    def __init__(self, preset: str, num_bytes: int) -> None:
        self._file = _reserve(num_bytes)
        self._memory = mmap.mmap(self._file.fileno(), num_bytes)
        number = self._file.fileno()
        settings = {"preset": preset, "file": number, "num_bytes": num_bytes}
        super().__init__(_COMMAND, settings, [number])

    def close(self) -> None:
        """Ends the process and frees the memory."""
        super().close()
        self._file.close()
        with contextlib.suppress(BufferError):  # A thread still copies; it frees the memory later.
            self._memory.close()

    def augment(self, request: dict, photos: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Returns augmented photos, or None if the process crashed."""
        shared = np.frombuffer(self._memory, np.uint8, count=photos.size).reshape(photos.shape)
        shared[:] = photos
        answer = self.ask(request)
        if answer is None:
            return None
        if "error" in answer:
            raise ValueError(answer["error"])
        return shared.copy()


def _reserve(num_bytes: int) -> BinaryIO:
    """Returns a file without a name and with its bytes reserved: in memory, or on disk if full.

    Without the reservation, a process that writes beyond the free memory would be killed.
    """
    with contextlib.suppress(OSError):
        return _allocate(_IN_MEMORY, num_bytes)
    return _allocate(None, num_bytes)


def _allocate(folder: Path | None, num_bytes: int) -> BinaryIO:
    file = tempfile.TemporaryFile(dir=folder)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, num_bytes)
        else:  # macOS
            file.truncate(num_bytes)
    except OSError:
        file.close()
        raise
    return file
