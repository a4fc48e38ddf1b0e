"""Augmentation in processes of its own, for presets that hold Python's lock."""

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
    """Augments photos in several processes. Open it by `with`.

    What comes out is what `augmenter` makes of each photo with its `photo_rng`, whatever the number
    of workers. Each process shares a piece of memory with this one, in which photos are augmented
    where they lie; only a line of text goes to and fro. The memory belongs to a file without a
    name, so nothing is left behind however the processes end. A worker that is killed is replaced
    and its photos are augmented again; workers end with this process, as they wait on a pipe from
    it.

    Args:
        preset: str. A key of `AUGMENTATIONS`.
        num_workers: int. How many processes.
        max_bytes: int. Bytes of the photos that `augment` is given at once, at most.

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
                "Worker processes know augmentations by name. Received: "
                f"{preset!r}. Augment with it in threads"
            )
        augmenter(preset)  # refuses unknown names
        super().__init__(lambda: _Worker(preset, max_bytes), num_workers)
        self.preset = preset
        self.max_bytes = max_bytes

    def augment(
        self, photos: NDArray[np.uint8], *, seed: int, epoch: int, indices: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Augments photos by one of the workers; several threads may call it at once.

        Args:
            photos: (n, H, W, C) uint8.
            seed: int. Of the run.
            epoch: int. Number of the epoch.
            indices: (n,) int. Number of each photo, for `photo_rng`.

        Returns:
            (n, H, W, C) uint8.

        Raises:
            ValueError: If the preset refuses the photos, or they are larger than `max_bytes`.
            ChildProcessError: If workers crash on them again and again.
            RuntimeError: If none is open.
        """
        if photos.nbytes > self.max_bytes:
            raise ValueError(
                f"Photos must be of {self.max_bytes} bytes at most. Received: {photos.nbytes} bytes"
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
    """A process that augments, and the memory that it shares with this one."""

    def __init__(self, preset: str, num_bytes: int) -> None:
        self._file = _reserve(num_bytes)
        self._memory = mmap.mmap(self._file.fileno(), num_bytes)
        number = self._file.fileno()
        settings = {"preset": preset, "file": number, "num_bytes": num_bytes}
        super().__init__(_COMMAND, settings, [number])

    def close(self) -> None:
        """Ends the process and gives the memory back."""
        super().close()
        self._file.close()
        with contextlib.suppress(BufferError):  # a thread still copies; then it goes with it
            self._memory.close()

    def augment(self, request: dict, photos: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Returns augmented photos; None where the process crashed."""
        shared = np.frombuffer(self._memory, np.uint8, count=photos.size).reshape(photos.shape)
        shared[:] = photos
        answer = self.ask(request)
        if answer is None:
            return None
        if "error" in answer:
            raise ValueError(answer["error"])
        return shared.copy()


def _reserve(num_bytes: int) -> BinaryIO:
    """Returns a file without a name that has its bytes: in memory, or on disk where that is full.

    A file that is only as long as that would kill the process that writes beyond what there is.
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
