from dataclasses import replace

import numpy as np
import pytest

from placevec.rendering.town.ground import draw_ground
from placevec.rendering.town.ground_cover import snowy_ground, wet_ground


@pytest.fixture(scope="module")
def street(town):
    return town.streets[0]


@pytest.fixture(scope="module")
def ground(street):
    return draw_ground(np.random.default_rng(0), street)


@pytest.fixture(scope="module")
def wet(town, street, ground):
    return wet_ground(np.random.default_rng(1), ground, street, town.designs.facades)


@pytest.fixture(scope="module")
def snowy(street, ground):
    return snowy_ground(np.random.default_rng(1), ground, street)


def seen_along(image, ground, street, shift_m):
    """Returns the colors (n, 3) of points to the right of the middle of a street."""
    points = []
    for distance in np.arange(10.0, 140.0, 0.5):
        point, ahead = street.along(distance)
        points.append(point + shift_m * np.array([ahead[1], -ahead[0]]))
    cols, rows = ground.pixels(np.array(points), image.shape).T
    return image[rows, cols].astype(float)


def test_equal_seeds_give_equal_covers(town, street, ground, wet, snowy):
    again = wet_ground(np.random.default_rng(1), ground, street, town.designs.facades)
    np.testing.assert_array_equal(wet, again)
    np.testing.assert_array_equal(snowy, snowy_ground(np.random.default_rng(1), ground, street))
    other = wet_ground(np.random.default_rng(2), ground, street, town.designs.facades)
    rows, cols = ground.albedo.shape[:2]
    assert wet.shape == snowy.shape == (rows // 2, cols // 2, 3) and (wet != other).any()


def test_a_wet_road_is_darker_but_for_its_puddles(street, ground, wet):
    before, after = (seen_along(image, ground, street, 1.5) for image in (ground.albedo, wet))
    assert np.median(after) < 0.85 * np.median(before)
    assert 0.01 < (after.mean(axis=1) > before.mean(axis=1) + 10).mean() < 0.25


def test_wet_pavements_mirror_the_houses_beside_them(town, street, ground):
    def pavement(color):
        facades = [
            replace(each, albedo=np.full_like(each.albedo, color), glow=np.zeros_like(each.glow))
            for each in town.designs.facades
        ]
        wet = wet_ground(np.random.default_rng(1), ground, street, facades)
        return seen_along(wet, ground, street, -7.0).mean(axis=0)

    red, blue = pavement((255, 0, 0)), pavement((0, 0, 255))
    assert red[0] > blue[0] + 40 and blue[2] > red[2] + 40


def test_snow_is_thinner_where_people_walk_and_thinnest_under_wheels(street, ground, snowy):
    lines = {
        name: seen_along(snowy, ground, street, m)
        for name, m in (
            ("kerb", 4.7),
            ("pavement", 6.0),
            ("track", 1.4),
        )
    }
    kerb, pavement, track = (np.median(lines[name]) for name in ("kerb", "pavement", "track"))
    assert kerb > 215 and kerb > pavement > track + 30
    corner = snowy[: len(snowy) // 20, :50]
    assert corner.mean() > 200
