"""Exact nearest neighbours of descriptors."""

import faiss
import numpy as np


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
    index = faiss.IndexFlatIP(database.shape[1])
    index.add(database)
    similarities, neighbors = index.search(queries, min(num_neighbors, len(database)))
    return neighbors, similarities
