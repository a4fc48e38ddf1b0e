"""Renderers in processes of their own, which draw photos for this one."""

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from placevec.images import read_ahead

_log = logging.getLogger(__name__)
_COMMAND = [sys.executable, "-m", "placevec.rendering.stream_worker"]
_MOST_CRASHES = 3
_END_S = 5.0
_ERRORS = {"ValueError": ValueError, "FileNotFoundError": FileNotFoundError}


class StreamWorkers:
    """Draws photos of a scenery in several processes. Open it by `with`.

    What is drawn depends on the scenery and the number asked for alone, not on how many workers
    there are. A worker that crashes is replaced, and what it was drawing is drawn again. Workers
    end with this process, however it ends: they wait on a pipe from it. Photos come through
    pipes too, so nothing is left behind.

    Args:
        place: str. What to photograph, see `open_scenery`.
        num_workers: int. How many processes. Defaults to `1`.
        image_size: (rows, cols). Size of the photos.
        camera: dict or None. More arguments of `Renderer`.
        **scenery: More arguments of `open_scenery`.

    Raises:
        ValueError: If `num_workers` is below 1.

    Example:

    >>> with StreamWorkers("town", image_size=(24, 32), num_streets=1) as workers:
    ...     photos, labels = workers.draw_tuples(
    ...         0, num_tuples=2, num_positives=1, num_negatives=3)
    >>> photos.shape, labels.shape
    ((2, 5, 24, 32, 3), (2, 5, 4))
    """

    def __init__(
        self,
        place: str | Path,
        *,
        num_workers: int = 1,
        image_size: tuple[int, int] = (240, 320),
        camera: dict | None = None,
        **scenery: object,
    ) -> None:
        if num_workers < 1:
            raise ValueError(
                f"`num_workers` must be a positive integer. Received: num_workers={num_workers}"
            )
        self.num_workers = num_workers
        self._settings = {
            "place": str(place),
            "image_size": list(image_size),
            "camera": camera or {},
            "scenery": scenery,
        }
        self._workers: list[_Worker] = []
        self._idle: queue.SimpleQueue = queue.SimpleQueue()
        self._lock = threading.Lock()

    def __enter__(self) -> "StreamWorkers":
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> None:
        """Starts the processes."""
        self._workers = [_Worker(self._settings) for _ in range(self.num_workers)]
        for worker in self._workers:
            worker.start()
            self._idle.put(worker)

    def close(self) -> None:
        """Ends the processes; a second call does nothing."""
        with self._lock:
            workers, self._workers = self._workers, []
            self._idle = queue.SimpleQueue()
        for worker in workers:
            worker.stop()

    @property
    def process_ids(self) -> list[int]:
        """The ids of the processes."""
        return [worker.process.pid for worker in self._workers]

    def draw_tuples(
        self, number: int, *, num_tuples: int, num_positives: int, num_negatives: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws tuples as `PhotoStream.draw_tuples`; several threads may call it at once.

        Raises:
            ValueError: If the scenery or the renderer refuses its settings.
            RuntimeError: If workers crash on it again and again, or none is open.
        """
        counts = {
            "num_tuples": num_tuples,
            "num_positives": num_positives,
            "num_negatives": num_negatives,
        }
        return self._draw({"number": number} | counts)

    def draw_photos(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws photos as `PhotoStream.draw_photos`; several threads may call it at once.

        Raises:
            ValueError, RuntimeError: As `draw_tuples`.
        """
        return self._draw({"number": number})

    def photos(self, numbers: Iterable[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields what `draw_photos` draws for each number, in order, by all workers at once."""
        return read_ahead(
            self.draw_photos, numbers, num_workers=self.num_workers, ahead=2 * self.num_workers
        )

    def _draw(self, request: dict) -> tuple[np.ndarray, np.ndarray]:
        self._refuse_closed()
        idle = self._idle
        worker = idle.get()
        try:
            for _ in range(_MOST_CRASHES):
                answer = worker.ask(request)
                if answer is not None:
                    return answer
                with self._lock:
                    self._refuse_closed()
                    code = worker.replace()
                _log.warning("a renderer process ended with code %s and was replaced", code)
        finally:
            idle.put(worker)
        raise RuntimeError(
            f"Renderer processes must last. Received: {_MOST_CRASHES} crashes in a row on photos "
            f"number {request['number']} of {self._settings['place']}; what they said stands above"
        )

    def _refuse_closed(self) -> None:
        if not self._workers:
            raise RuntimeError("The workers must be open. Use them by `with StreamWorkers(...)`")


class _Worker:
    """A process that renders."""

    def __init__(self, settings: dict) -> None:
        self._settings = settings
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts the process, in a session of its own: Ctrl-C reaches this process alone."""
        self.process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        with contextlib.suppress(BrokenPipeError):
            self._write(self._settings)

    def stop(self) -> int:
        """Ends the process and returns its exit code."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()
        return self.process.wait()

    def replace(self) -> int:
        """Starts another process in place of this one, and returns the exit code of this one."""
        code = self.stop()
        self.start()
        return code

    def ask(self, request: dict) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns photos and labels; None where the process crashed."""
        try:
            self._write(request)
            return self._read()
        except (BrokenPipeError, EOFError):
            return None
        except KeyboardInterrupt:
            self.replace()  # half an answer may be on its way
            raise

    def _write(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        head = json.loads(line)
        if "error" in head:
            raise _ERRORS.get(head["kind"], RuntimeError)(head["error"])
        return self._array(head["photos"], np.uint8), self._array(head["labels"], np.float32)

    def _array(self, shape: list[int], dtype: type) -> np.ndarray:
        values = np.empty(shape, dtype)
        if self.process.stdout.readinto(memoryview(values).cast("B")) < values.nbytes:
            raise EOFError
        return values
