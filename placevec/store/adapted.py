"""A store whose descriptors are adapted by its map's statistics before they are compared."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from placevec.store.files.manifest import Manifest
from placevec.store.files.saved_statistics import read_statistics
from placevec.store.files.shards import digest_of
from placevec.store.map_statistics import MapStatistics, drawn_rows, fit_map_statistics
from placevec.store.store import DescriptorStore


class AdaptedStore(DescriptorStore):
    """The photos of a store, searched with adapted descriptors.

    Use it in place of the store to search, to build an index or to upload to Milvus. Adapt queries
    with the same statistics. The descriptors on disk do not change.

    Args:
        store: DescriptorStore.
        statistics: MapStatistics.

    Example:
    >>> import tempfile
    >>> from pathlib import Path
    >>> from placevec.store.search.exact import nearest_in_store
    >>> from placevec.store.store_writer import StoreWriter
    >>> store = StoreWriter.create(Path(tempfile.mkdtemp()) / "store", model_id="m")
    >>> store.append(["a", "b"], np.array([[0.8, 0.6], [0.8, -0.6]]))
    >>> adapted = AdaptedStore.fit(store)
    >>> query = adapted.statistics.adapt(np.array([[1.0, 0.1]]))
    >>> nearest_in_store(adapted, query, 1)[0].tolist()
    [[0]]
    """

    def __init__(self, store: DescriptorStore, statistics: MapStatistics) -> None:
        self._store = store
        super().__init__(store.folder, store.manifest)
        for name in ("is_removed", "descriptors", "photos", "_row_of", "_is_unit"):
            self.__dict__[name] = getattr(store, name)  # so that they are not read again
        self.locked = store.locked
        self.statistics = statistics

    @classmethod
    def fit(cls, store: DescriptorStore, dim: int | None = None) -> Self:
        """Fits statistics on the photos of a store, or on 20,000 random ones if it has more.

        Args:
            store: DescriptorStore.
            dim: int or None. See `fit_map_statistics`.

        Raises:
            ValueError: If the store is empty or damaged, or `dim` is too large.
        """
        if not len(store):
            raise ValueError(f"There are no photos in {store.folder}. Describe some first")
        rows = store.rows[drawn_rows(len(store.rows))]
        return cls(store, fit_map_statistics(store.take(rows), dim))

    @classmethod
    def open(cls, store: DescriptorStore, manifest: Manifest) -> Self:
        """Returns a store with the statistics that its manifest names.

        Args:
            store: DescriptorStore. It may have been opened before the manifest was written.
            manifest: Manifest. It must name statistics.

        Raises:
            FileNotFoundError: If the file of statistics is missing.
            ValueError: If the file is damaged.
        """
        about, dim = manifest.statistics, store.manifest.dim
        if about is None or dim is None:
            raise ValueError(f"There are no statistics of the map in {store.folder}")
        statistics = read_statistics(store.folder, about, dim)
        return cls(store, statistics)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the store, with which everything of this one is saved."""
        return self._store.manifest

    @manifest.setter
    def manifest(self, manifest: Manifest) -> None:
        self._store.manifest = manifest

    @property
    def dim(self) -> int:
        """Number of dimensions of an adapted descriptor."""
        return self.statistics.dim

    @property
    def digest(self) -> str:
        """SHA-256 of the statistics."""
        return digest_of(self.statistics.numbers())

    def compared(self, descriptors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Adapts stored descriptors and returns them, `(N, n)` float32."""
        return self.statistics.adapt(descriptors)

    def take(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Returns the adapted descriptors of some rows, as `DescriptorStore.take` does."""
        return self.compared(super().take(rows))
