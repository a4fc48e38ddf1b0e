import numpy as np
import pytest

from placevec.config.choices import NORMALIZATIONS
from placevec.retrieval.normalize import Normalizer
from placevec.store import fit_map_statistics


@pytest.fixture
def statistics(unit_vectors):
    return fit_map_statistics(unit_vectors(50, 8) + 0.2)


def plain_loops(statistics, queries, mean_of):
    """Each query less as much of its mean as it contains, projected, of unit length."""
    rows = []
    for number, query in enumerate(queries):
        mean = mean_of(number)
        contained = min(max(query @ mean / (mean @ mean), 0), 1)
        moved = (query - contained * mean) @ statistics.projection.astype(np.float64)
        rows.append(moved / np.linalg.norm(moved))
    return rows


def test_equals_the_formulas_in_plain_loops(statistics, unit_vectors):
    queries = unit_vectors(7, 8, seed=1).astype(np.float64)
    prior = statistics.mean.astype(np.float64)
    means = {
        "map": lambda number: prior,
        "running": lambda number: (sum(queries[: number + 1]) + 10 * prior) / (number + 11),
        "own": lambda number: (sum(queries) + 10 * prior) / 17,
    }
    assert {"none", *means} == set(NORMALIZATIONS)
    for name, mean_of in means.items():
        adapted = Normalizer(statistics, name)(queries)
        assert adapted.dtype == np.float32
        np.testing.assert_allclose(adapted, plain_loops(statistics, queries, mean_of), atol=1e-6)


def test_the_running_mean_does_not_know_the_future(statistics, unit_vectors):
    """One by one, in parts or all at once: the same, and equal for the same beginning."""
    queries = unit_vectors(9, 8, seed=1)
    at_once = Normalizer(statistics, "running")(queries)
    one_by_one, in_parts = Normalizer(statistics, "running"), Normalizer(statistics, "running")
    np.testing.assert_allclose(
        np.concatenate([one_by_one(query[None]) for query in queries]), at_once, atol=1e-6
    )
    np.testing.assert_allclose(
        np.concatenate([in_parts(queries[:4]), in_parts(queries[4:])]), at_once, atol=1e-6
    )
    beginning = Normalizer(statistics, "running")(queries[:4])
    np.testing.assert_allclose(beginning, at_once[:4], atol=1e-6)
    assert one_by_one.num_queries == 9 and one_by_one.total.shape == (8,)


def test_own_and_running_take_off_what_queries_have_in_common(statistics, unit_vectors):
    """A light that moves all queries to one side is gone, but not by the map's mean."""
    photos = unit_vectors(300, 8, seed=2)
    moved = photos + 3 * unit_vectors(1, 8, seed=3)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    right = {}
    database = statistics.adapt(photos)
    for name in ("map", "running", "own"):
        similarity = Normalizer(statistics, name)(moved) @ database.T
        right[name] = (similarity.argmax(axis=1) == np.arange(300)).mean()
    assert right["own"] > right["map"] + 0.2 and right["running"] > right["map"] + 0.2


def test_one_query_is_compared_by_each(statistics, unit_vectors):
    query = unit_vectors(1, 8, seed=1)
    for name in ("map", "running", "own"):
        assert np.linalg.norm(Normalizer(statistics, name)(query)) == pytest.approx(1)
        assert Normalizer(statistics, name)(query[:0]).shape == (0, 8)


def test_refuses_what_is_none(statistics, unit_vectors):
    with pytest.raises(ValueError, match="normalize='night'"):
        Normalizer(statistics, "night")
    with pytest.raises(ValueError, match="subtracts a mean. Received: none"):
        Normalizer(statistics, "none")
    with pytest.raises(ValueError, match=r"must be \(N, 8\), .*Received: \(2, 9\)"):
        Normalizer(statistics, "own")(unit_vectors(2, 9))


def test_earlier_queries_are_adapted_again_by_the_mean_of_all_so_far(statistics, unit_vectors):
    queries = unit_vectors(7, dim=len(statistics.mean))
    normalizer = Normalizer(statistics, "running")
    last = normalizer(queries)[-1]
    again = normalizer.again(queries)
    assert (again[-1] == last).all() and normalizer.num_queries == 7
    assert np.abs(again[0] - Normalizer(statistics, "running")(queries)[0]).max() > 1e-3
