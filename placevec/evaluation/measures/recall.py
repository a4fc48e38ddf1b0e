"""Recall@N: how often a right photo is among the first N found."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RANKS = (1, 5, 10)


def recall(
    neighbors: NDArray[np.int64],
    relevant: Sequence[NDArray[np.int64]],
    ranks: Sequence[int] = RANKS,
) -> dict[int, float]:
    """Computes recall@N over the queries that have a right answer.

    A query is found at N if at least one of its first N neighbors is a right answer.

    Args:
        neighbors: (Q, k) int64. Rows of the database, best first; -1 means no photo.
        relevant: Q arrays of int64. Database rows that are right answers of each query. Queries
            with an empty array are left out.
        ranks: sequence of int. The values of N, each at most `k` or the size of the database.

    Returns:
        dict of N -> share of queries in [0, 1]; NaN if no query has a right answer.

    Raises:
        ValueError: If the numbers of queries differ.

    Example:
    >>> neighbors = np.array([[3, 1, 2], [0, 1, 2], [1, 2, 3]])
    >>> recall(neighbors, [np.array([1]), np.array([0, 3]), np.array([], int)], ranks=(1, 2))
    {1: 0.5, 2: 1.0}
    """
    if len(neighbors) != len(relevant):
        raise ValueError(
            "`neighbors` and `relevant` must have one row for each query. Received: "
            f"{len(neighbors)} and {len(relevant)}"
        )
    first = np.array(
        [
            _first_hit(row, right)
            for row, right in zip(neighbors, relevant, strict=True)
            if len(right)
        ]
    )
    return {
        int(rank): float(np.mean(first < rank)) if len(first) else float("nan") for rank in ranks
    }


def _first_hit(neighbors: NDArray[np.int64], relevant: NDArray[np.int64]) -> float:
    hits = np.flatnonzero(np.isin(neighbors, relevant))
    return float(hits[0]) if len(hits) else np.inf
