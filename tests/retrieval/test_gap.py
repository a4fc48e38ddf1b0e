import numpy as np
import pytest

from placevec.retrieval import gaps


def in_plain_loops(matches, similarities, positions_m, values):
    """Each match against all photos of the map."""
    found = np.full(matches.shape, np.nan)
    for query in range(len(matches)):
        for rank, match in enumerate(matches[query]):
            others = []
            for row, value in enumerate(values[query]):
                apart = np.hypot(*(positions_m[row] - positions_m[match]))
                if (apart > 25) if np.isfinite(apart) else row != match:
                    others.append(value)
            if match >= 0 and others:
                found[query, rank] = similarities[query, rank] - max(others)
    return found


@pytest.fixture
def look_up():
    """Returns a function from similarities (Q, M) to a pool of the best."""

    def make(values):
        def find(rows, count):
            order = np.argsort(-values[rows], axis=1)[:, :count]
            return order, np.take_along_axis(values[rows], order, 1)

        return find

    return make


@pytest.mark.parametrize("size", [2, 5, 60])
def test_equals_plain_loops(look_up, size):
    rng = np.random.default_rng(0)
    positions_m = rng.uniform(0, 60, (60, 2))
    positions_m[rng.random(60) < 0.2] = np.nan
    values = rng.normal(size=(9, 60))
    find = look_up(values)
    everyone = np.arange(9)
    matches, similarities = find(everyone, 4)
    found = gaps(matches, similarities, positions_m, find(everyone, size), find)
    expected = in_plain_loops(matches, similarities, positions_m, values)
    np.testing.assert_allclose(found, expected)
    assert (found[:, 0] >= 0).all() and np.isfinite(found).all()


def test_one_place_alone_has_no_gap(look_up):
    values = np.array([[0.9, 0.8, 0.7]])
    find = look_up(values)
    pool = find(np.arange(1), 3)
    assert np.isnan(gaps(pool[0][:, :2], pool[1][:, :2], np.zeros((3, 2)), pool, find)).all()
    none = np.full((1, 2), -1), np.full((1, 2), -np.inf)
    assert np.isnan(gaps(*none, np.zeros((3, 2)), none, find)).all()


def test_equal_photos_are_not_ahead_of_each_other(look_up):
    find = look_up(np.ones((1, 3)))
    pool = find(np.arange(1), 3)
    assert gaps(pool[0], pool[1], np.full((3, 2), np.nan), pool, find).tolist() == [[0, 0, 0]]
