"""The interface of a training's devices, and its implementation for one device."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.progress import Progress, no_progress
from placevec.retrieval import NoReadablePhotoError, describe


class Devices:
    """One device. Subclasses split batches over several devices.

    Attributes:
        count: int. Number of devices that share a batch, in all processes.
        process: int. Number of this process, from 0.
        num_processes: int. Number of processes that share a batch.
        parts_batch_norm: bool. Whether batch normalization learns from each part of a batch
            separately.
    """

    count = 1
    process = 0
    num_processes = 1
    parts_batch_norm = False

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and logs."""
        return self.process == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which variables of all devices are created and trained."""
        return contextlib.nullcontext()

    def spread(self, model: keras.Model) -> keras.Model:
        """Returns the model with its weights on all devices. Call it inside `scope`."""
        return model

    def parallel(self, tuple_model: keras.Model) -> keras.Model:
        """Returns the model to `fit` and `evaluate` for a tuple model, inside `scope`."""
        return tuple_model

    def gather(self, value: Any) -> list:
        """Returns the values of all processes, in their order. All of them must call it."""
        return [value]

    def by_first(self, model: keras.Model, work: Callable[[keras.Model], Any]) -> Any:
        """Runs `work` in the first process only, while the others describe photos for it.

        Args:
            model: keras.Model. The descriptor model.
            work: callable. Takes the model, and may call `describe`.

        Returns:
            The result of `work`, in all processes.
        """
        model = self._on_one_machine(model)
        if self.is_first:
            result = work(model)
            self.gather(None)
            return self.gather(result)[0]
        while job := self.gather(None)[0]:
            self.gather(self._describe_share(model, *job))
        return self.gather(None)[0]

    def describe(
        self,
        model: keras.Model,
        paths: Sequence[Path],
        progress: Progress = no_progress,
        **settings: Any,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Describes photos as `placevec.describe` does, with a share for each process.

        Only call it from the `work` of `by_first`. Arguments, results and errors are those of
        `placevec.describe`, with one batch per device.
        """
        if not len(paths):
            return describe(model, paths, **settings)
        self.gather((paths, settings))
        parts = self.gather(self._describe_share(model, paths, settings, progress))
        found = [part for part in parts if isinstance(part, tuple)]
        if not found:
            raise parts[0]
        descriptors, kept = zip(*found, strict=True)
        return np.concatenate(descriptors), np.concatenate(kept)

    def _describe_share(
        self,
        model: keras.Model,
        paths: Sequence[Path],
        settings: dict,
        progress: Progress = no_progress,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]] | NoReadablePhotoError | None:
        """Returns descriptors and their indices in `paths`, or None for an empty share."""
        rows = np.array_split(np.arange(len(paths)), self.num_processes)[self.process]
        if not len(rows):
            return None
        if change := settings.get("change"):
            settings = {**settings, "change": lambda photo, place: change(photo, rows[place])}
        try:
            found, kept = self._describe_here(
                model, [paths[row] for row in rows], progress=progress, **settings
            )
        except NoReadablePhotoError as error:
            return error
        return found, rows[kept]

    def _describe_here(
        self, model: keras.Model, paths: Sequence[Path], **settings: Any
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return describe(model, paths, **settings)

    def _on_one_machine(self, model: keras.Model) -> keras.Model:
        """Returns the model in a form that one process can use without the others."""
        return model
