import numpy as np
import pytest

from placevec.rendering.scenes.weather import plan_visit
from placevec.rendering.town.town_scenery import TownScenery


@pytest.fixture(scope="module")
def town():
    return TownScenery(1, districts={"stream": 2}, street_length_m=120.0)


def test_near_cameras_at_the_end_of_a_street_stay_in_it(town):
    rng = np.random.default_rng(0)
    street = town.streets[0]
    end = (*street.to_world(street.nodes_m[-1:])[0], 1.7)
    part, camera = town.camera_at(end, 0.0)
    assert part == street.name
    for _ in range(30):
        near = town.sample_near(part, camera, rng)
        assert np.hypot(near.east_m - end[0], near.north_m - end[1]) <= 10
        assert street.to_street([[near.east_m, near.north_m]])[0, 1] < street.length_m + 3


def test_a_camera_is_sampled_in_the_part_that_is_asked_for(town):
    rng = np.random.default_rng(0)
    assert {town.sample(rng)[0] for _ in range(20)} == set(town.parts)
    for part in town.parts:
        drawn, camera = town.sample(rng, part)
        position_m = (camera.east_m, camera.north_m, 1.7)
        assert drawn == part == town.camera_at(position_m, camera.heading_deg)[0]


def test_districts_share_no_street_and_change_no_other():
    alone = TownScenery(1, districts={"old": 1}, street_length_m=60.0)
    both = TownScenery(1, districts={"old": 1, "new": 2}, street_length_m=60.0)
    assert both.parts == ["old00", "new00", "new01"]
    assert [street.name for street in both.streets] == both.parts
    np.testing.assert_array_equal(both.streets[0].nodes_m, alone.streets[0].nodes_m)
    spots_m = [street.to_world(street.nodes_m) for street in both.streets]
    assert np.linalg.norm(spots_m[0][:, None] - spots_m[1][None], axis=-1).min() > 100


def test_the_last_streets_stay_built():
    town = TownScenery(1, districts={"a": 3}, street_length_m=30.0, models_kept=2)
    for part in ("a00", "a01", "a00", "a02"):
        town.scene(part, plan_visit("day", (1,), 0))
    assert list(town._models) == ["a01", "a02"]
