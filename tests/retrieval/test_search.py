import numpy as np
import pytest

from placevec.retrieval import nearest


def unit_vectors(count, dim, seed):
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest_in_loops(database, queries, num_neighbors):
    rows, values = [], []
    for query in queries:
        similarities = [float(sum(a * b for a, b in zip(query, each, strict=True)))
                        for each in database]  # fmt: skip
        best = sorted(range(len(database)), key=lambda row, s=similarities: -s[row])
        rows.append(best[:num_neighbors])
        values.append([similarities[row] for row in rows[-1]])
    return np.array(rows), np.array(values)


@pytest.mark.parametrize(
    ("num_database", "num_queries", "dim"), [(60, 9, 16), (1, 1, 3), (40, 30, 2)]
)
def test_equals_the_search_in_plain_loops(num_database, num_queries, dim):
    database = unit_vectors(num_database, dim, seed=0)
    queries = unit_vectors(num_queries, dim, seed=1)
    k = min(5, num_database)
    neighbors, similarities = nearest(database, queries, k)
    rows, values = nearest_in_loops(database, queries, k)
    np.testing.assert_array_equal(neighbors, rows)
    np.testing.assert_allclose(similarities, values, atol=1e-5)
    assert neighbors.dtype == np.int64
    assert similarities.dtype == np.float32


def test_many_queries_at_once_find_the_same_as_one_by_one():
    database, queries = unit_vectors(200, 64, seed=2), unit_vectors(50, 64, seed=3)
    together, _ = nearest(database, queries, 3)
    for row, query in enumerate(queries):
        np.testing.assert_array_equal(nearest(database, query[None], 3)[0][0], together[row])


def test_the_best_stands_first_and_larger_is_better():
    _, similarities = nearest(unit_vectors(30, 4, 0), unit_vectors(5, 4, 1), 30)
    assert (np.diff(similarities, axis=1) <= 0).all()
    assert (similarities[:, 0] > 0).all()


def test_more_neighbors_than_photos_are_as_many_as_photos():
    neighbors, similarities = nearest(unit_vectors(4, 3, 0), unit_vectors(2, 3, 1), 100)
    assert neighbors.shape == similarities.shape == (2, 4)
    assert [sorted(row) for row in neighbors.tolist()] == [[0, 1, 2, 3]] * 2


def test_no_queries_find_nothing():
    neighbors, similarities = nearest(unit_vectors(4, 3, 0), np.zeros((0, 3)), 2)
    assert neighbors.shape == similarities.shape == (0, 2)


def test_takes_double_precision_and_strided_arrays():
    database = unit_vectors(20, 8, 0).astype(np.float64)
    neighbors, _ = nearest(database[::2], np.asfortranarray(database[::2]), 1)
    assert neighbors[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("database", "queries", "num_neighbors", "match"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), 1, r"must be \(M, D\) and \(Q, D\). Received: \(2, 3"),
        (np.zeros(3), np.zeros((2, 3)), 1, "must be"),
        (np.zeros((2, 3)), np.zeros(3), 1, "must be"),
        (np.zeros((0, 3)), np.zeros((2, 3)), 1, "`database` not empty. Received: .* 0 descriptors"),
        (np.zeros((2, 3)), np.zeros((2, 3)), 0, "Received: num_neighbors=0"),
        (np.full((2, 3), np.nan), np.zeros((2, 3)), 1, "must be finite"),
        (np.zeros((2, 3)), np.full((2, 3), np.inf), 1, "must be finite"),
    ],
)
def test_refuses_what_cannot_be_searched(database, queries, num_neighbors, match):
    with pytest.raises(ValueError, match=match):
        nearest(database, queries, num_neighbors)
