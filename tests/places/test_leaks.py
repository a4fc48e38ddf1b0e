import numpy as np

from placevec.places import PlaceDataset
from placevec.places.leaks import find_photos_near_another_split, find_photos_of_split_places


def line(east_m, place_ids=None):
    positions_m = np.stack([east_m, np.zeros(len(east_m))], axis=1)
    names = [str(i) for i in range(len(east_m))]
    return PlaceDataset("photos", names, positions_m=positions_m, place_ids=place_ids)


def test_finds_the_photos_nearer_to_another_split_than_the_buffer():
    dataset, splits = line([0.0, 90, 110, 200, 115]), np.array([0, 0, 1, 1, -1])
    assert find_photos_near_another_split(dataset, splits, 25).tolist() == [1, 2]
    assert find_photos_near_another_split(dataset, splits, 20).tolist() == []


def test_agrees_with_all_distances():
    rng = np.random.default_rng(1)
    dataset, splits = line(rng.random(60) * 1000), rng.integers(-1, 3, 60)
    apart_m = np.abs(dataset.positions_m[:, None, 0] - dataset.positions_m[None, :, 0])
    others = (splits[:, None] != splits) & (splits[:, None] >= 0) & (splits >= 0)
    expected = np.flatnonzero(((apart_m < 7) & others).any(axis=1))
    assert len(expected) > 5
    np.testing.assert_array_equal(find_photos_near_another_split(dataset, splits, 7), expected)


def test_one_split_or_none_has_no_leaks():
    dataset = line([0.0, 1], place_ids=[0, 0])
    for splits in (np.array([0, 0]), np.array([-1, -1]), np.array([-1, 0])):
        assert not len(find_photos_near_another_split(dataset, splits, 25))
        assert not len(find_photos_of_split_places(dataset, splits))


def test_finds_the_photos_of_places_in_two_splits():
    dataset = line([0.0] * 7, place_ids=[4, 4, 5, 5, -1, -1, 4])
    splits = np.array([0, 1, 0, 0, 0, 1, -1])
    assert find_photos_of_split_places(dataset, splits).tolist() == [0, 1]
    assert not len(find_photos_of_split_places(line([0.0, 1]), np.array([0, 1])))
