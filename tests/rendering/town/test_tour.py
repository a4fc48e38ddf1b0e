import itertools

import numpy as np
import pytest

from placevec.rendering.town.street_cameras import LOOSE
from placevec.rendering.town.tour import tour_town
from placevec.rendering.town.town_scenery import TownScenery


def open_town(**districts):
    return TownScenery(0, districts=districts, street_length_m=94.0)


def tour(town):
    return list(tour_town(town, places_per_street=8, spacing_m=10.0))


@pytest.fixture(scope="module")
def shots():
    return tour(open_town(train=2, val=1))


def test_each_place_is_photographed_on_three_and_four_visits(shots):
    train = [shot for shot in shots if shot.root.name == "train"]
    for part in {shot.part for shot in train}:
        for place in range(8):
            roles = [s.role for s in train if (s.part, s.place) == (part, place)]
            assert sorted(roles) == ["database"] * 3 + ["query"] * 4


def test_for_validation_every_other_place_is_a_query_once(shots):
    val = [shot for shot in shots if shot.root.name == "val"]
    queries = [shot.place for shot in val if shot.role == "query"]
    assert sorted(shot.place for shot in val if shot.role == "database") == list(range(8))
    assert sorted(queries) == [0, 2, 4, 6]


def test_streets_to_test_on_change_no_other_photo(shots):
    def told(shot):
        return (shot.path, shot.seed, shot.visit.seed, shot.camera.east_m, shot.camera.north_m)

    town = open_town(train=2, val=1, test=1)
    more = tour(town)
    assert list(map(told, more[: len(shots)])) == list(map(told, shots))
    test = more[len(shots) :]
    assert {(shot.root.name, shot.part) for shot in test} == {("test", "test00")}
    assert sum(shot.role == "query" for shot in test) == 4
    assert town.scene("test00", test[0].visit) is not None


def test_names_are_all_different_and_photos_of_a_place_are_near(shots):
    assert len({shot.path for shot in shots}) == len(shots)
    places: dict = {}
    for shot in shots:
        places.setdefault((shot.part, shot.place), []).append(shot.camera)
    reach_m = 2 * np.hypot(LOOSE.along_m, LOOSE.across_m)
    for cameras in places.values():
        spots = np.array([(camera.east_m, camera.north_m) for camera in cameras])
        assert np.linalg.norm(spots - spots[0], axis=1).max() <= reach_m + 1e-6


def test_training_validation_and_test_share_no_street():
    spots = {"train": [], "val": [], "test": []}
    for shot in tour(open_town(train=2, val=1, test=2)):
        spots[shot.root.name].append((shot.camera.east_m, shot.camera.north_m))
    for one, other in itertools.combinations(map(np.array, spots.values()), 2):
        assert np.linalg.norm(one[:, None] - other[None], axis=-1).min() > 25
