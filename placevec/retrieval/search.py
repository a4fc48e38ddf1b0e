"""Exact nearest neighbours of descriptors."""

import faiss
import numpy as np

from placevec.retrieval.store import DescriptorStore

# So many queries are compared by FAISS, fewer by one product of NumPy: see benchmarks/search.py.
_QUERIES_FOR_FAISS = 8
_PRODUCT_ROWS = 16_384  # of the database in one product; FAISS's own 1,024 wait for threads often


def nearest(
    database: np.ndarray, queries: np.ndarray, num_neighbors: int
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the most similar database descriptors of each query by comparing all of them.

    Args:
        database: (M, D) float32. Descriptors of unit length.
        queries: (Q, D) float32. Descriptors of unit length.
        num_neighbors: int. How many to find, at most `M`; a larger number is lowered to `M`.

    Returns:
        neighbors `(Q, k)` int64, rows of `database`, best first; similarities `(Q, k)` float32,
        the inner products, larger is better.

    Raises:
        ValueError: If the shapes do not fit or a number is not finite.

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
            f"num_neighbors={num_neighbors}, {len(database)} descriptors"
        )
    if not (np.isfinite(database).all() and np.isfinite(queries).all()):
        raise ValueError("Descriptors must be finite. Received: NaN or infinity")
    return _most_similar(database, queries, min(num_neighbors, len(database)))


def nearest_in_store(
    store: DescriptorStore,
    queries: np.ndarray,
    num_neighbors: int,
    *,
    is_allowed: np.ndarray | None = None,
    start: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the most similar photos of a store by comparing all of them, piece by piece.

    Memory holds one piece of the store, however large it is.

    Args:
        store: DescriptorStore.
        queries: (Q, D) float32. Descriptors of unit length.
        num_neighbors: int. `k`, how many to find.
        is_allowed: (num_rows,) bool or None. The rows that may be found. None: all that are there.
        start: int. The first row that may be found.

    Returns:
        neighbors `(Q, k)` int64, rows of the store, best first; similarities `(Q, k)` float32,
        larger is better. Where fewer photos are allowed: -1 and -infinity.

    Raises:
        ValueError: If the shapes do not fit.
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
        block = np.ascontiguousarray(block if allowed.all() else block[allowed], np.float32)
        found, values = _most_similar(block, queries, min(num_neighbors, len(block)))
        neighbors, similarities = merged(
            (neighbors, rows[found]), (similarities, values), num_neighbors
        )
    return neighbors, similarities


def merged(
    neighbors: tuple[np.ndarray, ...], similarities: tuple[np.ndarray, ...], num_neighbors: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the best of several results of a search, best first, as `nearest_in_store` does."""
    rows, values = np.concatenate(neighbors, axis=1), np.concatenate(similarities, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")[:, :num_neighbors]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(values, order, axis=1)


def checked_queries(store: DescriptorStore, queries: np.ndarray) -> np.ndarray:
    """Returns queries as contiguous float32, and refuses those that do not fit a store."""
    queries = np.ascontiguousarray(queries, np.float32)
    if not len(store):
        raise ValueError(f"There are no photos in {store.folder}. Describe some first")
    if queries.ndim != 2 or queries.shape[1] != store.manifest.dim:
        raise ValueError(
            f"`queries` must be (Q, {store.manifest.dim}), as the descriptors in {store.folder}. "
            f"Received: {queries.shape}"
        )
    if not np.isfinite(queries).all():
        raise ValueError("`queries` must be finite. Received: NaN or infinity")
    return queries


def _most_similar(
    database: np.ndarray, queries: np.ndarray, num_neighbors: int
) -> tuple[np.ndarray, np.ndarray]:
    if not len(queries):
        return np.empty((0, num_neighbors), np.int64), np.empty((0, num_neighbors), np.float32)
    if len(queries) < _QUERIES_FOR_FAISS:
        values = queries @ database.T
        best = np.argpartition(values, -num_neighbors, axis=1)[:, -num_neighbors:].astype(np.int64)
        return merged((best,), (np.take_along_axis(values, best, axis=1),), num_neighbors)
    settings = faiss.cvar
    before = settings.distance_compute_blas_threshold, settings.distance_compute_blas_database_bs
    settings.distance_compute_blas_threshold = 1
    settings.distance_compute_blas_database_bs = _PRODUCT_ROWS
    try:
        similarities, neighbors = faiss.knn(
            queries, database, num_neighbors, metric=faiss.METRIC_INNER_PRODUCT
        )
    finally:
        settings.distance_compute_blas_threshold, settings.distance_compute_blas_database_bs = (
            before
        )
    return neighbors, similarities
