"""Lowers the scores of photos that are similar to everything, with CSLS.

This file only needs NumPy and works on arrays.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from placevec.config.choices import HUBNESS, choose
from placevec.store.search.exact import nearest

_NUM_CANDIDATES = 100  # CSLS only ranks the most similar photos of each query again
NUM_NEIGHBORS = 10
"""Nearest neighbors whose mean similarity tells how near a photo is to everything."""

Find = Callable[[NDArray[np.floating], int], tuple[NDArray[np.int64], NDArray[np.float32]]]


def depth(hubness: str, wanted: int) -> int:
    """Returns how many photos to find per query, so that the best `wanted` are among them."""
    return max(wanted, _NUM_CANDIDATES) if choose(HUBNESS, hubness, "hubness").home else wanted


def without_hubs(
    hubness: str,
    neighbors: NDArray[np.int64],
    similarities: NDArray[np.float32],
    queries: NDArray[np.floating],
    find: Find,
    take: Callable[[NDArray[np.int64]], NDArray[np.floating]],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ranks the photos that queries found again, with CSLS.

    Args:
        hubness: str. A row of `HUBNESS`. With none, the arguments are returned unchanged.
        neighbors: (Q, k) int64. Found photos, best first, as many as `depth` returns; -1 stands for
            no photo.
        similarities: (Q, k) float32. -infinity if there is no photo.
        queries: (B, n) float. All queries of the call, including the Q that found these photos.
        find: callable. From vectors `(m, n)` and a number of neighbors to the result of `nearest`
            in the whole map.
        take: callable. From rows `(m,)` of the map to their vectors `(m, n)`.

    Returns:
        neighbors `(Q, k)` and scores `(Q, k)` float32, best first; see `csls`.
    """
    row = choose(HUBNESS, hubness, "hubness")
    if not row.home or not len(neighbors):
        return neighbors, similarities
    rows, places = np.unique(neighbors, return_inverse=True)
    of_rows = np.zeros(len(rows))
    there = rows >= 0
    of_rows[there] = row.find()(rows[there], take(rows[there]), queries, find)
    scores = csls(
        similarities, mean_nearest(similarities), of_rows[places.reshape(neighbors.shape)]
    )
    order = np.lexsort((neighbors, -scores), axis=1)
    return np.take_along_axis(neighbors, order, axis=1), np.take_along_axis(scores, order, axis=1)


def of_map(
    rows: NDArray[np.int64], photos: NDArray[np.floating], queries: NDArray[np.floating], find: Find
) -> NDArray[np.float64]:
    """Returns the mean similarity of photos to their 10 nearest others in the map, `(m,)`."""
    neighbors, similarities = find(photos, NUM_NEIGHBORS + 1)
    is_itself = neighbors == rows[:, None]
    return mean_nearest(np.where(is_itself, -np.inf, similarities))


def of_batch(
    rows: NDArray[np.int64], photos: NDArray[np.floating], queries: NDArray[np.floating], find: Find
) -> NDArray[np.float64]:
    """Returns the mean similarity of photos to their 10 nearest queries, `(m,)`."""
    return mean_nearest(nearest(queries, photos, NUM_NEIGHBORS)[1])


def csls(
    similarities: NDArray[np.floating],
    of_queries: NDArray[np.floating],
    of_photos: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Subtracts from similarities how similar query and photo are to others anyway.

        2 * similarity - (mean similarity of the query to its 10 nearest photos)
                       - (mean similarity of the photo to its 10 nearest neighbors)

    Args:
        similarities: (Q, k) float. -infinity if there is no photo.
        of_queries: (Q,) float. See `mean_nearest`.
        of_photos: (Q, k) float. The same for each found photo.

    Returns:
        (Q, k) float32. Larger is better; -infinity if there is no photo.

    Example:
    >>> csls(np.array([[0.9, 0.8]]), np.array([0.5]), np.array([[0.8, 0.6]])).round(3).tolist()
    [[0.5, 0.5]]

    Reference:
        [Conneau et al., 2018](https://arxiv.org/abs/1710.04087).
    """
    scores = 2 * np.asarray(similarities, np.float64) - of_queries[:, None] - of_photos
    return scores.astype(np.float32)


def mean_nearest(similarities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Returns the mean of each row's 10 largest similarities, `(n,)` float64.

    Args:
        similarities: (n, k) float. -infinity stands for no photo. A row without photos has the mean
            0.
    """
    largest = -np.sort(-np.asarray(similarities, np.float64), axis=1)[:, :NUM_NEIGHBORS]
    is_there = ~np.isneginf(largest)
    return np.where(is_there, largest, 0).sum(axis=1) / np.maximum(is_there.sum(axis=1), 1)
