from dataclasses import replace

import numpy as np
import pytest

from placevec.rendering.scenes.weather import Weather
from placevec.rendering.town.ground import draw_ground, draw_light_map
from placevec.rendering.town.lighting import Lighting
from placevec.rendering.town.traffic import park_cars


@pytest.fixture(scope="module")
def ground(town):
    return draw_ground(np.random.default_rng(0), town.streets[0])


def test_pixels_run_east_and_south_from_the_far_left_corner(ground):
    (left, near), (right, far) = ground.corner_m, ground.corner_m + ground.size_m
    points = np.array([[left, far], [right, far], [left, near]])
    np.testing.assert_array_equal(ground.pixels(points, (8, 4)), [(0, 0), (4, 0), (0, 8)])


def test_the_texture_lies_where_its_pixels_say(ground):
    quads = ground.quads
    share = (quads.positions_m[..., :2] - ground.corner_m) / ground.size_m
    np.testing.assert_allclose(quads.uvs, share, atol=1e-5)
    np.testing.assert_array_equal(quads.normals, np.tile([0, 0, 1], (len(quads), 1)))


def test_the_ground_has_asphalt_in_the_middle_and_paving_beside_it(town, ground):
    street = town.streets[0]
    roads, pavements = [], []
    for distance in np.arange(10.0, 140.0, 0.7):
        point, ahead = street.along(distance)
        right = np.array([ahead[1], -ahead[0]])
        roads.append(point + right * 1.5)
        pavements.append(point + right * 6.5)
    sizes = ground.albedo.shape[:2]
    road, pavement = (
        np.median(ground.albedo[tuple(ground.pixels(np.array(p), sizes).T[::-1])].mean(axis=1))
        for p in (roads, pavements)
    )
    assert road < 110 < pavement


def light_map(ground, street, **weather):
    weather = Weather("it", 12.0, ambient=(0.2, 0.2, 0.2), **weather)
    cars = park_cars(np.random.default_rng(0), street)
    return draw_light_map(ground, street, weather, Lighting(street, weather, 6.0), cars), cars


def test_cars_and_houses_cast_shadows(town, ground):
    street = town.streets[0]
    dull, cars = light_map(ground, street)
    sunny, _ = light_map(ground, street, sun=(0.6, 0.6, 0.6), sun_elevation_deg=40.0)
    rows, cols = dull.shape[:2]
    col, row = ground.pixels(cars.spots_m[:1], (rows, cols))[0]
    assert dull[row, col].max() < 0.6 * 0.2 * 255
    # Where the sun is seen, 0.2 + 0.6 * sin(40 degrees) of the light falls; elsewhere 0.2.
    assert np.percentile(sunny[ground.is_soil == 0], 90) == pytest.approx(
        255 * (0.2 + 0.6 * np.sin(0.698)), abs=3
    )
    house = street.houses[0].footprint_m.mean(axis=0)
    col, row = ground.pixels(house[None], (rows, cols))[0]
    assert sunny[row, col].max() <= 0.2 * 255 + 1


def test_lamps_make_pools_of_light(town, ground):
    street = town.streets[0]
    night, _ = light_map(ground, street, lamps=1.0)
    x, y, side = street.lamps[2]
    lamp, between = np.array([x + 1.3 * side, y]), np.array([x + 1.3 * side, y + 12.0])
    cells = ground.pixels(np.stack([lamp, between]), night.shape[:2])
    bright, dim = (night[row, col].astype(int).sum() for col, row in cells)
    assert bright > dim + 100


def test_grass_has_the_color_of_the_season_and_roads_have_none(town, ground):
    street = town.streets[0]
    weather = Weather("it", 12.0, ambient=(0.9, 0.9, 0.9))
    cars = park_cars(np.random.default_rng(0), street)
    lighting = Lighting(street, weather, 6.0)
    maps = {
        season: draw_light_map(ground, street, weather, lighting, cars, season).astype(int)
        for season in ("summer", "winter")
    }
    change = np.abs(maps["summer"] - maps["winter"]).max(axis=2)
    assert np.median(change[ground.is_soil == 1]) > 15
    assert change[ground.is_soil == 0].max() <= 1
    red, green, _ = np.median(maps["summer"][ground.is_soil == 1], axis=0)
    assert green > red


def test_leaves_lie_under_trees_in_autumn(town, ground):
    street = max(town.streets, key=lambda each: len(each.trees))
    ground = draw_ground(np.random.default_rng(0), street)
    weather = Weather("it", 12.0, ambient=(0.9, 0.9, 0.9))
    cars = park_cars(np.random.default_rng(0), street)
    light = draw_light_map(
        ground, street, weather, Lighting(street, weather, 6.0), cars, "autumn"
    ).astype(int)
    spots = np.array([tree[:2] for tree in street.trees])
    cols, rows = ground.pixels(spots, light.shape).T
    under = light[rows, cols]
    assert (under[:, 0] > under[:, 2] * 1.3).mean() > 0.9


def test_a_street_without_trees_has_an_autumn_too(town):
    street = replace(town.streets[0], trees=[])
    ground = draw_ground(np.random.default_rng(0), street)
    cars = park_cars(np.random.default_rng(0), street)
    weather = Weather("it", 12.0)
    lighting = Lighting(street, weather, 6.0)
    assert draw_light_map(ground, street, weather, lighting, cars, "autumn").any()
