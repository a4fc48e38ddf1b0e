"""Finds the photos of a store that may answer a query."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from placevec.config import SearchConfig
from placevec.places import PlaceDataset
from placevec.retrieval.hubness import depth, without_hubs
from placevec.retrieval.search_runs import Filter, nearest_runs
from placevec.store.search.index import StoreIndex
from placevec.store.store import DescriptorStore
from placevec.store.where import Where

_SMALLEST = 32  # an index looks up this many photos anyway


def find_pool(
    index: StoreIndex,
    queries: NDArray[np.float32],
    photos: PlaceDataset,
    filters: Sequence[Filter],
    own_names: NDArray[np.object_] | None,
    config: SearchConfig,
    rows: NDArray[np.integer],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the most similar photos of some queries that pass their filters.

    A query that is also in the store is not its own match.

    Args:
        index: StoreIndex.
        queries: (Q, n) float32. Descriptors of all queries, in the form that is compared.
        photos: PlaceDataset. The Q queries.
        filters: sequence of Q filters.
        own_names: (Q,) or None. The names that the store has for the queries.
        config: SearchConfig.
        rows: (m,) int. The queries to look up.
        count: int. Minimum number of photos to find for each query.

    Returns:
        (m, k) int64, rows of the store, best first, -1 if there are no more; and (m, k) float32,
        the similarities, -infinity if there are no more.
    """
    wanted = max(count + (own_names is not None), _SMALLEST)
    neighbors = np.full((len(queries), wanted), -1, np.int64)
    similarities = np.full((len(queries), wanted), -np.inf, np.float32)
    if config.sequence > 1:
        neighbors, similarities = nearest_runs(
            index.store, queries, photos, filters, config.sequence, wanted
        )
        filters = ()
    where = Where(index.store)
    for each in {filters[row] for row in rows.tolist()} if filters else ():
        some = np.array([row for row in rows.tolist() if filters[row] == each])
        radius_m, of, before_s = each  # queries with equal filters are one batch
        allowed = where.rows(within_m=radius_m, of=of, before_s=before_s)
        found = index.search(queries[some], depth(config.hubness, wanted), is_allowed=allowed)
        found = without_hubs(config.hubness, *found, queries, index.search, index.store.take)
        neighbors[some], similarities[some] = (part[:, :wanted] for part in found)
    neighbors, similarities = neighbors[rows], similarities[rows]
    if own_names is None:
        return neighbors, similarities
    return _without_own(index.store, own_names[rows], neighbors, similarities)


def _without_own(
    store: DescriptorStore,
    own_names: NDArray[np.object_],
    neighbors: NDArray[np.int64],
    similarities: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns neighbors and similarities without the query itself, one fewer of each."""
    names = store.photos["name"].take(neighbors.clip(0).ravel()).to_numpy(zero_copy_only=False)
    is_own = (names.reshape(neighbors.shape) == own_names[:, None]) & (neighbors >= 0)
    order = np.argsort(is_own, axis=1, kind="stable")[:, :-1]
    neighbors = np.where(is_own, -1, neighbors)
    return np.take_along_axis(neighbors, order, 1), np.take_along_axis(similarities, order, 1)
