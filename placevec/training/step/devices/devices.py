"""What a training needs of its devices, and how one device does it."""

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
    """One device; its subclasses split batches over several.

    Attributes:
        count: int. Devices that share a batch, those of all processes.
        process: int. Number of this process, from 0.
        num_processes: int. Processes that share a batch.
        parts_batch_norm: bool. Whether batch normalization learns from each part of a batch alone.
    """

    count = 1
    process = 0
    num_processes = 1
    parts_batch_norm = False

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and talks to people."""
        return self.process == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the context in which variables of all devices are made and trained."""
        return contextlib.nullcontext()

    def spread(self, model: keras.Model) -> keras.Model:
        """Returns the model with its weights on all devices. Called inside `scope`."""
        return model

    def parallel(self, tuple_model: keras.Model) -> keras.Model:
        """Returns what to `fit` and `evaluate` for a tuple model, inside `scope`."""
        return tuple_model

    def gather(self, value: Any) -> list:
        """Returns what all processes gave, in their order. All of them call it."""
        return [value]

    def by_first(self, model: keras.Model, work: Callable[[keras.Model], Any]) -> Any:
        """Lets the first process do what is done once, while the others describe photos for it.

        Args:
            model: keras.Model. The descriptor model.
            work: callable. Takes the model; may call `describe`.

        Returns:
            What `work` returned, in all processes.
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
        """Describes photos as `placevec.describe` does, each process a share of them.

        Only for the `work` of `by_first`; arguments, results and errors are those of
        `placevec.describe`, with a batch for each device.
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
        """Returns descriptors and their places in `paths`; None of an empty share."""
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
        """Returns the model such that one process can use it without the others."""
        return model
