"""Draws the shots of a tour by several processes at once."""

import base64
import pickle
import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import numpy as np

from placevec.config import RenderConfig, to_dict
from placevec.rendering.photo_folder import Shot
from placevec.rendering.render_process import RenderProcess
from placevec.worker_process import WorkerPool

_MOST_AT_ONCE = 16  # shots of a request
_PIECES_OF_A_WORKER = 4


class ShotWorkers(WorkerPool):
    """Processes that each draw shots as `ShotDrawer` does. Open it by `with`.

    Each makes the scenes for itself. A worker that crashes is replaced, and another draws what is
    left.

    Args:
        world: Path or str. What `open_tour` takes.
        settings: RenderConfig.
        pipe: str. `"software"` or `"opengl"`.
        folder: Path. Where the photos go.
        num_workers: int. How many processes.
    """

    def __init__(
        self,
        world: Path | str,
        settings: RenderConfig,
        pipe: str,
        folder: Path,
        *,
        num_workers: int,
    ) -> None:
        self._world = str(world)
        known = {
            "world": self._world,
            "config": to_dict(settings),
            "pipe": pipe,
            "folder": str(folder),
        }
        super().__init__(lambda: RenderProcess("tour", **known), num_workers)

    def draw(self, shots: Sequence[Shot]) -> Iterator[tuple[Shot, np.ndarray]]:
        """Yields what `ShotDrawer.draw` yields, in whatever order it comes.

        Raises:
            OSError: If photos cannot be written, or the pipe does not open.
            ValueError: If the model cannot be read any more.
            RuntimeError: If workers crash on some shots again and again.
        """
        done: queue.SimpleQueue = queue.SimpleQueue()
        stop = threading.Event()
        with ThreadPoolExecutor(self.num_workers) as pool:
            try:
                for piece in _pieces(shots, self.num_workers):
                    pool.submit(self._draw_piece, piece, done, stop)
                for _ in shots:
                    drawn = done.get()
                    if isinstance(drawn, Exception):
                        raise drawn
                    yield drawn
            finally:
                stop.set()

    def _draw_piece(
        self, piece: list[Shot], done: queue.SimpleQueue, stop: threading.Event
    ) -> None:
        """Has one worker draw a piece, and hands on what is drawn, or what went wrong."""
        left = list(piece)

        def ask(worker: RenderProcess) -> bool | None:
            while left and not stop.is_set():
                now = left[:_MOST_AT_ONCE]
                points = worker.ask({"shots": base64.b64encode(pickle.dumps(now)).decode()})
                if points is None:
                    return None
                del left[: len(now)]
                for drawn in zip(now, points, strict=True):
                    done.put(drawn)
            return True

        try:
            self.ask_one(ask, f"{piece[0].name} of {self._world} and what follows")
        except Exception as error:
            done.put(error)


def _pieces(shots: Sequence[Shot], num_workers: int) -> Iterator[list[Shot]]:
    """Yields shots that one worker draws: of one part, as that takes long to build.

    A part is shared out only where workers would otherwise be idle in the end.
    """
    most = max(_MOST_AT_ONCE, len(shots) // (_PIECES_OF_A_WORKER * num_workers))
    for _, group in groupby(shots, key=lambda shot: shot.part):
        group = list(group)
        for first in range(0, len(group), most):
            yield group[first : first + most]
