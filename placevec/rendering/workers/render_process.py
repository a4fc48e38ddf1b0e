"""A worker process that renders."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.process.workers import WorkerProcess

_COMMAND = [sys.executable, "-m", "placevec.rendering.workers.render_worker"]
_ERRORS = {each.__name__: each for each in (FileNotFoundError, OSError, ValueError, ImportError)}


class RenderProcess(WorkerProcess):
    """A worker process that answers each request with arrays.

    Args:
        kind: str. What it draws: `"stream"` or `"tour"`, see `render_worker`.
        **settings: Settings of that kind, which must be serializable as JSON.
    """

    def __init__(self, kind: str, **settings: Any) -> None:
        super().__init__(_COMMAND, {"kind": kind} | settings)

    def receive(self) -> tuple[NDArray[Any], ...]:
        """Reads the arrays of one answer, or raises the error that the process reports."""
        head = super().receive()
        if "error" in head:
            kind = next(filter(None, map(_ERRORS.get, head["kinds"])), RuntimeError)
            raise kind(head["error"])
        return tuple(self._array(dtype, shape) for dtype, shape in head["arrays"])

    def _array(self, dtype: str, shape: list[int]) -> NDArray[Any]:
        values = np.empty(shape, dtype)
        data = values.reshape(-1).view(np.uint8).data
        process: Any = self.process
        if process.stdout.readinto(data) < values.nbytes:
            raise EOFError
        return values
