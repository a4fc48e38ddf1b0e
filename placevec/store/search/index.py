"""Approximate search in a store, with a FAISS index that is saved in it."""

import dataclasses
import logging
import math
import shlex
import time
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from placevec.config import IndexConfig
from placevec.counted import counted
from placevec.input_file import shown
from placevec.store.adapted import AdaptedStore
from placevec.store.files.leftovers import clear_leftovers
from placevec.store.files.manifest import (
    Manifest,
    read_manifest,
    write_manifest,
)
from placevec.store.files.saved_statistics import write_statistics
from placevec.store.map_statistics import ENOUGH_PHOTOS
from placevec.store.search.exact import (
    best_candidates,
    checked_queries,
    nearest_in_store,
    num_candidates,
)
from placevec.store.search.index_file import read_index, write_index
from placevec.store.search.index_kinds import (
    IndexSettings,
    default_effort,
    make_index,
    training_rows,
)
from placevec.store.search.ranking import products_from, ranked
from placevec.store.store import DescriptorStore

# The type stubs of FAISS do not know all arguments.
_faiss: Any = faiss
_log = logging.getLogger(__name__)
_ONE_BY_ONE = 2**31 - 1  # so that an answer does not depend on the number of queries
_MAX_CANDIDATE_VALUES = 2**25  # looked up at a time: candidates times their dimensions
# If a smaller share of the photos may be found, each of these is compared. Otherwise the effort
# grows as the share falls, because the search passes more photos that may not be found.
_FEW_SHARE = 0.05


class StoreIndex:
    """Finds the most similar photos of a store.

    An index gives candidates, and their similarities are computed from the descriptors in the
    store. So similarities are exact, but the search may miss some photos. The store's manifest
    names the index and the rows in it: photos removed later are not found, photos added later are
    compared one by one, and `compact` deletes the index.

    Example:
    >>> import tempfile
    >>> from pathlib import Path
    >>> from placevec.store.store_writer import StoreWriter
    >>> store = StoreWriter.create(Path(tempfile.mkdtemp()) / "store", model_id="m")
    >>> store.append(["a.jpg", "b.jpg", "c.jpg"], np.eye(3))
    >>> index = StoreIndex.build(store, "hnsw")
    >>> index.search(np.array([[0.0, 1.0, 0.0]]), 1)[0].tolist()
    [[1]]
    """

    def __init__(
        self,
        store: DescriptorStore,
        settings: IndexSettings = IndexSettings(),  # noqa: B008
        index: faiss.Index | None = None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.index: Any = index

    @classmethod
    def build(cls, store: DescriptorStore, kind: str = IndexConfig.kind) -> Self:
        """Builds an index of all rows that a store has now. Call `save` to keep it.

        Args:
            store: DescriptorStore, or AdaptedStore for an index of adapted descriptors.
            kind: str. See `IndexSettings`.

        Raises:
            ValueError: If the store is empty or damaged, or the kind does not exist.
        """
        if not len(store):
            raise ValueError(f"There are no photos in {store.folder}. Describe some first")
        settings = IndexSettings(kind, default_effort(kind, store.num_rows))
        if kind == "flat":
            return cls(store, settings)
        start = time.perf_counter()
        store.verify()
        index = make_index(kind, store.dim or 0, store.num_rows)
        if not index.is_trained:
            index.train(training_rows(store))
        for _, block in store.blocks():
            index.add(store.compared(block))
        _log.info(
            "built %s of %s in %.1f s",
            kind,
            counted(index.ntotal, "row"),
            time.perf_counter() - start,
        )
        return cls(store, settings, index)

    @classmethod
    def load(cls, store: DescriptorStore, *, is_adapted: bool | None = None) -> Self:
        """Returns the index that is saved with a store, or an exact search if none is saved.

        If descriptors are adapted, the result's `store` is an AdaptedStore. Adapt queries with its
        statistics too.

        Args:
            store: DescriptorStore.
            is_adapted: bool or None. Whether to compare adapted descriptors. If the saved index
                does not fit this choice, all photos are compared. None: adapt if the store has
                statistics of at least 30 photos.

        Raises:
            ValueError: If the index is missing, damaged, or does not fit the manifest; or if
                `is_adapted` is true and the store has no statistics.
        """
        manifest = read_manifest(store.folder)  # an index may be newer than `store`
        about, store = manifest.index, _adapted(store, manifest, is_adapted)
        statistics = manifest.statistics if isinstance(store, AdaptedStore) else None
        wanted = statistics and statistics.number
        if about is not None and about.statistics != wanted:
            if is_adapted is None:  # few photos: comparing all is fast
                return cls(store)
            has, flag = ("adapted", " --no-statistics") if wanted is None else ("plain", "")
            _log.warning(
                "the index in %s is of %s descriptors: all photos are compared. "
                "`placevec index %s --kind %s%s` builds the other",
                store.folder, has, shlex.quote(shown(store.folder)), about.kind, flag,
            )  # fmt: skip
            return cls(store)
        again = f"Build it again: `{manifest.index_command(store.folder)}`"
        if about is None:
            if not manifest.is_signed and (store.folder / _INDEX_WITHOUT_DIGEST).exists():
                _log.warning(
                    "the index in %s is of an earlier version, without a digest, and not used: all "
                    "photos are compared. %s", store.folder, again,
                )  # fmt: skip
            return cls(store)
        if _rows_of(store.manifest, about.num_rows) != _rows_of(manifest, about.num_rows):
            raise ValueError(f"The index in {store.folder} is of other photos. {again}")
        settings = IndexSettings(about.kind, about.effort)
        return cls(store, settings, read_index(store, about, again))

    def save(self) -> None:
        """Saves the index in the store and deletes an older one. If saving fails, nothing changes.

        It also saves the statistics of an AdaptedStore, and deletes older statistics.

        Raises:
            BlockingIOError: If another process writes to the store.
            OSError: If a file cannot be written, for example on a full disk.
            ValueError: If the store was compacted since the index was built.
        """
        store, folder = self.store, self.store.folder
        with store.locked():
            manifest = DescriptorStore.open(folder).manifest
            if _rows_of(store.manifest, self.num_rows) != _rows_of(manifest, self.num_rows):
                raise ValueError(
                    f"The photos in {folder} are others by now. Build the index again: "
                    f"`{manifest.index_command(folder)}`"
                )
            clear_leftovers(folder, manifest)  # a good leftover may have the next number
            changes = self._write(manifest.next_number)
            write_manifest(folder, dataclasses.replace(manifest, **changes, is_signed=True))
            for each in filter(None, (manifest.index, manifest.statistics)):
                each.path(folder).unlink(missing_ok=True)
            store.manifest = dataclasses.replace(store.manifest, **changes, is_signed=True)

    def _write(self, number: int) -> dict:
        """Writes the files of statistics and index, and returns their entries for the manifest."""
        folder, statistics, index = self.store.folder, None, None
        if isinstance(self.store, AdaptedStore):
            statistics = write_statistics(folder, number, self.store.statistics)
            number += 1
        try:
            if self.index is not None:
                index = write_index(
                    self.store, self.index, self.settings, number, statistics and statistics.number
                )
        except BaseException:
            if statistics is not None:
                statistics.path(folder).unlink(missing_ok=True)
            raise
        return {"statistics": statistics, "index": index, "next_number": number + 1}

    @property
    def num_rows(self) -> int:
        """Number of rows in the index, which are the first ones of the store."""
        return 0 if self.index is None else self.index.ntotal

    def with_effort(self, effort: int) -> "StoreIndex":
        """Returns the same index with another effort: a larger one searches more thoroughly."""
        return StoreIndex(self.store, IndexSettings(self.settings.kind, effort), self.index)

    def search(
        self,
        queries: NDArray[np.floating],
        num_neighbors: int,
        *,
        is_allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Finds the most similar photos of each query.

        Args:
            queries: (Q, D) float. Descriptors of unit length, one or a batch.
            num_neighbors: int. `k`, how many to find.
            is_allowed: (num_rows of the store,) bool or None. The rows that may be found, as
                `Where.rows` returns them. None: all.

        Returns:
            neighbors `(Q, k)` int64, rows of the store, best first; similarities `(Q, k)` float32,
            larger is better. If fewer photos are found, the rest is -1 and -infinity.

        Raises:
            ValueError: If the shapes do not fit.
        """
        store = self.store
        queries = checked_queries(store, queries)
        if num_neighbors < 1:
            raise ValueError(
                f"`num_neighbors` must be at least 1. Received: num_neighbors={num_neighbors}"
            )
        is_there = ~store.is_removed
        if is_allowed is not None:
            if is_allowed.shape != is_there.shape:
                raise ValueError(
                    f"`is_allowed` must be {is_there.shape}. Received: {is_allowed.shape}"
                )
            is_there &= is_allowed
        num_allowed = int(is_there[: self.num_rows].sum())
        wanted = 0 if self.index is None else num_candidates(self.settings.kind, num_neighbors)
        if num_allowed <= max(wanted, _FEW_SHARE * self.num_rows):
            return nearest_in_store(store, queries, num_neighbors, is_allowed=is_there)
        found = self._search_index(queries, num_neighbors, is_there, num_allowed, wanted)
        is_open = found[0][:, -1] < 0
        if is_open.any():
            is_indexed = is_there & (np.arange(store.num_rows) < self.num_rows)
            exact = nearest_in_store(store, queries[is_open], num_neighbors, is_allowed=is_indexed)
            for part, compared in zip(found, exact, strict=True):
                part[is_open] = compared
        if self.num_rows == store.num_rows:
            return found
        added = nearest_in_store(
            store, queries, num_neighbors, is_allowed=is_there, start=self.num_rows
        )
        neighbors = np.concatenate([found[0], added[0]], axis=1)
        similarities = np.concatenate([found[1], added[1]], axis=1)
        return ranked(neighbors, similarities, num_neighbors)

    def _search_index(
        self,
        queries: NDArray[np.float32],
        num_neighbors: int,
        is_there: NDArray[np.bool_],
        num_allowed: int,
        wanted: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns the candidates of the index that are best by their exact similarities.

        The result is -1 for a query whose candidates are too few or equally similar.
        """
        neighbors = np.full((len(queries), num_neighbors), -1, np.int64)
        similarities = np.full((len(queries), num_neighbors), -np.inf, np.float32)
        selector, growths = None, np.ones(len(queries))
        if num_allowed < self.num_rows:
            bits = np.packbits(is_there[: self.num_rows], bitorder="little")
            selector = _faiss.IDSelectorBitmap(bits)
            growths = self._growths(queries, is_there, num_allowed, wanted)
        most = max(1, _MAX_CANDIDATE_VALUES // (wanted * queries.shape[1]))
        for growth in np.unique(growths[np.isfinite(growths)]):
            parameters = self._parameters(selector, wanted, growth)
            alike = np.flatnonzero(growths == growth)
            for places in np.split(alike, range(most, len(alike), most)):
                with products_from(_ONE_BY_ONE):
                    rows = self.index.search(queries[places], wanted, params=parameters)[1]
                is_full = rows[:, num_neighbors - 1] >= 0
                places, rows = places[is_full], rows[is_full]
                *best, is_clear = best_candidates(self.store, queries[places], rows, num_neighbors)
                places = places[is_clear]
                neighbors[places], similarities[places] = (each[is_clear] for each in best)
        return neighbors, similarities

    def _growths(
        self,
        queries: NDArray[np.float32],
        is_there: NDArray[np.bool_],
        num_allowed: int,
        wanted: int,
    ) -> NDArray[np.float64]:
        """Returns the factor by which each query's effort grows if only some photos are allowed.

        It is the number of photos per allowed photo, in the whole index. A graph reaches the photos
        nearest to the query first, so for a graph it is also the number among these. It is infinite
        if hardly any of them is allowed.
        """
        growths = np.full(len(queries), self.num_rows / num_allowed)
        if self.settings.kind == "hnsw":
            in_view = min(self.num_rows, max(self.settings.effort, wanted))
            parameters = self._parameters(None, in_view, 1.0)
            rows = self.index.search(queries, in_view, params=parameters)[1]
            shares = (is_there[np.maximum(rows, 0)] & (rows >= 0)).mean(axis=1)
            growths = np.maximum(growths, 1 / np.maximum(shares, 1e-9))
            growths[shares < _FEW_SHARE] = np.inf
        return 2 ** np.ceil(np.log2(growths))  # few factors, because each needs a batch

    def _parameters(
        self, selector: faiss.IDSelector | None, wanted: int, growth: float
    ) -> faiss.SearchParameters:
        """Returns how FAISS searches, with `growth` as the factor of the effort."""
        kind, effort = self.settings.kind, self.settings.effort
        if kind == "hnsw":
            in_view = math.ceil(growth * max(effort, wanted))
            return _faiss.SearchParametersHNSW(sel=selector, efSearch=in_view)
        if kind == "ivf_pq":
            lists = min(self.index.nlist, math.ceil(growth * max(1, effort)))
            return _faiss.SearchParametersIVF(sel=selector, nprobe=lists)
        return _faiss.SearchParameters(sel=selector)


_INDEX_WITHOUT_DIGEST = "index.json"


def _adapted(
    store: DescriptorStore, manifest: Manifest, is_adapted: bool | None
) -> DescriptorStore:
    """Returns a store, adapted or not, as it is compared, and warns of stale statistics."""
    about = manifest.statistics
    if is_adapted is None:
        is_adapted = about is not None and about.num_photos >= ENOUGH_PHOTOS
    if not is_adapted:
        return store
    if about is None:
        raise ValueError(
            f"There are no statistics of the map in {store.folder}. Fit them: "
            f"`placevec index {shown(store.folder)}`"
        )
    if about.num_changed:
        _log.warning(
            "the statistics of the map in %s are stale: %s added or removed since they were fitted "
            "on %d. Fit them again: `%s`",
            store.folder, counted(about.num_changed, "photo was", "photos were"), about.num_photos,
            manifest.index_command(store.folder),
        )  # fmt: skip
    return AdaptedStore.open(store, manifest)


def _rows_of(manifest: Manifest, num_rows: int) -> list[object]:
    """Returns values that identify the first rows of a store."""
    rows, first = [], 0
    for shard in manifest.shards:
        if first >= num_rows:
            break
        rows.append((shard.number, shard.count, shard.sha256))
        first += shard.count
    return [manifest.model_id, first == num_rows, *rows]
