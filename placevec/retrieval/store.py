"""Descriptors of any number of photos on disk: added, removed and read without loading them all."""

import contextlib
import dataclasses
import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa

from placevec.retrieval.manifest import (
    INDEX,
    MANIFEST,
    Manifest,
    delete_leftovers,
    index_files,
    read_manifest,
    removed_path,
    write_manifest,
)
from placevec.retrieval.shards import map_numbers, map_shard, read_photos, write_shard
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)
_LOCK = "lock"
_FIRST_FILES = {_LOCK, f".unfinished-{MANIFEST}"}  # of a `create` that was killed
_ROWS_OF_A_SHARD = 16_384  # after `compact`
_BLOCK_BYTES = 64 * 2**20
_FACTS = {
    "model_id": "Vectors of two models do not mix",
    "precision": "Vectors of two precisions do not mix",
    "dtype": "A store has one type of numbers",
    "image_size": "Vectors of photos of two sizes do not mix",
    "frame": "Positions of two frames do not mix",
    "root": "Photos of two folders may have the same name",
}


class DescriptorStore:
    """A folder of descriptors, with the photos' names, positions and times.

    It grows by shards: `000000.npy`, which NumPy maps, and `000000.parquet`, which pandas reads.
    `manifest.json` is written last and says which are valid, so that a store is at any moment as
    it was before or after a whole `append`, `remove` or `compact`, also after SIGKILL or power
    loss. Files that a killed writer left are deleted by the next one.

    Each photo has a row, which it keeps until `compact`. Rows of removed photos stay but are not
    among `rows`. One process at a time may write, others may read: they see the store as it was
    when they opened it.

    Make one with `DescriptorStore.create(folder, model_id=...)`, then or later
    `DescriptorStore.open(folder)`.

    Example:
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "store"
    >>> with DescriptorStore.create(folder, model_id="m") as store:
    ...     store.append(["a.jpg", "b.jpg"], np.eye(2, 3))
    >>> store = DescriptorStore.open(folder)
    >>> len(store), store.descriptors[0].shape, store.table().name.tolist()
    (2, (2, 3), ['a.jpg', 'b.jpg'])
    """

    def __init__(self, folder: Path, manifest: Manifest, lock: int | None = None) -> None:
        self.folder = Path(folder)
        self.manifest = manifest
        self._lock = lock

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
        precision: str = "float32",
    ) -> Self:
        """Makes an empty store and opens it for writing.

        Args:
            folder: Path. Where there is none yet, in a folder that is there, or an empty one.
            model_id: str. What tells the model apart from others, see `placevec.models.model_id`.
            dtype: str. `"float32"`, or `"float16"` for half the bytes.
            image_size: (int, int) or None. Rows and columns that photos are resized to.
            frame: str or None. What positions are measured in.
            root: str or None. The folder that names are relative to.
            precision: str. What the model computes with, `"float32"`, `"bf16"` or
                `"int8"`.

        Raises:
            FileExistsError: If something is there.
            FileNotFoundError: If the folder above is missing.
            ValueError: If a value is none that a store can have.
        """
        folder = Path(folder)
        manifest = Manifest(model_id, dtype, image_size, frame, root, precision=precision)
        if not folder.parent.is_dir():
            raise FileNotFoundError(
                f"There is no folder {folder.parent} for {folder.name}. Make it"
            )
        if folder.exists() and (not folder.is_dir() or set(os.listdir(folder)) - _FIRST_FILES):
            raise FileExistsError(f"{folder} is there already. Name a folder that is not")
        folder.mkdir(exist_ok=True)
        store = cls(folder, manifest, _take_lock(folder))
        write_manifest(folder, manifest)
        return store

    @classmethod
    def open(cls, folder: Path, *, writable: bool = False) -> Self:
        """Opens a store to read, or to write as well.

        A reader holds all of it from then on, names in memory and descriptors mapped, so that it
        may be changed or compacted meanwhile.

        Args:
            folder: Path. The store.
            writable: bool. Whether photos will be added or removed.

        Raises:
            FileNotFoundError: If there is no store, or a file of it is missing.
            BlockingIOError: If another process has it open for writing, and `writable`.
            ValueError: If it is damaged.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        if not writable:
            return cls._open_whole(folder, manifest)
        lock = _take_lock(folder)
        try:
            store = cls(folder, read_manifest(folder), lock)  # anew: it may have changed meanwhile
            if leftovers := delete_leftovers(folder, store.manifest):
                _log.info("deleted %d unfinished files in %s", leftovers, folder)
        except BaseException:
            os.close(lock)
            raise
        return store

    @classmethod
    def _open_whole(cls, folder: Path, manifest: Manifest) -> Self:
        while True:
            store = cls(folder, manifest)
            try:
                store.descriptors, store.photos, store.is_removed  # noqa: B018
                return store
            except FileNotFoundError:
                # A writer deletes what its new manifest does not name.
                before, manifest = manifest, read_manifest(folder)
                if manifest == before:
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets others write. What was appended is on disk already."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lets no other process write meanwhile; a store that is open for writing never does.

        Raises:
            BlockingIOError: If another process has it open for writing.
        """
        lock = _take_lock(self.folder) if self._lock is None else None
        try:
            yield
        finally:
            if lock is not None:
                os.close(lock)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: str) -> bool:
        return name in self._row_of

    @property
    def num_rows(self) -> int:
        """Rows, those of removed photos included."""
        return sum(shard.count for shard in self.manifest.shards)

    @cached_property
    def is_removed(self) -> np.ndarray:
        """(num_rows,) bool. The rows of removed photos."""
        is_removed = np.zeros(self.num_rows, bool)
        if self.manifest.removed is not None:
            is_removed[_read_removed(self.folder, self.manifest.removed, self.num_rows)] = True
        return is_removed

    @property
    def rows(self) -> np.ndarray:
        """(N,) int64. The rows of the photos that are there, in the order they came."""
        return np.flatnonzero(~self.is_removed)

    @cached_property
    def descriptors(self) -> list[np.ndarray]:
        """Read-only memory maps `(n, D)`, one a shard; together `num_rows` rows."""
        dim, dtype = self.manifest.dim, self.manifest.dtype
        return [map_shard(self.folder, shard, dim, dtype) for shard in self.manifest.shards]

    @cached_property
    def photos(self) -> pa.Table:
        """Arrow table of all rows: name, east_m, north_m, time_s, null where unknown."""
        parts = [read_photos(self.folder, shard) for shard in self.manifest.shards]
        return pa.concat_tables(parts) if parts else pa.table({name: [] for name in _COLUMNS})

    def table(self) -> pd.DataFrame:
        """Returns what is known of the photos that are there, indexed by their rows.

        Returns:
            DataFrame with `name`, `east_m`, `north_m` and `time_s`, NaN where unknown.
        """
        return self.photos.to_pandas().loc[self.rows]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Returns the descriptors of some rows.

        Args:
            rows: (n,) int. In any order.

        Returns:
            (n, D) float32.
        """
        rows = np.asarray(rows, np.int64)
        taken = np.empty((len(rows), self.manifest.dim or 0), np.float32)
        ends = np.cumsum([shard.count for shard in self.manifest.shards])
        if len(rows) and (rows.min() < 0 or rows.max() >= self.num_rows):
            raise IndexError(f"Rows must be 0 to {self.num_rows - 1}. Received: {rows.max()}")
        shard_of = np.searchsorted(ends, rows, side="right")
        for number in np.unique(shard_of):
            places = np.flatnonzero(shard_of == number)
            first = ends[number] - self.manifest.shards[number].count
            taken[places] = self.descriptors[number][rows[places] - first]
        return taken

    def blocks(self, start: int = 0) -> Iterator[tuple[int, np.ndarray]]:
        """Yields all rows from `start` on in pieces: the first row, and the descriptors as stored.

        Where nothing has to be joined the pieces are parts of the memory maps.
        """
        most = max(1, _BLOCK_BYTES // (4 * (self.manifest.dim or 1)))
        first, small, small_first, small_rows = 0, [], 0, 0
        for shard in self.descriptors:
            for place in range(max(0, start - first), len(shard), most):
                piece = shard[place : place + most]
                if small_rows + len(piece) > most:
                    yield small_first, _joined(small)
                    small, small_rows = [], 0
                if not small:
                    small_first = first + place
                small.append(piece)
                small_rows += len(piece)
            first += len(shard)
        if small:
            yield small_first, _joined(small)

    def require(self, **facts: object) -> None:
        """Refuses to go on where what comes does not belong into this store.

        Args:
            **facts: `model_id`, `precision`, `dtype`, `image_size`, `frame` or `root` of it.

        Raises:
            ValueError: If one differs.
        """
        for name, value in facts.items():
            own = getattr(self.manifest, name)
            if own != value:
                raise ValueError(
                    f"{_FACTS[name]}: `{name}` must be {own} in {self.folder}. Received: {value}. "
                    "Take another store"
                )

    def move_root(self, root: str) -> None:
        """Says that the photos' folder is now another."""
        self._require_writable()
        self._settle(root=root)

    def append(
        self,
        names: Sequence[str],
        descriptors: np.ndarray,
        positions_m: np.ndarray | None = None,
        times_s: np.ndarray | None = None,
    ) -> None:
        """Adds photos as one shard: all of them or, after a kill, none.

        A shard costs three writes that wait for the disk, so append thousands at a time.

        Args:
            names: sequence of n str. All different, and none that the store has; to describe a
                photo anew, `remove` it first.
            descriptors: (n, D) float. Finite, of unit length.
            positions_m: (n, 2) float or None. Metres east and north; NaN where unknown.
            times_s: (n,) float or None. Seconds since 1970, UTC; NaN where unknown.

        Raises:
            ValueError: If shapes do not fit the store or each other, a number is not finite, or a
                name is there already.
            PermissionError: If the store is open for reading only.
        """
        self._require_writable()
        names = [str(name) for name in names]
        if not names:
            return
        descriptors = self._checked(names, descriptors)
        count = len(names)
        positions_m = np.full((count, 2), np.nan) if positions_m is None else positions_m
        times_s = np.full(count, np.nan) if times_s is None else times_s
        positions_m, times_s = np.asarray(positions_m, float), np.asarray(times_s, float)
        if positions_m.shape != (count, 2) or times_s.shape != (count,):
            raise ValueError(
                f"`positions_m` and `times_s` must be ({count}, 2) and ({count},). Received: "
                f"{positions_m.shape} and {times_s.shape}"
            )
        manifest = self.manifest
        first, row_of = self.num_rows, self._row_of
        shard = write_shard(
            self.folder, manifest.next_number, names, descriptors, positions_m, times_s
        )
        is_removed = np.concatenate([self.is_removed, np.zeros(count, bool)])
        self._settle(
            dim=descriptors.shape[1],
            next_number=manifest.next_number + 1,
            shards=(*manifest.shards, shard),
        )
        self.is_removed = is_removed
        row_of.update(zip(names, range(first, first + count), strict=True))
        self._row_of = row_of

    def remove(self, names: Sequence[str]) -> None:
        """Removes photos; their bytes go with the next `compact`.

        Args:
            names: sequence of str.

        Raises:
            ValueError: If the store lacks one; none is removed then.
            PermissionError: If the store is open for reading only.
        """
        self._require_writable()
        row_of, is_removed = self._row_of, self.is_removed.copy()
        missing = [name for name in names if name not in row_of]
        if missing:
            raise ValueError(
                f"{len(missing)} photos are not in {self.folder} (first: {missing[0]})"
            )
        is_removed[[row_of[name] for name in names]] = True
        number, older = self.manifest.next_number, self.manifest.removed
        with whole_file(removed_path(self.folder, number)) as unfinished:
            np.save(unfinished, np.flatnonzero(is_removed), allow_pickle=False)
        self._settle(next_number=number + 1, removed=number)
        self.is_removed = is_removed
        self._row_of = {name: row for name, row in row_of.items() if not is_removed[row]}
        if older is not None:
            removed_path(self.folder, older).unlink(missing_ok=True)

    def compact(self) -> None:
        """Writes all shards anew, large ones, without removed photos; rows change.

        An index, which is of rows that there are no more, is deleted.

        Needs room for a second copy meanwhile.

        Raises:
            PermissionError: If the store is open for reading only.
        """
        self._require_writable()
        table, shards, number = self.table(), [], self.manifest.next_number
        for start in range(0, len(table), _ROWS_OF_A_SHARD):
            part = table.iloc[start : start + _ROWS_OF_A_SHARD]
            descriptors = self.take(part.index.to_numpy()).astype(self.manifest.dtype)
            positions_m = part[["east_m", "north_m"]].to_numpy()
            times_s = part["time_s"].to_numpy()
            names = part["name"].tolist()
            shards.append(
                write_shard(self.folder, number, names, descriptors, positions_m, times_s)
            )
            number += 1
        (self.folder / INDEX).unlink(missing_ok=True)
        for path in index_files(self.folder):
            path.unlink()
        self._settle(shards=tuple(shards), next_number=number, removed=None)
        delete_leftovers(self.folder, self.manifest)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        names = self.photos["name"].to_pylist()
        if self.manifest.removed is None:
            return dict(zip(names, range(len(names)), strict=True))
        return {names[row]: row for row in self.rows.tolist()}

    def _settle(self, **changes: object) -> None:
        """Makes what was written valid, and forgets what was read before."""
        manifest = dataclasses.replace(self.manifest, **changes)
        write_manifest(self.folder, manifest)
        self.manifest = manifest
        for name in ("is_removed", "descriptors", "photos", "_row_of"):
            self.__dict__.pop(name, None)

    def _require_writable(self) -> None:
        if self._lock is None:
            raise PermissionError(
                f"{self.folder} is open for reading. Open it with `writable=True`"
            )

    def _checked(self, names: list[str], descriptors: np.ndarray) -> np.ndarray:
        """Returns descriptors as they are stored, and refuses those that do not belong here."""
        descriptors = np.asarray(descriptors)
        if descriptors.ndim != 2 or len(descriptors) != len(names) or not descriptors.shape[1]:
            raise ValueError(
                "`names` and `descriptors` must be (n,) and (n, D). Received: "
                f"({len(names)},) and {descriptors.shape}"
            )
        dim = self.manifest.dim or descriptors.shape[1]
        if descriptors.shape[1] != dim:
            raise ValueError(
                f"Descriptors in {self.folder} must have {dim} numbers. Received: "
                f"{descriptors.shape[1]}"
            )
        with np.errstate(over="ignore"):
            descriptors = descriptors.astype(self.manifest.dtype)
        if not np.isfinite(descriptors).all():
            raise ValueError(f"Descriptors must be finite as {self.manifest.dtype}. Received: NaN "
                             "or infinity")  # fmt: skip
        repeated = [name for name in names if name in self._row_of]
        if not repeated and len(set(names)) < len(names):
            repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(
                f"Each photo is in a store once. Received: {len(repeated)} names again (first: "
                f"{repeated[0]}). Remove it first to describe it anew"
            )
        return descriptors


_COLUMNS = ("name", "east_m", "north_m", "time_s")


def _take_lock(folder: Path) -> int:
    """Returns an open file that is locked until it is closed or the process ends."""
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BlockingIOError(f"Another process writes to {folder}. Wait for it") from None
    return lock


def _read_removed(folder: Path, number: int, num_rows: int) -> np.ndarray:
    path = removed_path(folder, number)
    removed = map_numbers(path, "int64")
    if removed.ndim != 1 or (len(removed) and not 0 <= removed.min() <= removed.max() < num_rows):
        raise ValueError(f"{path} must list rows below {num_rows}. Received: {removed.shape}")
    return removed


def _joined(pieces: list[np.ndarray]) -> np.ndarray:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
