import numpy as np
import pytest

from placevec.places.dataset import PlaceDataset
from placevec.places.ground_truth import may_answer, most_barred, relevant_database


def test_equals_plain_loops():
    rng = np.random.default_rng(0)
    count = 80
    dataset = PlaceDataset(
        "photos",
        [f"{i}.jpg" for i in range(count)],
        positions_m=rng.integers(0, 20, size=(count, 2)) * 5.0 + 4e6,
        is_query=rng.random(count) < 0.4,
        is_database=rng.random(count) < 0.8,
    )
    expected = []
    for query in dataset.queries:
        right = []
        for place, photo in enumerate(dataset.database):
            east_m, north_m = dataset.positions_m[photo] - dataset.positions_m[query]
            if photo != query and east_m**2 + north_m**2 <= 15.0**2:
                right.append(place)
        expected.append(right)
    found = relevant_database(dataset, radius_m=15.0)
    assert [photos.tolist() for photos in found] == expected
    assert any(expected)
    assert not all(expected)
    assert all(photos.dtype == np.int64 for photos in found)


def test_takes_photos_of_the_same_place_where_there_are_no_positions():
    dataset = PlaceDataset(
        "photos", list("abcde"), place_ids=[1, 2, 1, -1, -1], is_database=[0, 1, 1, 1, 1]
    )
    found = relevant_database(dataset, radius_m=5.0)
    assert [photos.tolist() for photos in found] == [[1], [], [], [], []]


def test_takes_positions_before_places():
    dataset = PlaceDataset(
        "photos", list("abc"), positions_m=[[0, 0], [99, 0], [1, 0]], place_ids=[1, 1, 2]
    )
    assert [photos.tolist() for photos in relevant_database(dataset, 5.0)] == [[2], [], [0]]


def test_returns_nothing_without_queries_or_database():
    names, positions_m = list("ab"), np.zeros((2, 2))
    no_query = PlaceDataset("photos", names, positions_m=positions_m, is_query=[False, False])
    assert relevant_database(no_query, 5.0) == []
    no_database = PlaceDataset("photos", names, positions_m=positions_m, is_database=[False] * 2)
    assert [photos.tolist() for photos in relevant_database(no_database, 5.0)] == [[], []]


@pytest.mark.parametrize("radius_m", [-1.0, float("nan")])
def test_refuses_a_radius_that_is_none(radius_m):
    dataset = PlaceDataset("photos", ["a"], place_ids=[1])
    with pytest.raises(ValueError, match="`radius_m` must not be negative"):
        relevant_database(dataset, radius_m)


@pytest.mark.parametrize(("radius_m", "answered"), [(25.0, 228), (10.0, 96)])
def test_counts_the_answerable_queries_of_cambridge(shared_data, radius_m, answered):
    from placevec.sources import open_places

    dataset = open_places(f"table:{shared_data('cambridge', 'val')}")
    found = relevant_database(dataset, radius_m)
    assert len(found) == 236
    assert sum(len(photos) > 0 for photos in found) == answered


NAN = float("nan")


@pytest.mark.parametrize("min_time_difference_s", [None, 0.0, 3.0])
def test_visits_equal_plain_loops(min_time_difference_s):
    rng = np.random.default_rng(1)
    dataset = PlaceDataset(
        "photos",
        [f"{i}.jpg" for i in range(60)],
        positions_m=np.zeros((60, 2)),
        times_s=np.where(rng.random(60) < 0.1, NAN, rng.integers(0, 12, 60)),
        is_query=rng.random(60) < 0.7,
        is_database=rng.random(60) < 0.7,
    )
    expected, denied = [], []
    for query in dataset.queries:
        right = []
        for place, photo in enumerate(dataset.database):
            apart_s = abs(dataset.times_s[photo] - dataset.times_s[query])
            if min_time_difference_s is None:
                allowed = not (apart_s == 0 and dataset.is_database[query])
            else:
                allowed = apart_s >= min_time_difference_s
            if allowed and photo != query:
                right.append(place)
        expected.append(right)
        denied.append(len(dataset.database) - len(right) if right else 0)
    found = relevant_database(dataset, 1.0, min_time_difference_s)
    assert [photos.tolist() for photos in found] == expected
    bound = most_barred(dataset, min_time_difference_s)
    assert max(denied) <= bound < len(dataset.database)


def test_queries_of_their_own_may_be_answered_by_photos_of_the_same_time():
    dataset = PlaceDataset(
        "photos", list("abc"), place_ids=[1, 1, 1], times_s=[7, 7, 7],
        is_query=[1, 1, 0], is_database=[0, 1, 1],
    )  # fmt: skip
    assert may_answer(dataset, np.array([0, 1]), np.array([2, 2])).tolist() == [True, False]
    assert [photos.tolist() for photos in relevant_database(dataset, 1.0)] == [[0, 1], []]


def test_needs_times_for_a_time_difference():
    dataset = PlaceDataset("photos", list("ab"), place_ids=[1, 1])
    with pytest.raises(ValueError, match="`min_time_difference_s` needs times.*have none"):
        relevant_database(dataset, 1.0, min_time_difference_s=3.0)
    assert most_barred(dataset) == 1
