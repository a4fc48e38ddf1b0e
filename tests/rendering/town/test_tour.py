import itertools
from dataclasses import replace

import numpy as np
import pytest

from placevec.config import RenderConfig
from placevec.rendering.town.street_cameras import LOOSE
from placevec.rendering.town.tour import TownTour


@pytest.fixture(scope="module")
def tour():
    return TownTour(
        RenderConfig(num_streets=2, num_validation_streets=1, places_per_street=8, spacing_m=10.0)
    )


def test_each_place_is_photographed_on_three_and_four_visits(tour):
    train = [shot for shot in tour.shots() if shot.root.name == "train"]
    for part in {shot.part for shot in train}:
        for place in range(8):
            roles = [s.role for s in train if (s.part, s.place) == (part, place)]
            assert sorted(roles) == ["database"] * 3 + ["query"] * 4


def test_for_validation_every_other_place_is_a_query_once(tour):
    val = [shot for shot in tour.shots() if shot.root.name == "val"]
    queries = [shot.place for shot in val if shot.role == "query"]
    assert sorted(shot.place for shot in val if shot.role == "database") == list(range(8))
    assert sorted(queries) == [0, 2, 4, 6]


def test_streets_to_test_on_change_no_other_photo(tour):
    def told(shot):
        return (shot.path, shot.seed, shot.visit.seed, shot.camera.east_m, shot.camera.north_m)

    more = TownTour(replace(tour.settings, num_test_streets=1))
    before, now = ([told(shot) for shot in each.shots()] for each in (tour, more))
    assert now[: len(before)] == before
    test = list(more.shots())[len(before) :]
    assert {(shot.root.name, shot.part) for shot in test} == {("test", "test00")}
    assert sum(shot.role == "query" for shot in test) == 4
    assert more.scene("test00", test[0].visit) is not None


def test_names_are_all_different_and_photos_of_a_place_are_near(tour):
    shots = list(tour.shots())
    assert len({shot.path for shot in shots}) == len(shots)
    places: dict = {}
    for shot in shots:
        places.setdefault((shot.part, shot.place), []).append(shot.camera)
    reach_m = 2 * np.hypot(LOOSE.along_m, LOOSE.across_m)
    for cameras in places.values():
        spots = np.array([(camera.east_m, camera.north_m) for camera in cameras])
        assert np.linalg.norm(spots - spots[0], axis=1).max() <= reach_m + 1e-6


def test_training_validation_and_test_share_no_street(tour):
    spots = {"train": [], "val": [], "test": []}
    for shot in TownTour(replace(tour.settings, num_test_streets=2)).shots():
        spots[shot.root.name].append((shot.camera.east_m, shot.camera.north_m))
    for one, other in itertools.combinations(map(np.array, spots.values()), 2):
        assert np.linalg.norm(one[:, None] - other[None], axis=-1).min() > 25
