import numpy as np
import pytest

from placevec.retrieval.reranking.rerank import (
    LocalMatcher,
    agreeing,
    map_matcher,
    mutual_cells,
    rerank,
)


def unit_maps(count=3, grid=(5, 7), dim=6, seed=0):
    maps = np.random.default_rng(seed).normal(size=(count, *grid, dim)).astype(np.float32)
    return maps / np.linalg.norm(maps, axis=-1, keepdims=True)


def moved(photo, down, right, seed=9):
    """The map of a photo whose content moved; what came in is noise."""
    rows, columns = photo.shape[:2]
    result = unit_maps(1, photo.shape[:2], photo.shape[2], seed)[0]
    for row in range(rows):
        for column in range(columns):
            if 0 <= row + down < rows and 0 <= column + right < columns:
                result[row + down, column + right] = photo[row, column]
    return result


def test_mutual_cells_equal_plain_loops():
    query, candidates = unit_maps(1)[0], unit_maps(3, (4, 6), seed=1)
    cells = mutual_cells(query.astype(np.float16), candidates.astype(np.float16))
    query = query.astype(np.float16).astype(float).reshape(-1, 6)
    for photo, found in zip(candidates, cells, strict=True):
        photo = photo.astype(np.float16).astype(float).reshape(-1, 6)
        for here in range(len(query)):
            there = max(range(len(photo)), key=lambda cell: query[here] @ photo[cell])
            back = max(range(len(query)), key=lambda cell: query[cell] @ photo[there])
            assert found[here] == (there if back == here else -1)


def test_of_equal_cells_the_first_is_matched():
    same = np.ones((1, 2, 2, 1), np.float32)
    assert mutual_cells(same[0], same).tolist() == [[0, -1, -1, -1]]


def test_agreement_equals_plain_loops():
    rng = np.random.default_rng(2)
    cells = rng.integers(-20, 48, (4, 48)).clip(-1)
    cells[:2] = np.where(rng.random((2, 48)) < 0.6, (np.arange(48) + 9) % 48, cells[:2])
    assert 10 < agreeing(cells, (6, 8)).sum() < 100
    for found, photo in zip(agreeing(cells, (6, 8)), cells, strict=True):
        for cell in range(48):
            votes = 0
            for other in range(48):
                if min(photo[cell], photo[other]) < 0 or cell == other:
                    continue
                apart = np.subtract(divmod(cell, 8), divmod(other, 8))
                apart_there = np.subtract(divmod(photo[cell], 8), divmod(photo[other], 8))
                is_near = np.abs(apart).max() <= RADIUS
                votes += is_near and np.abs(apart_there - apart).max() <= TOLERANCE
            assert found[cell] == (votes >= FEWEST)


RADIUS, TOLERANCE, FEWEST = 2, 2, 4


def test_a_moved_photo_is_matched_where_its_content_went():
    query = unit_maps(1, (9, 12), 16)[0]
    candidates = np.stack([moved(query, 1, 2), unit_maps(1, (9, 12), 16, seed=5)[0]])
    matcher = map_matcher(lambda _: query, lambda rows: candidates[rows], (9, 12))
    points, none = matcher.match(0, np.array([0, 1]))
    assert matcher.full_count == 9 * 12
    assert len(points) >= 60 and len(none) <= 5
    shift = points[:, 2:] - points[:, :2]
    np.testing.assert_allclose(np.median(shift, axis=0), [2 / 12, 1 / 9], atol=1e-6)
    assert points.dtype == np.float32 and points.min() > 0 and points.max() < 1


def test_two_planes_that_move_apart_are_both_kept():
    query = unit_maps(1, (8, 16), 16)[0]
    both = np.concatenate([moved(query[:, :8], 1, 0), moved(query[:, 8:], -1, 1)], axis=1)
    matcher = map_matcher(lambda _: query, lambda _: both[None], (8, 16))
    points = matcher.match(0, np.array([0]))[0]
    assert (points[:, 0] < 0.5).sum() > 30 and (points[:, 0] > 0.5).sum() > 30


def counts_as_points(counts):
    calls = []

    def match(query, rows):
        calls.append((query, rows.tolist()))
        return [np.full((counts[row], 4), row, np.float32) for row in rows]

    return LocalMatcher(match, 100 if len(counts) > 1 else 10), calls


def test_the_score_is_similarity_plus_the_share_of_points():
    match, calls = counts_as_points({5: 0, 6: 30, 7: 9, 8: 99})
    neighbors = np.array([[5, 6, 7, 8]])
    similarities = np.array([[0.70, 0.68, 0.60, 0.10]], np.float32)
    found = rerank(neighbors, similarities, match, top=3, num_with_points=2)
    assert calls == [(0, [5, 6, 7])]
    assert found.neighbors.tolist() == [[6, 5, 7, 8]]
    np.testing.assert_allclose(found.scores, [[0.98, 0.70, 0.69, 0.10]], atol=1e-6)
    assert found.inliers.tolist() == [[30, 0, 9, -1]]
    np.testing.assert_allclose(found.similarities, [[0.68, 0.70, 0.60, 0.10]])
    assert [len(points) for points in found.points[0]] == [30, 0]
    assert neighbors.tolist() == [[5, 6, 7, 8]]  # not changed


def test_a_sure_first_answer_stays_and_alone_is_compared():
    match, calls = counts_as_points({0: 1, 1: 90})
    found = rerank(np.array([[0, 1]]), np.array([[0.9, 0.7]]), match, top=2)
    assert calls == [(0, [0])]
    assert found.neighbors.tolist() == [[0, 1]] and found.inliers.tolist() == [[1, -1]]


def test_takes_fewer_answers_than_asked_for_and_none():
    match, calls = counts_as_points({3: 4})
    neighbors, similarities = np.array([[3, -1], [-1, -1]]), np.full((2, 2), -np.inf)
    similarities[0, 0] = 0.5
    found = rerank(neighbors, similarities, match, top=2)
    assert calls == [(0, [3])]
    assert found.neighbors.tolist() == neighbors.tolist()
    assert found.inliers.tolist() == [[4, -1], [-1, -1]]
    assert np.isneginf(found.scores[1]).all() and found.points[1] == []


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"both be \(Q, k\)"):
        rerank(np.zeros((2, 3)), np.zeros((2, 2)), counts_as_points({})[0], top=1)
    with pytest.raises(ValueError, match="at least 1. Received: top=0"):
        rerank(np.zeros((2, 2)), np.zeros((2, 2)), counts_as_points({})[0], top=0)
