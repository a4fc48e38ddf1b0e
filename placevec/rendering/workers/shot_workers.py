"""Draws the shots of a tour by several processes at once."""

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

_MOST_AT_ONCE = 16  # shots of a request
_PIECES_OF_A_WORKER = 4


class ShotWorkers(WorkerPool):
    """Processes that each draw shots as `ShotDrawer` does. Open it by `with`.

    Each makes the scenes for itself. A worker that crashes is replaced, and its shots are drawn
    again.

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

    def draw(self, shots: Sequence[Shot]) -> Generator[tuple[Shot, NDArray[np.int64]], None, None]:
        """Yields what `ShotDrawer.draw` yields, in whatever order it comes.

        Where it is left before the end, the workers are closed.

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
                self.close()  # or it would wait for what they are at
                raise

    def _draw_piece(self, piece: list[Shot], done: queue.SimpleQueue) -> None:
        """Has a piece drawn, and hands on what is drawn, or what went wrong."""
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
    """Returns shots that one worker draws: of one part, as that takes long to build.

    A part is shared out only where workers would otherwise be idle in the end.
    """
    most = max(_MOST_AT_ONCE, len(shots) // (_PIECES_OF_A_WORKER * num_workers))
    pieces = []
    for _, group in groupby(shots, key=lambda shot: shot.part):
        group = list(group)
        pieces += [group[first : first + most] for first in range(0, len(group), most)]
    return pieces
