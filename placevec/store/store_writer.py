"""Adds descriptors of any number of photos to a store on disk, and removes them."""

import contextlib
import dataclasses
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from placevec.config import DescribeConfig
from placevec.counted import counted
from placevec.folder_lock import LOCK, take_lock
from placevec.input_file import shown
from placevec.store.files.leftovers import clear_leftovers
from placevec.store.files.manifest import (
    MANIFEST,
    Manifest,
    RemovedRows,
    read_manifest,
    write_manifest,
)
from placevec.store.files.saved_statistics import SavedStatistics
from placevec.store.files.shards import delete_shard, digest_of, is_storable, write_shard
from placevec.store.store import DescriptorStore
from placevec.store.unit_length import to_unit
from placevec.whole_file import delete_unfinished, require_folder_of, whole_file

_log = logging.getLogger(__name__)
_COMPACT_ROWS_PER_SHARD = 16_384
_FEATURES_PER_READ = 256  # so that `compact` needs little memory


class StoreWriter(DescriptorStore):
    """A store of descriptors that is open for writing: add photos to it, or remove them.

    Each change happens completely or not at all, even after SIGKILL or power loss. The next writer
    deletes the files that a killed writer left, or sets them aside if they may be good. A writer
    holds a lock until it is closed or its process ends.

    Make a store with `StoreWriter.create(folder, model_id=...)`. Continue it later with
    `StoreWriter.open(folder)`.

    Example:
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "store"
    >>> with StoreWriter.create(folder, model_id="m") as store:
    ...     store.append(["a.jpg", "b.jpg"], np.eye(2, 3))
    >>> store = DescriptorStore.open(folder)
    >>> len(store), store.descriptors[0].shape, store.table().name.tolist()
    (2, (2, 3), ['a.jpg', 'b.jpg'])
    """

    def __init__(self, folder: Path, manifest: Manifest, lock: int) -> None:
        super().__init__(folder, manifest)
        self._lock: int | None = lock

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        model_id: str,
        dtype: str = "float32",
        image_size: tuple[int, int] | None = None,
        frame: str | None = None,
        root: str | None = None,
        precision: str = DescribeConfig.precision,
    ) -> Self:
        """Makes an empty store and opens it for writing.

        Args:
            folder: Path. A new folder in an existing one, or an empty folder.
            model_id: str. Id of the model, see `placevec.models.model_id`.
            dtype: str. `"float32"`, or `"float16"` for half the bytes.
            image_size: (int, int) or None. Rows and columns that photos are resized to.
            frame: str or None. The frame that positions are measured in.
            root: str or None. The folder that names are relative to.
            precision: str. Precision that the model computes in: `"float32"`, `"bf16"` or
                `"int8"`.

        Raises:
            FileExistsError: If the folder is not empty.
            FileNotFoundError: If the parent folder is missing.
            BlockingIOError: If another process is making the same store.
            ValueError: If a store cannot have one of the values.
        """
        folder = Path(folder)
        manifest = Manifest(model_id, dtype, image_size, frame, root, precision=precision)
        require_folder_of(folder)
        if folder.is_dir():
            delete_unfinished(folder)  # a killed `create` may have left files
        if folder.exists() and (not folder.is_dir() or set(os.listdir(folder)) - {LOCK}):
            raise FileExistsError(f"{folder} already exists. Name a folder that does not")
        folder.mkdir(exist_ok=True)
        store = cls(folder, manifest, take_lock(folder))
        try:
            if (folder / MANIFEST).exists():  # another process was faster
                raise FileExistsError(f"{folder} already exists. Name a folder that does not")
            write_manifest(folder, manifest)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens a store to read and to write.

        If every file that the manifest names exists and fits, other files are cleared, see
        `clear_leftovers`. Otherwise nothing is changed.

        Args:
            folder: Path. The store.

        Raises:
            FileNotFoundError: If the store does not exist, or one of its files is missing.
            BlockingIOError: If another process has the store open for writing.
            ValueError: If the store is damaged.
        """
        folder = Path(folder)
        read_manifest(folder)  # so that a folder that is not a store does not get a lock file
        lock = take_lock(folder)
        try:
            store = cls(folder, read_manifest(folder), lock)  # again: it may have changed meanwhile
            delete_unfinished(folder)
            store.descriptors, store.features, store.photos, store.is_removed  # noqa: B018 - there, and they fit
            clear_leftovers(folder, store.manifest)
        except BaseException:
            os.close(lock)
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def close(self) -> None:
        """Releases the lock. All changes are already on disk."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from writing inside a `with` block, as an open writer always does.

        Raises:
            BlockingIOError: If this writer is closed and another process has the store open for
                writing.
        """
        with super().locked() if self._lock is None else contextlib.nullcontext():
            yield

    def move(self, **paths: str | None) -> None:
        """Records where the photos' folder (`root`) or the model's file (`model_path`) is now."""
        self._require_open()
        if any(getattr(self.manifest, name) != path for name, path in paths.items()):
            self._settle(**paths)

    def append(
        self,
        names: Sequence[str],
        descriptors: NDArray[np.floating],
        positions_m: NDArray[np.floating] | None = None,
        times_s: NDArray[np.floating] | None = None,
        features: NDArray[np.floating] | None = None,
    ) -> None:
        """Adds photos as one shard: all of them or, if the process is killed, none.

        A shard costs three writes that wait for the disk, so append thousands of photos at a time.

        Args:
            names: sequence of n str. All different, and new to the store. To describe a photo
                again, `remove` it first.
            descriptors: (n, D) float. Of unit length. Others are scaled, with a warning.
            positions_m: (n, 2) float or None. Metres east and north; NaN if unknown.
            times_s: (n,) float or None. Seconds since 1970, UTC; NaN if unknown.
            features: (n, rows, columns, D') float or None. Local features of unit length, kept in
                float16. A store keeps them for all photos or for none.

        Raises:
            ValueError: If shapes do not fit the store or each other, a descriptor is zero or not
                finite, or a name already exists or is not UTF-8.
            PermissionError: If the writer is closed.
        """
        self._require_open()
        names = [str(name) for name in names]
        if not names:
            return
        descriptors = self._checked(names, descriptors)
        count = len(names)
        positions_m = np.full((count, 2), np.nan) if positions_m is None else positions_m
        times_s = np.full(count, np.nan) if times_s is None else times_s
        positions_m, times_s = np.asarray(positions_m, np.float64), np.asarray(times_s, np.float64)
        if positions_m.shape != (count, 2) or times_s.shape != (count,):
            raise ValueError(
                f"`positions_m` and `times_s` must be ({count}, 2) and ({count},). Received: "
                f"{positions_m.shape} and {times_s.shape}"
            )
        manifest = self.manifest
        first, row_of = self.num_rows, self._row_of
        feature_shape = self._checked_shape(count, features)
        shard = write_shard(
            self.folder,
            manifest.next_number,
            names,
            descriptors,
            positions_m,
            times_s,
            feature_shape,
            () if features is None else [features],
        )
        is_removed = np.concatenate([self.is_removed, np.zeros(count, bool)])
        self._settle(
            dim=descriptors.shape[1],
            feature_shape=feature_shape,
            next_number=manifest.next_number + 1,
            shards=(*manifest.shards, shard),
            statistics=self._statistics_after(count),
        )
        self.is_removed = is_removed
        row_of.update(zip(names, range(first, first + count), strict=True))
        self._row_of = row_of

    def remove(self, names: Sequence[str]) -> None:
        """Removes photos. The next `compact` frees their disk space.

        Args:
            names: sequence of str.

        Raises:
            ValueError: If a name is not in the store, or `names` is one text. No photo is removed
                then.
            PermissionError: If the writer is closed.
        """
        self._require_open()
        if isinstance(names, str):
            raise ValueError(f"`names` must be a list of names. Received: {names!r}")
        row_of, is_removed = self._row_of, self.is_removed.copy()
        missing = [name for name in names if name not in row_of]
        if missing:
            raise ValueError(
                f"{counted(len(missing), 'photo is', 'photos are')} not in {self.folder} (first: "
                f"{shown(missing[0])})"
            )
        is_removed[[row_of[name] for name in names]] = True
        number, older = self.manifest.next_number, self.manifest.removed
        rows = np.flatnonzero(is_removed)
        removed = RemovedRows(number, digest_of(rows))
        with whole_file(removed.path(self.folder)) as unfinished:
            np.save(unfinished, rows, allow_pickle=False)
        num_removed = int(is_removed.sum() - self.is_removed.sum())
        statistics = self._statistics_after(num_removed)
        self._settle(next_number=number + 1, removed=removed, statistics=statistics)
        self.is_removed = is_removed
        self._row_of = {name: row for name, row in row_of.items() if not is_removed[row]}
        if older is not None:
            older.path(self.folder).unlink(missing_ok=True)

    def compact(self) -> None:
        """Writes the store again in large shards, without removed photos. Photos get new rows.

        This deletes an index, because its rows no longer exist. It needs disk space for a second
        copy of the store while it runs.

        Raises:
            PermissionError: If the writer is closed.
            ValueError: If a shard is damaged. Nothing is changed then.
        """
        self._require_open()
        self.verify()
        table, shards, number = self.table(), [], self.manifest.next_number
        try:
            for start in range(0, len(table), _COMPACT_ROWS_PER_SHARD):
                part = table.iloc[start : start + _COMPACT_ROWS_PER_SHARD]
                descriptors = self.take(part.index.to_numpy()).astype(self.manifest.dtype)
                positions_m = part[["east_m", "north_m"]].to_numpy()
                times_s = part["time_s"].to_numpy()
                names = part["name"].tolist()
                shape, rows = self.manifest.feature_shape, part.index.to_numpy()
                some = range(0, len(rows) if shape else 0, _FEATURES_PER_READ)
                features = (
                    self.take_features(rows[first : first + _FEATURES_PER_READ]) for first in some
                )
                shards.append(
                    write_shard(
                        self.folder,
                        number,
                        names,
                        descriptors,
                        positions_m,
                        times_s,
                        shape,
                        features,
                    )
                )
                number += 1
        except BaseException:
            for shard in shards:
                delete_shard(self.folder, shard)
            raise
        self._settle(shards=tuple(shards), next_number=number, removed=None, index=None)
        clear_leftovers(self.folder, self.manifest)

    def _statistics_after(self, num_changed: int) -> SavedStatistics | None:
        """Returns the map's statistics, marked as stale if photos were added or removed."""
        about = self.manifest.statistics
        return about and dataclasses.replace(about, num_changed=about.num_changed + num_changed)

    def _settle(self, **changes: Any) -> None:
        """Writes the manifest, which makes new files valid, and forgets cached values."""
        manifest = dataclasses.replace(self.manifest, **changes, is_signed=True)
        write_manifest(self.folder, manifest)
        self.manifest = manifest
        for name in ("is_removed", "descriptors", "features", "photos", "_row_of", "_is_unit"):
            self.__dict__.pop(name, None)

    def _require_open(self) -> None:
        if self._lock is None:
            raise PermissionError(f"The writer of {self.folder} is closed. Open it again")

    def _checked(self, names: list[str], descriptors: NDArray[np.floating]) -> NDArray[np.floating]:
        """Returns descriptors in the form that is stored, and refuses those that do not fit."""
        descriptors = np.asarray(descriptors)
        if descriptors.ndim != 2 or len(descriptors) != len(names) or not descriptors.shape[1]:
            raise ValueError(
                "`names` and `descriptors` must be (n,) and (n, D). Received: "
                f"({len(names)},) and {descriptors.shape}"
            )
        dim = self.manifest.dim or descriptors.shape[1]
        if descriptors.shape[1] != dim:
            raise ValueError(
                f"Descriptors in {self.folder} must have {counted(dim, 'dimension')}. Received: "
                f"{descriptors.shape[1]}"
            )
        _refuse_bad_names(names)
        repeated = [name for name, count in Counter(names).items() if count > 1]
        repeated += [name for name in names if name in self._row_of]
        if repeated:
            raise ValueError(
                f"Each photo is in a store once. Received: {counted(len(repeated), 'name')} again "
                f"(first: {shown(repeated[0])}). Remove it first to describe it again"
            )
        descriptors = to_unit(descriptors, str(self.folder), names.__getitem__)
        return descriptors.astype(self.manifest.dtype)

    def _checked_shape(
        self, count: int, features: NDArray[np.floating] | None
    ) -> tuple[int, int, int] | None:
        """Returns the shape of a photo's local features, and refuses those that do not fit."""
        shape = None
        if features is not None:
            given = np.shape(features)
            if len(given) != 4 or given[0] != count or not np.prod(given):
                raise ValueError(
                    f"`features` must be ({count}, rows, columns, D). Received: shape {given}"
                )
            _, rows, columns, feature_dim = given
            shape = (rows, columns, feature_dim)
        if self.manifest.shards and shape != self.manifest.feature_shape:
            raise ValueError(
                f"A store must keep local features of all photos, in one shape, or of none: "
                f"{self.manifest.feature_shape or 'none'} in {self.folder}. Received: "
                f"{shape or 'none'}. Take another store"
            )
        return shape


def _refuse_bad_names(names: list[str]) -> None:
    """Refuses names that are not UTF-8, as Parquet needs, or too long for a path."""
    bad = [name for name in names if not is_storable(name)]
    if bad:
        raise ValueError(
            f"Names of photos must be UTF-8, of 4096 bytes at most. Received: {len(bad)} that are "
            f"not (first: "
            f"{shown(bad[0])}). Rename these files"
        )
