"""Keeps descriptors of the training photos on disk between the refreshes of mining."""

import logging
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.archive import read_npy_header, read_npz
from placevec.counted import counted
from placevec.images import UnreadableImageError
from placevec.places import PlaceDataset
from placevec.progress import Progress, no_progress
from placevec.retrieval import NoReadablePhotoError, describe
from placevec.training.run_files import CACHE, CACHE_STATE
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)
_PHOTOS_PER_WRITE = 4096
_NEVER = -1


class DescriptorCache:
    """A memory map of descriptors `(N, D)`, with the age of each and whether its photo is readable.

    The file holds `N * D` values of 4 or 2 bytes, and its space is reserved at the start. Memory
    only holds the descriptors in use. A killed refresh has no effect.

    Args:
        folder: Path. The folder of `cache.npy` and `cache_state.npz`.
        dataset: PlaceDataset. The photos.
        dtype: str. `"float32"`, or `"float16"` for half the bytes.
        image_size: (int, int). Rows and columns that photos are resized to.
        skip_unreadable: bool. Skip photos that cannot be read instead of stopping.
        describe_photos: callable. `describe`, or a function with its arguments and results.
    """

    def __init__(
        self,
        folder: Path,
        dataset: PlaceDataset,
        *,
        dtype: str,
        image_size: tuple[int, int],
        skip_unreadable: bool = False,
        describe_photos: Callable[..., tuple[NDArray[np.floating], NDArray[np.int64]]] = describe,
    ) -> None:
        self.folder = folder
        self.dataset = dataset
        self.dtype = np.dtype(dtype)
        self.image_size = image_size
        self.skip_unreadable = skip_unreadable
        self.describe_photos = describe_photos
        self.descriptors: Any = None  # an np.memmap once a photo is described
        self.described_at = np.full(len(dataset), _NEVER)
        self.is_readable = np.ones(len(dataset), bool)
        if (folder / CACHE_STATE).exists():
            self._take_up()

    def refresh(
        self,
        model: keras.Model,
        rows: NDArray[np.integer],
        *,
        epoch: int,
        is_due: bool = True,
        share: float = 1.0,
        progress: Progress = no_progress,
        described: NDArray[np.floating] | None = None,
    ) -> int:
        """Describes the given photos that have no descriptor yet, and the oldest of the others.

        It never describes a photo twice for the same epoch.

        Args:
            model: keras.Model. A descriptor model.
            rows: (n,) int. Photos of the data set that are needed.
            epoch: int. Epoch of the new descriptors, from which their age is counted.
            is_due: bool. Whether to describe photos again that have a descriptor.
            share: float. Share of `rows` to describe again, oldest first, in (0, 1].
            progress: Progress. `tqdm`, or a function with its arguments, which draws a bar.
            described: (N, D) float or None. The model's descriptors of all photos of the data set,
                if they are known; zero for those that cannot be read. No photo is described then.

        Returns:
            The number of photos with a new descriptor.

        Raises:
            UnreadableImageError: If a photo cannot be read and `skip_unreadable` is false.
            OSError: If the disk is full.
        """
        is_due = is_due and not (self.described_at == epoch).any()
        ages = self.described_at[rows]
        oldest_first = rows[np.argsort(ages, kind="stable")]
        count = max(int(is_due) * int(np.ceil(share * len(rows))), int((ages == _NEVER).sum()))
        chosen = np.sort(oldest_first[:count])
        for start in range(0, count, _PHOTOS_PER_WRITE):
            part = chosen[start : start + _PHOTOS_PER_WRITE]
            if described is None:
                paths = [self.dataset.path(row) for row in part]
                found, kept = self._found(model, paths, progress)
            else:
                kept = np.flatnonzero(described[part].any(axis=1))
                found = described[part[kept]]
            self._keep(part, found, kept)
        if self.descriptors is None:
            raise UnreadableImageError(f"None of the photos of {self.dataset.root} can be read")
        if count:
            self.descriptors.flush()
            self.described_at[chosen] = epoch
            with whole_file(self.folder / CACHE_STATE) as unfinished:
                np.savez(unfinished, described_at=self.described_at, is_readable=self.is_readable)
        return count

    def readable(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the rows of readable photos among `rows`, in their order."""
        return rows[self.is_readable[rows]]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the descriptors of some photos, (n, D) float32."""
        return np.asarray(self.descriptors[rows], np.float32)

    def _found(
        self, model: keras.Model, paths: list[Path], progress: Progress
    ) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
        """Returns descriptors, and the places in `paths` of the photos that could be read."""
        try:
            return self.describe_photos(model, paths, image_size=self.image_size, progress=progress)
        except NoReadablePhotoError:
            return np.empty((0, 0), np.float32), np.empty(0, np.int64)

    def _keep(
        self, rows: NDArray[np.integer], found: NDArray[np.floating], kept: NDArray[np.int64]
    ) -> None:
        """Notes descriptors of the photos at the places `kept` of `rows`; the others have none."""
        if len(kept) < len(rows) and not self.skip_unreadable:
            first = self.dataset.path(rows[np.setdiff1d(np.arange(len(rows)), kept)[0]])
            raise UnreadableImageError(
                f"{counted(len(rows) - len(kept), 'photo')} of {self.dataset.root} cannot be read "
                f"(first: {first}). Fix them, or skip them with `--skip-unreadable`"
            )
        self.is_readable[rows] = False
        if not len(kept):
            return
        if np.shape(self.descriptors)[1:] != found.shape[1:]:
            self._reserve(found.shape[1])
        self.descriptors[rows[kept]] = found
        self.is_readable[rows[kept]] = True

    def _reserve(self, dim: int) -> None:
        path = self.folder / CACHE
        shape = (len(self.dataset), dim)
        num_bytes = shape[0] * shape[1] * self.dtype.itemsize
        for each in (path, self.folder / CACHE_STATE):  # it holds the ages of old descriptors
            each.unlink(missing_ok=True)
        self.descriptors = np.lib.format.open_memmap(path, "w+", self.dtype, shape)
        try:
            if hasattr(os, "posix_fallocate"):  # a full disk would kill the process later
                with open(path, "r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise OSError(
                f"{path} needs {num_bytes / 1e6:.0f} MB ({error}). Make room, or halve it with "
                "`--cache-dtype float16`"
            ) from error
        _log.info("cache of %d x %d %s: %.1f MB", *shape, self.dtype, num_bytes / 1e6)

    def _take_up(self) -> None:
        """Uses the cache of an earlier process if it fits these photos, or starts a new one."""
        try:
            state = read_npz(self.folder / CACHE_STATE)
            described_at, is_readable = state["described_at"], state["is_readable"]
            descriptors = _open_cache(self.folder / CACHE)
        except (OSError, ValueError, KeyError) as error:
            _log.warning("the cache in %s is made again (%s)", self.folder, error)
            return
        rows = (len(self.dataset),)
        fits = described_at.shape == is_readable.shape == descriptors.shape[:1] == rows
        if fits and descriptors.dtype == self.dtype:
            self.descriptors, self.described_at = descriptors, described_at
            self.is_readable = is_readable.astype(bool)


def _open_cache(path: Path) -> NDArray[Any]:
    """Returns the array of a `.npy` file, mapped for reading and writing."""
    if path.is_symlink():  # writing would change the file that it points to
        raise ValueError(f"{path.name} must not be a link")
    with open(path, "rb") as file:
        shape, _, dtype = read_npy_header(file)
        num_bytes = file.tell() + math.prod(shape) * dtype.itemsize
    if path.stat().st_size != num_bytes:  # a memory map would silently extend a short file
        raise ValueError(f"{path.name} must have {num_bytes} bytes")
    return np.lib.format.open_memmap(path, "r+")
