"""Worker processes that draw photos of a scenery."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import RenderConfig
from placevec.images import read_ahead
from placevec.process.workers import WorkerPool
from placevec.rendering.workers.render_process import RenderProcess


class StreamWorkers(WorkerPool):
    """Draws photos of a scenery in several processes. Use it in a `with` statement.

    The photos only depend on the scenery and the number asked for, not on the number of workers. A
    worker that crashes is replaced, and its photos are drawn again. Workers wait on a pipe from
    this process, so they end with it, even after a crash. Photos come through pipes too, so no
    files are left behind.

    Args:
        place: str. What to photograph, see `open_scenery`.
        num_workers: int. Number of processes. Defaults to `1`.
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
        image_size: tuple[int, int] = RenderConfig.image_size,
        camera: dict | None = None,
        **scenery: Any,
    ) -> None:
        settings = {
            "place": str(place),
            "image_size": list(image_size),
            "camera": camera or {},
            "scenery": scenery,
        }
        super().__init__(lambda: RenderProcess("stream", **settings), num_workers)
        self._place = str(place)

    def draw_tuples(
        self, number: int, *, num_tuples: int, num_positives: int, num_negatives: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws tuples as `PhotoStream.draw_tuples`; several threads may call it at once.

        Raises:
            ValueError: If the scenery or the renderer refuses its settings.
            ChildProcessError: If workers crash on it again and again.
            RuntimeError: If no worker is open.
        """
        counts = {
            "num_tuples": num_tuples,
            "num_positives": num_positives,
            "num_negatives": num_negatives,
        }
        return self._draw({"number": number} | counts)

    def draw_photos(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws photos as `PhotoStream.draw_photos`; several threads may call it at once.

        Raises:
            ValueError, ChildProcessError, RuntimeError: As `draw_tuples`.
        """
        return self._draw({"number": number})

    def photos(
        self, numbers: Iterable[int]
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        """Yields the photos of each number in order; all workers draw at once."""
        return read_ahead(
            self.draw_photos, numbers, num_workers=self.num_workers, ahead=2 * self.num_workers
        )

    def _draw(self, request: dict) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        what = f"photos number {request['number']} of {self._place}"
        return self.ask_one(lambda worker: worker.ask(request), what)
