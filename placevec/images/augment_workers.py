"""Augmentation in processes of its own, for presets that hold Python's lock."""

import contextlib
import json
import logging
import mmap
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from placevec.images.augment import augmenter

_log = logging.getLogger(__name__)
_COMMAND = [sys.executable, "-m", "placevec.images.augment_worker"]
_MOST_CRASHES = 3
_END_S = 5.0
_IN_MEMORY = Path("/dev/shm")


class AugmentWorkers:
    """Augments photos in several processes. Open it by `with`.

    What comes out is what `augmenter` makes of each photo with its `photo_rng`, whatever the number
    of workers. Each process shares a piece of memory with this one, in which photos are augmented
    where they lie; only a line of text goes to and fro. The memory belongs to a file without a
    name, so nothing is left behind however the processes end. A worker that is killed is replaced
    and its photos are augmented again; workers end with this process, as they wait on a pipe from
    it.

    Args:
        preset: str. One of `PRESETS`.
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
        self.preset = preset
        self.max_bytes = max_bytes
        self.num_workers = num_workers
        self._workers: list[_Worker] = []
        self._idle: queue.SimpleQueue = queue.SimpleQueue()
        self._lock = threading.Lock()

    def __enter__(self) -> "AugmentWorkers":
        self._workers = [_Worker(self.preset, self.max_bytes) for _ in range(self.num_workers)]
        for worker in self._workers:
            worker.start()
            self._idle.put(worker)
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            workers, self._workers = self._workers, []
            self._idle = queue.SimpleQueue()
        for worker in workers:
            worker.close()

    @property
    def process_ids(self) -> list[int]:
        """The ids of the processes."""
        return [worker.process.pid for worker in self._workers]

    def augment(
        self, photos: np.ndarray, *, seed: int, epoch: int, indices: Sequence[int]
    ) -> np.ndarray:
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
            RuntimeError: If workers crash on them again and again, or none is open.
        """
        if photos.nbytes > self.max_bytes:
            raise ValueError(
                f"Photos must be of {self.max_bytes} bytes at most. Received: {photos.nbytes} bytes"
            )
        self._refuse_closed()
        request = {
            "shape": photos.shape,
            "seed": seed,
            "epoch": epoch,
            "indices": [int(index) for index in indices],
        }
        idle = self._idle
        worker = idle.get()
        try:
            for _ in range(_MOST_CRASHES):
                augmented = worker.ask(request, photos)
                if augmented is not None:
                    return augmented
                with self._lock:
                    self._refuse_closed()
                    code = worker.replace()
                _log.warning("a process that augments ended with code %s and was replaced", code)
        finally:
            idle.put(worker)
        raise RuntimeError(
            f"Processes that augment must last. Received: {_MOST_CRASHES} crashes in a row with "
            f"{self.preset!r}; what they said stands above"
        )

    def _refuse_closed(self) -> None:
        if not self._workers:
            raise RuntimeError("The workers must be open. Use them by `with AugmentWorkers(...)`")


class _Worker:
    """A process that augments, and the memory that it shares with this one."""

    def __init__(self, preset: str, num_bytes: int) -> None:
        self._preset = preset
        self._num_bytes = num_bytes
        self._file = tempfile.TemporaryFile(dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None)
        self._file.truncate(num_bytes)
        self._memory = mmap.mmap(self._file.fileno(), num_bytes)
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts the process, in a session of its own: Ctrl-C reaches this process alone."""
        self.process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[self._file.fileno()],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
            text=True,
        )
        settings = {
            "preset": self._preset,
            "file": self._file.fileno(),
            "num_bytes": self._num_bytes,
        }
        with contextlib.suppress(BrokenPipeError):
            self._write(settings)

    def replace(self) -> int:
        """Starts another process in place of this one, and returns the exit code of this one."""
        code = self._stop()
        self.start()
        return code

    def close(self) -> None:
        """Ends the process and gives the memory back."""
        self._stop()
        self._file.close()
        with contextlib.suppress(BufferError):  # a thread still copies; then it goes with it
            self._memory.close()

    def ask(self, request: dict, photos: np.ndarray) -> np.ndarray | None:
        """Returns augmented photos; None where the process crashed."""
        shared = np.frombuffer(self._memory, np.uint8, count=photos.size).reshape(photos.shape)
        shared[:] = photos
        try:
            self._write(request)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            return None
        except KeyboardInterrupt:
            self.replace()  # an answer may be on its way
            raise
        if not line.endswith("\n"):
            return None
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return shared.copy()

    def _stop(self) -> int:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()
        return self.process.wait()

    def _write(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
