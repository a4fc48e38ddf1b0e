"""Finds exact nearest neighbors of descriptors."""

import math

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.store.search.ranking import most_similar, ranked, similarities_of
from placevec.store.store import DescriptorStore
from placevec.store.unit_length import to_unit

# Candidates per requested neighbor, whose exact similarity is computed.
_CANDIDATES = {"sq8": 2, "hnsw": 2, "ivf_pq": 10}
_LEAST_NEIGHBORS = 32  # so that a shorter answer is the beginning of a longer one


def nearest(
    database: NDArray[np.floating], queries: NDArray[np.floating], num_neighbors: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the most similar database descriptors of each query by comparing all of them.

    Equally similar descriptors come in the order of their rows. So a shorter answer is the
    beginning of a longer one, and a query gets the same answer alone and among others.

    Args:
        database: (M, D) float. Descriptors of unit length. Others are scaled, with a warning.
        queries: (Q, D) float. Likewise.
        num_neighbors: int. How many to find. A number above `M` is lowered to `M`.

    Returns:
        neighbors `(Q, k)` int64, rows of `database`, best first; similarities `(Q, k)` float32,
        the inner products, larger is better.

    Raises:
        ValueError: If the shapes do not fit, or a descriptor is zero or not finite.

    Example:
    >>> neighbors, similarities = nearest(np.eye(3), np.array([[0.0, 1.0, 0.0]]), 1)
    >>> neighbors.tolist(), similarities.tolist()
    ([[1]], [[1.0]])
    """
    database = np.ascontiguousarray(database, np.float32)
    queries = np.ascontiguousarray(queries, np.float32)
    if database.ndim != 2 or queries.ndim != 2 or database.shape[1] != queries.shape[1]:
        raise ValueError(
            "`database` and `queries` must be (M, D) and (Q, D). Received: "
            f"{database.shape} and {queries.shape}"
        )
    if num_neighbors < 1 or not len(database):
        raise ValueError(
            "`num_neighbors` must be at least 1 and `database` not empty. Received: "
            f"num_neighbors={num_neighbors}, {counted(len(database), 'descriptor')}"
        )
    database = to_unit(database, "`database`")
    return most_similar(database, to_unit(queries, "`queries`"), min(num_neighbors, len(database)))


def nearest_in_store(
    store: DescriptorStore,
    queries: NDArray[np.floating],
    num_neighbors: int,
    *,
    is_allowed: NDArray[np.bool_] | None = None,
    start: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the most similar photos of a store by comparing all of them, piece by piece.

    Memory only holds one piece of the store at a time. The order is that of `nearest`.

    Args:
        store: DescriptorStore.
        queries: (Q, D) float. Descriptors of unit length. Others are scaled, with a warning.
        num_neighbors: int. `k`, how many to find.
        is_allowed: (num_rows,) bool or None. The rows that may be found. None: all rows.
        start: int. The first row that may be found.

    Returns:
        neighbors `(Q, k)` int64, rows of the store, best first; similarities `(Q, k)` float32,
        larger is better. If fewer photos are allowed, the rest is -1 and -infinity.

    Raises:
        ValueError: If the shapes do not fit, or a descriptor is zero or not finite.
    """
    queries = checked_queries(store, queries)
    is_allowed = ~store.is_removed if is_allowed is None else is_allowed
    neighbors = np.full((len(queries), num_neighbors), -1, np.int64)
    similarities = np.full((len(queries), num_neighbors), -np.inf, np.float32)
    for first, block in store.blocks(start):
        allowed = is_allowed[first : first + len(block)]
        if not allowed.any():
            continue
        rows = first + np.flatnonzero(allowed)
        block = store.compared(block if allowed.all() else block[allowed])
        found, values = most_similar(block, queries, min(num_neighbors, len(block)))
        neighbors, similarities = ranked(
            np.concatenate([neighbors, rows[found]], axis=1),
            np.concatenate([similarities, values], axis=1),
            num_neighbors,
        )
    return neighbors, similarities


def num_candidates(kind: str, num_neighbors: int) -> int:
    """Returns how many candidates of an approximate search are compared exactly.

    The number is the same for all small `k`, so that a shorter answer is the beginning of a longer
    one.

    Args:
        kind: str. A kind of index, see `IndexSettings`.
        num_neighbors: int. `k`.
    """
    depth = max(_LEAST_NEIGHBORS, 2 ** math.ceil(math.log2(num_neighbors)))
    return _CANDIDATES[kind] * depth


def best_candidates(
    store: DescriptorStore,
    queries: NDArray[np.float32],
    candidates: NDArray[np.int64],
    num_neighbors: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """Returns the candidates of an approximate search that are best by their exact similarities.

    Args:
        store: DescriptorStore.
        queries: (Q, D) float32. Descriptors of unit length.
        candidates: (Q, c) int64. Rows of the store, at least `k` per query. -1: no candidate.
        num_neighbors: int. `k`.

    Returns:
        neighbors `(Q, k)` and similarities `(Q, k)` as `nearest_in_store` does, and `(Q,)` bool,
        which is False if some candidates of a query are equally similar. An approximate search may
        miss some equally similar photos, even those of the lowest rows.
    """
    unique, place = np.unique(candidates, return_inverse=True)
    vectors = store.take(np.maximum(unique, 0))[place.reshape(candidates.shape)]  # (Q, c, D)
    values = similarities_of(vectors, queries)  # (Q, c)
    values[candidates < 0] = -np.inf
    rows, values = ranked(candidates, values, candidates.shape[1])
    first = values[:, : num_neighbors + 1]
    is_equal = (first[:, 1:] == first[:, :-1]) & (first[:, 1:] > -np.inf)
    return rows[:, :num_neighbors], values[:, :num_neighbors], ~is_equal.any(axis=1)


def checked_queries(store: DescriptorStore, queries: NDArray[np.floating]) -> NDArray[np.float32]:
    """Returns queries as contiguous float32 of unit length, and refuses those of another shape."""
    queries = np.ascontiguousarray(queries, np.float32)
    if not len(store):
        raise ValueError(f"There are no photos in {store.folder}. Describe some first")
    if queries.ndim != 2 or queries.shape[1] != store.dim:
        raise ValueError(
            f"`queries` must be (Q, {store.dim}), as the descriptors in {store.folder}. "
            f"Received: {queries.shape}"
        )
    return to_unit(queries, "`queries`")
