import numpy as np
import pytest

from placevec.store import StoreWriter, nearest, nearest_in_store


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
def test_equals_the_search_in_plain_loops(num_database, num_queries, dim, unit_vectors):
    database = unit_vectors(num_database, dim, seed=0)
    queries = unit_vectors(num_queries, dim, seed=1)
    k = min(5, num_database)
    neighbors, similarities = nearest(database, queries, k)
    rows, values = nearest_in_loops(database, queries, k)
    np.testing.assert_array_equal(neighbors, rows)
    np.testing.assert_allclose(similarities, values, atol=1e-5)
    assert neighbors.dtype == np.int64
    assert similarities.dtype == np.float32


def test_many_queries_at_once_find_the_same_as_one_by_one(unit_vectors):
    database, queries = unit_vectors(200, 64, seed=2), unit_vectors(50, 64, seed=3)
    together, _ = nearest(database, queries, 3)
    for row, query in enumerate(queries):
        np.testing.assert_array_equal(nearest(database, query[None], 3)[0][0], together[row])


def test_the_best_stands_first_and_larger_is_better(unit_vectors):
    _, similarities = nearest(unit_vectors(30, 4, 0), unit_vectors(5, 4, 1), 30)
    assert (np.diff(similarities, axis=1) <= 0).all()
    assert (similarities[:, 0] > 0).all()


def test_more_neighbors_than_photos_are_as_many_as_photos(unit_vectors):
    neighbors, similarities = nearest(unit_vectors(4, 3, 0), unit_vectors(2, 3, 1), 100)
    assert neighbors.shape == similarities.shape == (2, 4)
    assert [sorted(row) for row in neighbors.tolist()] == [[0, 1, 2, 3]] * 2


def test_no_queries_find_nothing(unit_vectors):
    neighbors, similarities = nearest(unit_vectors(4, 3, 0), np.zeros((0, 3)), 2)
    assert neighbors.shape == similarities.shape == (0, 2)


def test_takes_double_precision_and_strided_arrays(unit_vectors):
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
        (np.full((2, 3), np.nan), np.eye(2, 3), 1, "must be finite"),
        (np.eye(2, 3), np.full((2, 3), np.inf), 1, "must be finite"),
        (np.zeros((2, 3)), np.eye(2, 3), 1, "2 of 2 that are not .first: row 0, of length 0"),
    ],
)
def test_refuses_what_cannot_be_searched(database, queries, num_neighbors, match):
    with pytest.raises(ValueError, match=match):
        nearest(database, queries, num_neighbors)


@pytest.mark.parametrize("num_queries", [1, 7, 8, 40])
def test_equal_similarities_are_ordered_by_row_for_any_number_of_queries_and_neighbors(
    num_queries, unit_vectors
):
    """60 equal descriptors in places that every kind of product treats otherwise, and copies."""
    database = unit_vectors(301, 64, seed=0)
    database[np.arange(5, 301, 5)] = database[3]
    database[200:220] = database[100]
    queries = np.repeat(np.stack([database[3], database[100]]), num_queries, axis=0)
    expected = [
        sorted(range(301), key=lambda row: (-np.float32(exact[row]), row))
        for exact in (database.astype(float) @ queries.T.astype(float)).T
    ]
    assert expected[0][:5] == [3, 5, 10, 15, 20]
    for k in (1, 3, 10, 58, 100, 301):
        neighbors, similarities = nearest(database, queries, k)
        assert neighbors.tolist() == [row[:k] for row in expected]
        assert (np.diff(similarities, axis=1) <= 0).all()


@pytest.mark.parametrize("num_queries", [3, 20])
def test_all_equal_descriptors_are_found_in_the_order_of_their_rows(num_queries, monkeypatch):
    monkeypatch.setattr("placevec.store.search.ranking._MAX_VALUES", 64)
    database = np.full((100, 16), 0.25, np.float32)
    neighbors, similarities = nearest(database, database[:num_queries], 30)
    assert (neighbors == np.arange(30)).all() and (similarities == 1).all()


def test_descriptors_of_another_length_are_scaled_and_it_is_said(unit_vectors, caplog):
    lengths = np.linspace(0.1, 10, 30, dtype=np.float32)[:, None]
    database = unit_vectors(30, 8)
    neighbors, similarities = nearest(database * lengths, database, 1)
    assert neighbors[:, 0].tolist() == list(range(30))
    np.testing.assert_allclose(similarities, 1, atol=1e-6)
    assert "`database`: scaled 30 of 30 descriptors to unit length, from lengths of 0.1" in (
        caplog.text
    )


@pytest.fixture
def store(tmp_path, unit_vectors):
    """A store of 40 photos in three shards, one removed."""
    store = StoreWriter.create(tmp_path / "store", model_id="m")
    vectors = unit_vectors(40, 8, seed=0)
    for start, end in ((0, 7), (7, 30), (30, 40)):
        store.append([f"{row}.jpg" for row in range(start, end)], vectors[start:end])
    store.remove(["3.jpg"])
    return store


@pytest.mark.parametrize("block_rows", [1, 5, 1000])
def test_a_store_is_searched_as_in_plain_loops(store, monkeypatch, block_rows, unit_vectors):
    monkeypatch.setattr("placevec.store.store._BLOCK_BYTES", 4 * 8 * block_rows)
    queries = unit_vectors(6, 8, seed=1)
    rows = store.rows
    expected, values = nearest_in_loops(store.take(rows), queries, 5)
    neighbors, similarities = nearest_in_store(store, queries, 5)
    np.testing.assert_array_equal(neighbors, rows[expected])
    np.testing.assert_allclose(similarities, values, atol=1e-5)
    later = rows[rows >= 12]
    expected, _ = nearest_in_loops(store.take(later), queries, 5)
    np.testing.assert_array_equal(nearest_in_store(store, queries, 5, start=12)[0], later[expected])


@pytest.mark.parametrize("block_rows", [1, 7, 1000])
def test_equal_photos_of_a_store_are_ordered_by_row(tmp_path, monkeypatch, block_rows):
    monkeypatch.setattr("placevec.store.store._BLOCK_BYTES", 4 * 8 * block_rows)
    store = StoreWriter.create(tmp_path / "equal", model_id="m", dtype="float16")
    for start in (0, 13):
        store.append([f"{start + n}" for n in range(13)], np.full((13, 8), 8**-0.5))
    store.remove(["2"])
    for k in (1, 3, 20):
        for num_queries in (1, 9):
            neighbors, _ = nearest_in_store(store, np.full((num_queries, 8), 8**-0.5), k)
            assert (neighbors == store.rows[:k]).all()


def test_only_allowed_rows_of_a_store_are_found(store, unit_vectors):
    is_allowed = np.zeros(40, bool)
    is_allowed[[2, 33]] = True
    neighbors, similarities = nearest_in_store(
        store, unit_vectors(3, 8, seed=1), 4, is_allowed=is_allowed
    )
    assert [sorted(row) for row in neighbors.tolist()] == [[-1, -1, 2, 33]] * 3
    assert (neighbors[:, 2:] == -1).all() and np.isneginf(similarities[:, 2:]).all()


def test_refuses_queries_that_do_not_fit_a_store(store, tmp_path):
    with pytest.raises(ValueError, match=r"must be \(Q, 8\), as the descriptors in .*: \(1, 7\)"):
        nearest_in_store(store, np.zeros((1, 7)), 1)
    with pytest.raises(ValueError, match="finite and of unit length in `queries`"):
        nearest_in_store(store, np.full((1, 8), np.nan), 1)
    empty = StoreWriter.create(tmp_path / "empty", model_id="m")
    with pytest.raises(ValueError, match="There are no photos in .*empty"):
        nearest_in_store(empty, np.zeros((1, 8)), 1)
