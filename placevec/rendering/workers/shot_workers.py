"""Draws the shots of a tour in several processes at once."""

import base64
import pickle
import queue
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import RenderConfig, to_dict
from placevec.process.workers import WorkerPool
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.workers.render_process import RenderProcess

_MOST_AT_ONCE = 16  # shots per request
_PIECES_OF_A_WORKER = 4


class ShotWorkers(WorkerPool):
    """Processes that each draw shots as `ShotDrawer` does. Use it in a `with` statement.

    Each process builds its own scenes. A worker that crashes is replaced, and its shots are drawn
    again.

    Args:
        world: Path or str. The world, as for `open_tour`.
        settings: RenderConfig.
        pipe: str. `"software"` or `"opengl"`.
        folder: Path. Folder for the photos.
        num_workers: int. Number of processes.
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

    def draw(self, shots: Sequence[Shot]) -> Generator[tuple[Shot, NDArray[np.int64]], None, None]:
        """Yields what `ShotDrawer.draw` yields, in any order.

        If you stop before the end, the workers are closed.

        Raises:
            OSError: If photos cannot be written, or the pipe does not open.
            ChildProcessError: If workers crash on some shots again and again.
            ValueError: If the model cannot be read any more.
        """
        done: queue.SimpleQueue = queue.SimpleQueue()
        with ThreadPoolExecutor(self.num_workers) as pool:
            try:
                for piece in cut_into_pieces(shots, self.num_workers):
                    pool.submit(self._draw_piece, piece, done)
                for _ in shots:
                    drawn = done.get()
                    if isinstance(drawn, Exception):
                        raise drawn
                    yield drawn
            except BaseException:
                self.close()  # otherwise it would wait for their current work
                raise

    def _draw_piece(self, piece: list[Shot], done: queue.SimpleQueue) -> None:
        """Lets a worker draw a piece, and passes on the drawn shots, or the error."""
        try:
            for first in range(0, len(piece), _MOST_AT_ONCE):
                shots = piece[first : first + _MOST_AT_ONCE]
                request = {"shots": base64.b64encode(pickle.dumps(shots)).decode()}
                what = f"{shots[0].name} of {self._world} and what follows"
                points = self.ask_one(lambda worker, it=request: worker.ask(it), what)
                for drawn in zip(shots, points, strict=True):
                    done.put(drawn)
        except Exception as error:
            done.put(error)


def cut_into_pieces(shots: Sequence[Shot], num_workers: int) -> list[list[Shot]]:
    """Returns pieces for one worker each: shots of one part, because building a part takes long.

    A part is only divided if workers would otherwise be idle at the end.
    """
    most = max(_MOST_AT_ONCE, len(shots) // (_PIECES_OF_A_WORKER * num_workers))
    pieces = []
    for _, group in groupby(shots, key=lambda shot: shot.part):
        group = list(group)
        pieces += [group[first : first + most] for first in range(0, len(group), most)]
    return pieces
