"""Orders the results of a search by similarity, and equally similar ones by row."""

import contextlib
from collections.abc import Iterator

import faiss
import numpy as np
from numpy.typing import NDArray

# From this many queries on FAISS compares them, below one product of NumPy is faster: see
# benchmarks/search.py.
_QUERIES_FOR_FAISS = 8
_PRODUCT_ROWS = 16_384  # FAISS's default of 1,024 database rows often waits for threads
_SPARE = 8  # extra candidates, which show whether a missing photo could be as similar
_MAX_VALUES = 2**22  # compared at a time: candidates times their dimensions


def similarities_of(
    vectors: NDArray[np.float32], queries: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Returns exact similarities: inner products summed in double precision.

    The last digits of fast matrix products depend on how many descriptors are compared at once.
    These similarities only depend on the two descriptors, so they are equal in every search.

    Args:
        vectors: (n, c, D) float32. The candidates of each query.
        queries: (n, D) float32.

    Returns:
        (n, c) float32.
    """
    similarities = np.empty(vectors.shape[:2], np.float32)
    most = max(1, _MAX_VALUES // max(1, vectors.shape[1] * vectors.shape[2]))
    for start in range(0, len(vectors), most):
        part = slice(start, start + most)
        products = np.multiply(vectors[part], queries[part, None], dtype=np.float64, order="C")
        similarities[part] = products.sum(axis=-1)
    return similarities


def ranked(
    rows: NDArray[np.int64], similarities: NDArray[np.float32], num_neighbors: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns the best candidates of each query: the most similar first, then the lower row.

    Args:
        rows: (Q, c) int64. -1 with a similarity of -infinity stands for no candidate.
        similarities: (Q, c) float32.
        num_neighbors: int. `k`.

    Returns:
        rows `(Q, k)` and similarities `(Q, k)`.
    """
    order = np.lexsort((rows, -similarities), axis=1)[:, :num_neighbors]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(similarities, order, axis=1)


def most_similar(
    database: NDArray[np.float32], queries: NDArray[np.float32], num_neighbors: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the most similar descriptors by comparing all of them, in the order of `ranked`.

    A fast product gives enough candidates that no other descriptor can be as similar. Their order
    then comes from `similarities_of`.

    Args:
        database: (M, D) float32, contiguous. Of unit length.
        queries: (Q, D) float32, contiguous. Of unit length.
        num_neighbors: int. `k`, at most `M`.

    Returns:
        rows `(Q, k)` int64 and similarities `(Q, k)` float32.
    """
    if len(queries) < _QUERIES_FOR_FAISS:
        return _by_product(database, queries, num_neighbors)
    wanted = min(num_neighbors + _SPARE, len(database))
    values, rows = _by_faiss(database, queries, wanted)
    last = values[:, num_neighbors - 1] - _tolerance(database.shape[1])
    is_sure = (values[:, -1] < last) | (wanted == len(database))
    found = np.empty((len(queries), num_neighbors), np.int64)
    similarities = np.empty((len(queries), num_neighbors), np.float32)
    most = max(1, _MAX_VALUES // (wanted * database.shape[1]))
    sure = np.flatnonzero(is_sure)
    for places in np.split(sure, range(most, len(sure), most)):
        exact = similarities_of(database[rows[places]], queries[places])
        found[places], similarities[places] = ranked(rows[places], exact, num_neighbors)
    unsure = np.flatnonzero(~is_sure)
    for places in np.split(unsure, range(_QUERIES_FOR_FAISS, len(unsure), _QUERIES_FOR_FAISS)):
        found[places], similarities[places] = _by_product(database, queries[places], num_neighbors)
    return found, similarities


@contextlib.contextmanager
def products_from(num_queries: int) -> Iterator[None]:
    """Makes FAISS use matrix products from a number of queries on, and single products below."""
    settings = faiss.cvar
    before = settings.distance_compute_blas_threshold, settings.distance_compute_blas_database_bs
    settings.distance_compute_blas_threshold = num_queries
    settings.distance_compute_blas_database_bs = _PRODUCT_ROWS
    try:
        yield
    finally:
        settings.distance_compute_blas_threshold, settings.distance_compute_blas_database_bs = (
            before
        )


def _by_product(
    database: NDArray[np.float32], queries: NDArray[np.float32], num_neighbors: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the most similar descriptors of a few queries, even if many are equally similar."""
    found = np.empty((len(queries), num_neighbors), np.int64)
    similarities = np.empty((len(queries), num_neighbors), np.float32)
    values = queries @ database.T  # (Q, M)
    last = np.partition(values, -num_neighbors, axis=1)[:, -num_neighbors]
    for place, least in enumerate(last - _tolerance(database.shape[1])):
        rows = np.flatnonzero(values[place] >= least)
        query = np.broadcast_to(queries[place], (len(rows), database.shape[1]))
        exact = np.concatenate(
            [
                similarities_of(database[part, None], query[: len(part)])[:, 0]
                for part in np.array_split(rows, 1 + rows.size * query.shape[1] // _MAX_VALUES)
            ]
        )
        best = ranked(rows[None], exact[None], num_neighbors)
        found[place], similarities[place] = best[0][0], best[1][0]
    return found, similarities


def _by_faiss(
    database: NDArray[np.float32], queries: NDArray[np.float32], num_neighbors: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    with products_from(1):
        return faiss.knn(queries, database, num_neighbors, metric=faiss.METRIC_INNER_PRODUCT)


def _tolerance(dim: int) -> float:
    """Returns the largest error of a difference of two inner products in single precision.

    The rounding error of a sum grows with the square root of the number of terms, or with the
    number of terms in each partial sum. Matrix products use at least 16 partial sums.
    """
    return (dim**0.5 + dim / 16 + 1) * 2.0**-22
