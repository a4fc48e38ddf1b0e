"""Reads descriptors of any number of photos from disk without loading them all."""

import contextlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from placevec.folder_lock import locked
from placevec.places.frame import grid_of
from placevec.store.files.manifest import Manifest, RemovedRows, read_manifest
from placevec.store.files.shards import (
    FEATURES_DTYPE,
    digest_of,
    map_features,
    map_numbers,
    map_shard,
    read_photos,
    require_same,
)
from placevec.store.unit_length import require_unit

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_BYTES = 64 * 2**20
_FACTS = {
    "model_id": "A store holds vectors of one model",
    "precision": "A store holds vectors of one precision",
    "dtype": "A store holds one data type",
    "image_size": "A store holds vectors of photos of one size",
    "frame": "A store holds positions in one frame",
    "root": "Photos of two folders may have the same name",
}


class DescriptorStore:
    """A folder of descriptors, with the photos' names, positions and times.

    A store grows by shards: `000000.npy`, which NumPy maps, and `000000.parquet`, which pandas
    reads. `manifest.json` is written last and names the valid files. So `append`, `remove` and
    `compact` happen completely or not at all, even after SIGKILL or power loss.

    Each photo has a row, which it keeps until `compact`. Rows of removed photos stay but are not
    in `rows`. One process at a time may write, with a `StoreWriter`. Others may read, and see the
    store as it was when they opened it.

    Open a store with `DescriptorStore.open(folder)`. `StoreWriter` makes one and has an example.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = Path(folder)
        self.manifest = manifest

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens a store to read.

        The reader keeps the whole store, with names in memory and descriptors mapped. So other
        processes may change or compact the store while it is open.

        Args:
            folder: Path. The store.

        Raises:
            FileNotFoundError: If the store does not exist, or one of its files is missing.
            ValueError: If the store is damaged.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        while True:
            store = cls(folder, manifest)
            try:
                store.descriptors, store.features, store.photos, store.is_removed  # noqa: B018
                return store
            except FileNotFoundError:
                # A writer may have just deleted the files of this manifest: read the new one.
                before, manifest = manifest, read_manifest(folder)
                if manifest == before:
                    raise

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from writing inside a `with` block.

        Raises:
            BlockingIOError: If another process has the store open for writing.
        """
        with locked(self.folder):
            yield

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, name: str) -> bool:
        return name in self._row_of

    @property
    def num_rows(self) -> int:
        """Number of rows, including those of removed photos."""
        return sum(shard.count for shard in self.manifest.shards)

    @property
    def dim(self) -> int | None:
        """Number of dimensions of a compared descriptor. None before the first photo."""
        return self.manifest.dim

    def compared(self, descriptors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Returns stored descriptors as they are compared: contiguous float32."""
        return np.ascontiguousarray(descriptors, np.float32)

    @cached_property
    def is_removed(self) -> NDArray[np.bool_]:
        """Which rows belong to removed photos: (num_rows,) bool."""
        is_removed = np.zeros(self.num_rows, bool)
        if self.manifest.removed is not None:
            is_removed[_read_removed(self.folder, self.manifest.removed, self.num_rows)] = True
        return is_removed

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows of the photos in the store, in the order they were added: (N,) int64."""
        return np.flatnonzero(~self.is_removed)

    @cached_property
    def descriptors(self) -> list[NDArray[np.floating]]:
        """Read-only memory maps `(n, D)`, one per shard, with `num_rows` rows in total."""
        dim, dtype = self.manifest.dim or 0, self.manifest.dtype
        return [map_shard(self.folder, shard, dim, dtype) for shard in self.manifest.shards]

    @cached_property
    def features(self) -> list[NDArray[np.float16]]:
        """Read-only memory maps of local features, one per shard; empty if the store keeps none."""
        shape = self.manifest.feature_shape
        if shape is None:
            return []
        return [map_features(self.folder, shard, shape) for shard in self.manifest.shards]

    @cached_property
    def photos(self) -> pa.Table:
        """Arrow table of all rows: name, east_m, north_m, time_s; null if unknown."""
        parts = [read_photos(self.folder, shard) for shard in self.manifest.shards]
        return pa.concat_tables(parts) if parts else pa.table({name: [] for name in _COLUMNS})

    def table(self) -> "pd.DataFrame":
        """Returns names, positions and times of the photos in the store, indexed by their rows.

        Returns:
            DataFrame with `name`, `east_m`, `north_m` and `time_s`; NaN if unknown.
        """
        return self.photos.to_pandas().loc[self.rows]

    def take(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Returns the descriptors of some rows.

        Args:
            rows: (n,) int. In any order.

        Returns:
            (n, D) float32.

        Raises:
            IndexError: If a row does not exist.
            ValueError: If a descriptor is not of unit length, because the store is damaged.
        """
        rows = np.asarray(rows, np.int64)
        taken = np.empty((len(rows), self.manifest.dim or 0), np.float32)
        for number, places, within in self._by_shard(rows):
            taken[places] = self.descriptors[number][within]
        new = np.flatnonzero(~self._is_unit[rows])
        require_unit(taken[new], str(self.folder), lambda place: self._name(int(rows[new[place]])))
        self._is_unit[rows] = True
        return taken

    def take_features(self, rows: NDArray[np.integer]) -> NDArray[np.float16]:
        """Returns the local features of some photos, and reads only these.

        Args:
            rows: (n,) int. In any order.

        Returns:
            (n, rows, columns, D') float16, of unit length.

        Raises:
            IndexError: If a row does not exist.
            ValueError: If the store keeps no local features.
        """
        if self.manifest.feature_shape is None:
            raise ValueError(
                f"{self.folder} keeps no local features. Describe the photos into another store "
                "with `--keep-features`"
            )
        rows = np.asarray(rows, np.int64)
        taken = np.empty((len(rows), *self.manifest.feature_shape), FEATURES_DTYPE)
        for number, places, within in self._by_shard(rows):
            taken[places] = self.features[number][within]
        return taken

    def _by_shard(
        self, rows: NDArray[np.int64]
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Yields the shards of some rows, with the indices in `rows` and the rows in the shard."""
        if len(rows) and (rows.min() < 0 or rows.max() >= self.num_rows):
            raise IndexError(f"Rows must be 0 to {self.num_rows - 1}. Received: {rows.max()}")
        ends = np.cumsum([shard.count for shard in self.manifest.shards])
        shard_of = np.searchsorted(ends, rows, side="right")
        for number in np.unique(shard_of).tolist():
            places = np.flatnonzero(shard_of == number)
            first = ends[number] - self.manifest.shards[number].count
            yield number, places, rows[places] - first

    def verify(self) -> None:
        """Checks the digests of all descriptors and local features, and their unit length.

        Raises:
            ValueError: If a shard is damaged.
        """
        for shard, numbers in zip(self.manifest.shards, self.descriptors, strict=True):
            require_same(shard.paths(self.folder)[0], digest_of(numbers), shard.sha256)
        shards = self.manifest.shards if self.features else ()
        for shard, numbers in zip(shards, self.features, strict=True):
            path = shard.features_path(self.folder)
            require_same(path, digest_of(numbers), shard.features_sha256 or "")
        for _ in self.blocks():
            pass

    def blocks(self, start: int = 0) -> Iterator[tuple[int, NDArray[np.floating]]]:
        """Yields all rows from `start` on in pieces: the first row, and the stored descriptors.

        A piece is part of a memory map unless it joins several shards.

        Raises:
            ValueError: If a descriptor is not of unit length, because the store is damaged.
        """
        most = max(1, _BLOCK_BYTES // (4 * (self.manifest.dim or 1)))
        first, small, small_first, small_rows = 0, [], 0, 0
        for shard in self.descriptors:
            for place in range(max(0, start - first), len(shard), most):
                piece = shard[place : place + most]
                if small_rows + len(piece) > most:
                    yield small_first, self._of_unit_length(small_first, _joined(small))
                    small, small_rows = [], 0
                if not small:
                    small_first = first + place
                small.append(piece)
                small_rows += len(piece)
            first += len(shard)
        if small:
            yield small_first, self._of_unit_length(small_first, _joined(small))

    def require(self, **facts: Any) -> None:
        """Refuses photos that do not fit into this store.

        Args:
            **facts: The photos' `model_id`, `precision`, `dtype`, `image_size`, `frame` or `root`.

        Raises:
            ValueError: If one of these differs from the store's.
        """
        for name, value in facts.items():
            own = getattr(self.manifest, name)
            is_frame = name == "frame" and isinstance(own, str) and isinstance(value, str)
            if own != value and not (is_frame and grid_of(str(own)) == grid_of(str(value))):
                must = f"`{name}` must be {own} in {self.folder}"
                if name == "model_id" and self.manifest.model_path:
                    must += f", which {self.manifest.model_path} described"
                if own is None:
                    must = f"{self.folder} was begun without `{name}`"
                raise ValueError(f"{_FACTS[name]}: {must}. Received: {value}. Take another store")

    @cached_property
    def _is_unit(self) -> NDArray[np.bool_]:
        """Which rows have been checked for unit length: (num_rows,) bool."""
        return np.zeros(self.num_rows, bool)

    def _of_unit_length(self, first: int, block: NDArray[np.floating]) -> NDArray[np.floating]:
        part = slice(first, first + len(block))
        if not self._is_unit[part].all():
            require_unit(block, str(self.folder), lambda place: self._name(first + place))
            self._is_unit[part] = True
        return block

    def _name(self, row: int) -> str:
        return self.photos["name"][int(row)].as_py()

    @cached_property
    def _row_of(self) -> dict[str, int]:
        names = self.photos["name"].to_pylist()
        if self.manifest.removed is None:
            return dict(zip(names, range(len(names)), strict=True))
        return {names[row]: row for row in self.rows.tolist()}


_COLUMNS = ("name", "east_m", "north_m", "time_s")


def _read_removed(folder: Path, about: RemovedRows, num_rows: int) -> NDArray[np.int64]:
    path = about.path(folder)
    removed = map_numbers(path, "int64")
    if about.sha256 is not None:
        require_same(path, digest_of(removed), about.sha256)
    if removed.ndim != 1 or (len(removed) and not 0 <= removed.min() <= removed.max() < num_rows):
        raise ValueError(f"{path} must list rows below {num_rows}. Received: {removed.shape}")
    return removed


def _joined(pieces: list[NDArray[np.floating]]) -> NDArray[np.floating]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
