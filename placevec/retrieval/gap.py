"""Computes how far an answer is ahead of every other place.

This file only needs NumPy and works on arrays.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from placevec.config import CalibrateConfig

PLACE_RADIUS_M = CalibrateConfig.radius_m
"""Photos farther apart than this, in metres or frames, show different places."""

_MOST_OF_A_PLACE = 1024  # the most similar photos among which another place is looked for
_QUERIES_AT_A_TIME = 1024

Pool = tuple[NDArray[np.int64], NDArray[np.floating]]
"""Rows `(Q, n)`, best first, -1 for no photo, and their similarities `(Q, n)`."""


def gaps(
    matches: NDArray[np.int64],
    similarities: NDArray[np.floating],
    positions_m: NDArray[np.floating],
    pool: Pool,
    find: Callable[[NDArray[np.int64], int], Pool],
) -> NDArray[np.floating]:
    """Returns the similarity of each match minus that of the best photo of any other place.

    Another place is farther than 25 m from the match. If a position is not known, every other photo
    counts as another place. The gap is negative if another place is more similar.

    Args:
        matches: (Q, k) int64. Rows of the map; -1 stands for no match.
        similarities: (Q, k) float.
        positions_m: (M, 2) float. Positions in the map, NaN if unknown.
        pool: Pool. The most similar photos of each query.
        find: callable. From indices of queries and a number of photos to a larger pool. It is
            called for the 1,024 most similar photos if the pool only shows one place.

    Returns:
        (Q, k) float. NaN if there is no match, or if all those photos show its place.
    """
    found = _gaps(matches, similarities, positions_m, *pool)
    is_open = (np.isnan(found) & (matches >= 0)).any(axis=1)
    rows = np.flatnonzero(is_open & (pool[0][:, -1] >= 0))  # the map may have more photos
    for first in range(0, len(rows), _QUERIES_AT_A_TIME):
        some = rows[first : first + _QUERIES_AT_A_TIME]
        larger = find(some, _MOST_OF_A_PLACE)
        found[some] = _gaps(matches[some], similarities[some], positions_m, *larger)
    return found


def _gaps(
    matches: NDArray[np.int64],
    similarities: NDArray[np.floating],
    positions_m: NDArray[np.floating],
    rows: NDArray[np.int64],
    values: NDArray[np.floating],
) -> NDArray[np.floating]:
    found = np.full(matches.shape, np.nan)
    for rank, match in enumerate(matches.T):
        apart_m = np.linalg.norm(positions_m[rows] - positions_m[match][:, None], axis=2)
        is_elsewhere = np.where(
            np.isnan(apart_m), rows != match[:, None], apart_m > PLACE_RADIUS_M
        )  # (Q, n)
        best = np.where(is_elsewhere & (rows >= 0), values, -np.inf).max(axis=1)
        is_known = (match >= 0) & np.isfinite(best)
        found[is_known, rank] = similarities[is_known, rank] - best[is_known]
    return found
