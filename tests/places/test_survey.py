import numpy as np
import pytest

from placevec.places import PlaceDataset, relevant_database
from placevec.places.survey import (
    find_jumps,
    find_places_of_one_photo,
    find_queries_without_positive,
    find_times_out_of_order,
)


def walk(east_m, **known):
    names = [f"{i}.jpg" for i in range(len(east_m))]
    return PlaceDataset(
        "photos", names, positions_m=np.stack([east_m, np.zeros(len(east_m))], axis=1), **known
    )


def test_finds_a_jump_by_its_speed():
    jumps = find_jumps(walk([0.0, 10, 500, 510], times_s=[0.0, 1, 2, 3]), max_speed_m_s=50)
    assert jumps.before.tolist() == [1]
    assert jumps.after.tolist() == [2]
    assert jumps.speeds_m_s.tolist() == [490]


def test_a_steady_walk_has_no_jumps_and_the_limit_itself_is_none():
    assert not len(find_jumps(walk([0.0, 50, 100], times_s=[0.0, 1, 2]), max_speed_m_s=50).after)


def test_jumps_are_sought_in_the_order_of_time_and_within_sequences():
    east_m, times_s = [0.0, 1000, 10, 1010], [0.0, 1, 2, 3]
    assert len(find_jumps(walk(east_m, times_s=times_s), 50).after) == 3
    dataset = walk(east_m, times_s=times_s, sequence_ids=[0, 1, 0, 1])
    assert not len(find_jumps(dataset, 50).after)
    shuffled = walk([20.0, 0, 10], times_s=[2.0, 0, 1])
    assert not len(find_jumps(shuffled, 50).after)


def test_photos_of_one_time_unknown_time_or_no_sequence_are_no_jumps():
    assert not len(find_jumps(walk([0.0, 900], times_s=[5.0, 5]), 50).after)
    assert not len(find_jumps(walk([0.0, 900, 10], times_s=[0.0, np.nan, 1]), 50).after)
    lost = walk([0.0, 900], times_s=[0.0, 1], sequence_ids=[-1, -1])
    assert not len(find_jumps(lost, 50).after)
    assert not len(find_jumps(walk([0.0, 900]), 50).after)


def test_finds_times_out_of_order_within_a_sequence_by_name():
    known = {"times_s": [0.0, 2, 1, 3, 9], "sequence_ids": [0, 0, 0, 0, 1]}
    assert find_times_out_of_order(walk([0.0] * 5, **known)).tolist() == [2]


def test_numbers_in_names_order_a_sequence_by_their_value():
    names = ["1.jpg", "10.jpg", "2.jpg"]
    dataset = PlaceDataset(
        "photos", names, place_ids=[0] * 3, times_s=[1.0, 10, 2], sequence_ids=[0] * 3
    )
    assert not len(find_times_out_of_order(dataset))


def test_ids_in_names_are_no_order():
    names = ["781.jpg", "20.jpg", "5003.jpg", "44.jpg"]
    ids = PlaceDataset("photos", names, place_ids=[0] * 4, times_s=range(4), sequence_ids=[0] * 4)
    assert not len(find_times_out_of_order(ids))
    words = PlaceDataset("photos", list("cab"), place_ids=[0] * 3, times_s=range(3),
                         sequence_ids=[0] * 3)  # fmt: skip
    assert not len(find_times_out_of_order(words))


def test_times_have_no_order_without_sequences():
    assert not len(find_times_out_of_order(walk([0.0, 0], times_s=[2.0, 1])))
    lost = walk([0.0, 0], times_s=[2.0, 1], sequence_ids=[-1, -1])
    assert not len(find_times_out_of_order(lost))


@pytest.mark.parametrize("with_positions", [True, False])
def test_finds_the_queries_that_have_no_relevant_photo(with_positions):
    rng = np.random.default_rng(0)
    for _ in range(30):
        count = rng.integers(2, 25)
        dataset = PlaceDataset(
            "photos",
            [f"{i}" for i in range(count)],
            positions_m=rng.integers(0, 8, (count, 2)) * 5.0 if with_positions else None,
            place_ids=rng.integers(-1, 6, count),
            is_query=rng.random(count) < 0.6,
            is_database=rng.random(count) < 0.6,
        )
        relevant = relevant_database(dataset, 5.0) if len(dataset.database) else []
        expected = [
            query for i, query in enumerate(dataset.queries) if not relevant or not len(relevant[i])
        ]
        assert find_queries_without_positive(dataset, 5.0).tolist() == expected


def test_finds_places_of_one_photo():
    names = ["a", "b", "c", "d", "e"]
    dataset = PlaceDataset("photos", names, place_ids=[7, 3, 3, -1, 9])
    assert find_places_of_one_photo(dataset).tolist() == [0, 4]
    assert not len(find_places_of_one_photo(walk([0.0, 1])))


def test_a_place_of_one_photo_that_is_only_searched_is_no_fault():
    is_query = np.array([False, True, False])
    dataset = PlaceDataset("p", ["a", "b", "c"], place_ids=[1, 2, 3], is_query=is_query)
    assert find_places_of_one_photo(dataset).tolist() == [1]


def test_frames_and_units_of_unknown_scale_have_no_speed_in_metres():
    for frame in ("frames", "SLAM units"):
        assert not len(find_jumps(walk([0.0, 900], times_s=[0.0, 1], frame=frame), 50).after)
