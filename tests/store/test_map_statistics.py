import numpy as np
import pytest

from placevec.store.files.saved_statistics import SavedStatistics
from placevec.store.map_statistics import MapStatistics, drawn_rows, fit_map_statistics


def plain_loops(descriptors):
    """Mean and projection as `fit_map_statistics` says, direction by direction."""
    num_photos, dim = descriptors.shape
    share = 3 * dim / (3 * dim + num_photos)
    mean = sum(descriptors) / num_photos
    covariance = np.cov(descriptors, rowvar=False)
    variances, vectors = np.linalg.eigh(covariance)
    average = sum(variances) / dim
    projection = np.zeros((dim, dim))
    for variance, vector in zip(variances, vectors.T, strict=True):
        shrunk = (1 - share) * variance + share * average
        projection += np.outer(vector, vector) * (shrunk / average) ** (-1 / 4)
    return mean * num_photos / (num_photos + 100), projection


def adapted_by_hand(vector, mean, projection):
    """One descriptor as the docstring of `MapStatistics` says."""
    contained = sum(vector * mean) / sum(mean * mean)
    moved = (vector - min(max(contained, 0), 1) * mean) @ projection
    return moved / np.sqrt(sum(moved * moved))


@pytest.mark.parametrize("count", [2, 10, 15, 200])
def test_equals_the_formula_in_plain_loops(unit_vectors, count):
    descriptors = unit_vectors(count, 15).astype(np.float64) + 0.3
    statistics = fit_map_statistics(descriptors)
    mean, projection = plain_loops(descriptors)
    np.testing.assert_allclose(statistics.mean, mean, atol=1e-6)
    np.testing.assert_allclose(statistics.projection, projection, atol=1e-5)
    assert (statistics.dim, statistics.num_photos) == (15, count)


def test_a_descriptor_loses_as_much_of_the_mean_as_it_contains():
    """Nothing if it points away from it, and the whole of it at most once."""
    statistics = MapStatistics(np.array([0.5, 0, 0]), np.diag([1.0, 2, 3]), 40)
    rows = [[-0.6, 0.8, 0], [0, 0.6, 0.8], [0.3, 0, 0.9], [0.5, 0.5, 0], [0.8, 0.6, 0]]
    left = [[-0.6, 0.8, 0], [0, 0.6, 0.8], [0, 0, 0.9], [0, 0.5, 0], [0.3, 0.6, 0]]
    expected = np.array(left) * [1, 2, 3]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(statistics.adapt(np.array(rows)), expected, atol=1e-6)


def test_each_descriptor_has_its_own_mean_and_equals_plain_loops(monkeypatch, unit_vectors):
    """Descriptors are adapted in blocks, which changes no byte."""
    statistics = fit_map_statistics(unit_vectors(40, 9))
    vectors = unit_vectors(25, 9, seed=1)
    means = unit_vectors(25, 9, seed=2) / 3 + np.linspace(-1, 1, 25)[:, None] * vectors
    contained = (vectors * means).sum(axis=1) / (means * means).sum(axis=1)
    assert contained.min() < 0 and contained.max() > 1 and ((contained > 0) & (contained < 1)).any()
    whole = statistics.adapt(vectors, means)
    projection = statistics.projection.astype(np.float64)
    expected = [adapted_by_hand(*each, projection) for each in zip(vectors, means, strict=True)]
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    monkeypatch.setattr("placevec.store.map_statistics._ROWS_AT_A_TIME", 4)
    np.testing.assert_array_equal(statistics.adapt(vectors, means), whole)


def test_a_mean_of_zero_takes_nothing_off(unit_vectors):
    statistics, vectors = fit_map_statistics(unit_vectors(40, 9)), unit_vectors(3, 9, seed=1)
    means = vectors / 2
    means[1] = 0
    projected = vectors[1] @ statistics.projection
    expected = projected / np.linalg.norm(projected)
    for adapted in (
        statistics.adapt(vectors, means)[1], statistics.adapt(vectors, np.zeros(9))[1]
    ):  # fmt: skip
        np.testing.assert_allclose(adapted, expected, atol=1e-6)


def test_night_photos_are_not_all_moved_to_one_side(unit_vectors):
    """Photos that share little with the map keep the places that they show."""
    shared, *places = np.eye(41)
    by_day = 0.8 * shared + 0.6 * np.array(places)
    at_night = 0.1 * shared + 0.995 * np.array(places) + 0.5 * unit_vectors(40, 41)
    at_night /= np.linalg.norm(at_night, axis=1, keepdims=True)
    statistics = MapStatistics(by_day.mean(axis=0), None, 40)
    queries = statistics.adapt(at_night)
    moved = at_night - statistics.mean
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    assert np.median(moved @ moved.T) > 0.2 > 0.05 > abs(np.median(queries @ queries.T))


def test_few_photos_change_little_and_many_whiten_half(unit_vectors):
    spread = np.array([4.0, 1.0, 1.0, 1.0])
    drawn = np.random.default_rng(0).normal(size=(20_000, 4)) * spread
    few, many = (fit_map_statistics(drawn[:count]).projection for count in (2, 20_000))
    assert np.abs(few / few[0, 0] - np.eye(4)).max() < 0.45
    np.testing.assert_allclose(many[1, 1] / many[0, 0], 2, rtol=0.05)  # 4 ** (1 / 2)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_a_map_of_equal_photos_takes_off_a_part_of_the_mean_alone(unit_vectors, count):
    photo, other = unit_vectors(2, 6)
    statistics = fit_map_statistics(np.repeat(photo[None], count, axis=0))
    np.testing.assert_allclose(statistics.projection, np.eye(6), atol=1e-6)
    adapted = statistics.adapt(np.array([photo, other]))
    np.testing.assert_allclose(np.linalg.norm(adapted, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(adapted[0], photo, atol=1e-5)


def test_fewer_dimensions_are_those_of_largest_spread(unit_vectors):
    descriptors = unit_vectors(60, 12) * np.linspace(1, 3, 12)
    few, all_of_them = (fit_map_statistics(descriptors, dim) for dim in (4, None))
    assert few.projection.shape == (12, 4)
    lengths = np.linalg.norm(few.projection, axis=0)
    assert (np.diff(lengths) > 0).all()  # the larger the spread, the more it is shrunk
    exact = all_of_them.adapt(descriptors) @ all_of_them.adapt(descriptors).T
    full = fit_map_statistics(descriptors, 12).adapt(descriptors)
    np.testing.assert_allclose(full @ full.T, exact, atol=1e-5)


def test_says_of_how_many_photos_and_dimensions_they_are(unit_vectors, caplog):
    with caplog.at_level("INFO"):
        fit_map_statistics(unit_vectors(10, 40))
    assert "10 photos, fewer than dimensions: they spread in 9 directions of 40 " in caplog.text
    assert "even out 8 % of what" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        fit_map_statistics(np.repeat(unit_vectors(1, 4), 40, axis=0))
    assert "40 photos: they spread in 0 directions of 4 dimensions, and even out 0 %" in caplog.text


def test_a_descriptor_does_not_depend_on_those_adapted_with_it(unit_vectors):
    statistics = fit_map_statistics(unit_vectors(50, 64))
    queries = unit_vectors(33, 64, seed=1)
    alone = np.concatenate([statistics.adapt(query[None]) for query in queries])
    np.testing.assert_array_equal(statistics.adapt(queries), alone)


def test_a_descriptor_that_is_the_mean_keeps_it():
    statistics = MapStatistics(np.array([0.0, 1.0]), np.eye(2), 3)
    np.testing.assert_allclose(statistics.adapt(np.array([[0.0, 1.0]])), [[0, 1]])


def test_refuses_what_are_no_statistics(unit_vectors):
    with pytest.raises(ValueError, match=r"need finite descriptors \(N, D\). Received: .*\(0, 4\)"):
        fit_map_statistics(np.empty((0, 4)))
    with pytest.raises(ValueError, match="`dim` must be 1 to 4.* Received: dim=5"):
        fit_map_statistics(unit_vectors(9, 4), 5)
    with pytest.raises(ValueError, match="dim=4, 3 photos that spread in 2 directions. Take"):
        fit_map_statistics(unit_vectors(3, 8), 4)
    for dim in (1, 7):
        with pytest.raises(ValueError, match=f"dim={dim}, 9 photos that spread in 0 directions"):
            fit_map_statistics(np.repeat(unit_vectors(1, 8), 9, axis=0), dim)
    with pytest.raises(ValueError, match="have 5000 dimensions. Received: 1 photo that"):
        fit_map_statistics(unit_vectors(1, 5000))
    with pytest.raises(ValueError, match=r"must be \(N, 4\), .*Received: \(2, 5\)"):
        fit_map_statistics(unit_vectors(9, 4)).adapt(unit_vectors(2, 5))
    with pytest.raises(ValueError, match=r"must be \(D,\) and \(D, n\)"):
        MapStatistics(np.zeros(3), np.eye(4), 1)
    with pytest.raises(ValueError, match="must be finite"):
        MapStatistics(np.full(3, np.nan), np.eye(3), 1)
    with pytest.raises(ValueError, match="must be counts"):
        SavedStatistics(0, -1, 3, "0" * 64)


def test_refuses_a_projection_in_which_a_descriptor_vanishes():
    statistics = MapStatistics(np.zeros(2), np.zeros((2, 2)), 3)
    with pytest.raises(ValueError, match="Received: 1 of 1 that vanish. Fit them again"):
        statistics.adapt(np.array([[0.0, 1.0]]))


def test_an_empty_map_takes_nothing_off_and_keeps_the_spread(unit_vectors):
    statistics, vectors = MapStatistics.of_no_photos(8), unit_vectors(5, dim=8)
    assert statistics.dim == 8 and statistics.num_photos == 0
    np.testing.assert_allclose(statistics.adapt(vectors), vectors, atol=1e-6)
    means = np.roll(vectors, 1, axis=0) / 2
    expected = [adapted_by_hand(*pair, np.eye(8)) for pair in zip(vectors, means, strict=True)]
    np.testing.assert_allclose(statistics.adapt(vectors, means), expected, atol=1e-6)


def test_a_large_map_is_fitted_on_photos_drawn_at_random(monkeypatch, unit_vectors):
    monkeypatch.setattr("placevec.store.map_statistics.MOST_PHOTOS", 20)
    vectors = unit_vectors(50, dim=8)
    rows = drawn_rows(50)
    assert len(set(rows.tolist())) == 20 and (np.diff(rows) > 0).all() and rows[-1] >= 20
    whole, drawn = fit_map_statistics(vectors), fit_map_statistics(vectors[rows])
    np.testing.assert_array_equal(whole.numbers(), drawn.numbers())
    assert whole.num_photos == 20 and drawn_rows(20).tolist() == list(range(20))
