"""Reorders the first answers of a search by what both photos show at the same points."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SURE_GAP = 0.1
"""If the first answer is more similar than the second by this much, it keeps its rank."""

WEIGHT = 1.0
"""The amount that a share of 1 of matched cells adds to a similarity."""

_RADIUS_CELLS = 2  # a cell has 24 neighbors within it
_TOLERANCE_CELLS = 2  # shifts that differ by at most this agree
_FEWEST_AGREEING = 4


@dataclass(frozen=True)
class LocalMatcher:
    """Compares a query with photos of the database, point by point.

    Args:
        match: callable. Takes the index of a query and `(n,)` rows of the database. Returns for
            each row the matched points `(m, 4)` float32: column and row in the query, then in the
            match, as shares of the photo's sides in [0, 1].
        full_count: int. Number of matched points that counts as a share of 1.
    """

    match: Callable[[int, NDArray[np.int64]], list[NDArray[np.float32]]]
    full_count: int


@dataclass(frozen=True, eq=False)
class Reranked:
    """Answers in their new order.

    Args:
        neighbors: (Q, k) int64. Rows of the database, best first; -1 stands for no photo.
        similarities: (Q, k) float32. Their similarities, which are no longer in order.
        scores: (Q, k) float32. The similarity, plus `WEIGHT` times the share of matched points if
            the photos were compared; larger is better.
        inliers: (Q, k) int64. Number of matched points whose positions agree; -1 if the photos were
            not compared. The count of the first answer tells how much to trust it.
        points: list of Q lists. The matched points of the first answers, see `LocalMatcher`.
    """

    neighbors: NDArray[np.int64]
    similarities: NDArray[np.float32]
    scores: NDArray[np.float32]
    inliers: NDArray[np.int64]
    points: list[list[NDArray[np.float32]]]


def rerank(
    neighbors: NDArray[np.int64],
    similarities: NDArray[np.float32],
    matcher: LocalMatcher,
    *,
    top: int,
    sure_gap: float = SURE_GAP,
    num_with_points: int = 1,
) -> Reranked:
    """Compares each query with its first answers point by point and reorders them.

    The score of an answer is its similarity plus the weighted share of matched points. Queries are
    only reordered if their first and second answer are about as similar. A sure first answer stays,
    and is only compared to tell how much to trust it.

    Args:
        neighbors: (Q, k) int64. Rows of the database, best first; -1 stands for no photo.
        similarities: (Q, k) float32. Similarities of unit descriptors, best first.
        matcher: LocalMatcher.
        top: int. Number of answers per query to compare.
        sure_gap: float. See `SURE_GAP`.
        num_with_points: int. Number of answers per query whose matched points are kept.

    Returns:
        Reranked.

    Raises:
        ValueError: If shapes differ or `top` is below 1.

    Example:
    >>> points = {0: np.zeros((0, 4)), 1: np.zeros((9, 4))}
    >>> matcher = LocalMatcher(lambda query, rows: [points[row] for row in rows], full_count=10)
    >>> found = rerank(np.array([[0, 1]]), np.array([[0.50, 0.49]]), matcher, top=2)
    >>> found.neighbors.tolist(), found.inliers.tolist()
    ([[1, 0]], [[9, 0]])
    """
    if np.shape(neighbors) != np.shape(similarities) or np.ndim(neighbors) != 2:
        raise ValueError(
            "`neighbors` and `similarities` must both be (Q, k). Received: "
            f"{np.shape(neighbors)} and {np.shape(similarities)}"
        )
    if top < 1:
        raise ValueError(f"`top` must be at least 1. Received: top={top}")
    neighbors, similarities = np.array(neighbors, np.int64), np.array(similarities, np.float32)
    scores, inliers = similarities.copy(), np.full(neighbors.shape, -1, np.int64)
    points = []
    for query in range(len(neighbors)):
        count = min(top, int((neighbors[query] >= 0).sum()))
        if count > 1 and scores[query, 0] - scores[query, 1] > sure_gap:
            count = 1
        found = matcher.match(query, neighbors[query, :count]) if count else []
        inliers[query, :count] = [len(each) for each in found]
        scores[query, :count] += WEIGHT * inliers[query, :count] / matcher.full_count
        order = np.argsort(-scores[query, :count], kind="stable")
        for each in (neighbors, similarities, scores, inliers):
            each[query, :count] = each[query, order]
        points.append([found[place] for place in order[:num_with_points].tolist()])
    return Reranked(neighbors, similarities, scores, inliers, points)


def map_matcher(
    query_map: Callable[[int], NDArray[np.floating]],
    candidate_maps: Callable[[NDArray[np.int64]], NDArray[np.floating]],
    grid: tuple[int, int],
) -> LocalMatcher:
    """Returns a matcher for maps of local features from one network.

    Args:
        query_map: callable. From the index of a query to its map `(h, w, D)`, of unit length.
        candidate_maps: callable. From rows of the database `(n,)` to their maps `(n, h, w, D)`.
        grid: (int, int). `h` and `w`.
    """

    def match(query: int, rows: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        cells = mutual_cells(query_map(query), candidate_maps(rows))
        is_kept = agreeing(cells, grid)
        return [_points(each, kept, grid) for each, kept in zip(cells, is_kept, strict=True)]

    return LocalMatcher(match, grid[0] * grid[1])


def mutual_cells(
    query_map: NDArray[np.floating], candidate_maps: NDArray[np.floating]
) -> NDArray[np.int64]:
    """Matches cells of two photos that are each other's most similar cell.

    Args:
        query_map: (h, w, D) float. Local features of unit length.
        candidate_maps: (n, h', w', D) float. Local features of the candidates.

    Returns:
        (n, h * w) int64. For each cell of the query, row by row, the matching cell of the
        candidate, or -1.
    """
    query = np.ascontiguousarray(query_map, np.float32).reshape(-1, query_map.shape[-1])
    candidates = np.ascontiguousarray(candidate_maps, np.float32)
    count = len(candidates)
    candidates = candidates.reshape(-1, query.shape[1])
    similarity = (candidates @ query.T).reshape(count, -1, len(query))  # (n, h' * w', h * w)
    best_query = similarity.argmax(axis=2)  # (n, h' * w')
    best = np.take_along_axis(similarity, best_query[..., None], 2)[..., 0]
    is_mutual = best == np.take_along_axis(similarity.max(axis=1), best_query, 1)
    cells = np.full((count, len(query)), -1, np.int64)
    photo, cell = np.nonzero(is_mutual)
    wanted = photo * len(query) + best_query[photo, cell]
    wanted, first = np.unique(wanted, return_index=True)  # among equal cells the first one counts
    cells.reshape(-1)[wanted] = cell[first]
    return cells


def agreeing(cells: NDArray[np.int64], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Returns which matched cells moved in the same way as the cells around them.

    A match is kept if at least 4 of the up to 24 cells around it in the query are matched and moved
    equally far in the candidate, to within two cells. Things at one depth move together. So photos
    with several planes, or taken from another position, keep their matches, unlike with a single
    homography.

    Args:
        cells: (n, h * w) int64. The result of `mutual_cells`.
        grid: (int, int). `h` and `w` of the maps of both photos.

    Returns:
        (n, h * w) bool.

    Reference:
        [Bian et al., 2017](https://arxiv.org/abs/1703.05553), in which neighbors vote for a match.
    """
    rows, columns = grid
    cells = cells.reshape(-1, rows, columns)
    is_matched = cells >= 0
    row_shift = (cells // columns - np.arange(rows)[:, None]).astype(np.int16)
    column_shift = (cells % columns - np.arange(columns)).astype(np.int16)
    votes = np.zeros(cells.shape, np.int16)
    for down in range(_RADIUS_CELLS + 1):
        for right in range(-_RADIUS_CELLS if down else 1, _RADIUS_CELLS + 1):
            here, there = _overlap(rows, columns, down, right)
            agree = np.abs(row_shift[here] - row_shift[there]) <= _TOLERANCE_CELLS
            agree &= np.abs(column_shift[here] - column_shift[there]) <= _TOLERANCE_CELLS
            agree &= is_matched[here] & is_matched[there]
            votes[here] += agree
            votes[there] += agree
    return (is_matched & (votes >= _FEWEST_AGREEING)).reshape(len(cells), -1)


def _overlap(rows: int, columns: int, down: int, right: int) -> tuple[tuple, tuple]:
    """Returns the parts of grids `(n, rows, columns)` whose cells are this far from each other."""
    every, left = slice(None), max(0, -right)
    here = every, slice(0, max(0, rows - down)), slice(left, columns - max(0, right))
    there = every, slice(down, None), slice(left + right, columns - left)
    return here, there


def _points(
    cells: NDArray[np.int64], is_kept: NDArray[np.bool_], grid: tuple[int, int]
) -> NDArray[np.float32]:
    """Returns the centers of kept cells as a `LocalMatcher` returns them."""
    here, (rows, columns) = np.flatnonzero(is_kept), grid
    centers = [
        center
        for each in (here, cells[here])
        for center in ((each % columns + 0.5) / columns, (each // columns + 0.5) / rows)
    ]
    return np.stack(centers, axis=1).astype(np.float32)
