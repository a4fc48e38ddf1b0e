from dataclasses import replace

import numpy as np
import pytest

from placevec.rendering.scenes.weather import Weather
from placevec.rendering.town.layout import House, Street
from placevec.rendering.town.lighting import LAMP_COLOR, Lighting
from placevec.rendering.town.mesh import Mesh, upright


def street(houses=(), lamps=(), bearing_deg=0.0):
    nodes = np.array([[0.0, 0.0], [0.0, 100.0]])
    return Street("it", (0,), np.zeros(2), bearing_deg, nodes, list(houses), lamps=list(lamps))


def house(x, y, width=10.0, depth=10.0, height=9.0):
    """A house whose front faces west, toward x = 0; `x`, `y` is its south-west corner."""
    corner, along = np.array([x, y + width]), np.array([0.0, -1.0])
    return House(corner, along, width, depth, height, 0, -1, np.ones(3), -1)


def wall_facing(x, y):
    """A wall at (0, 20) that faces toward (x, y)."""
    ahead = np.array([-x, -y], float) / np.hypot(x, y)
    right = np.array([ahead[1], -ahead[0]])
    mesh = Mesh()
    mesh.add("it", upright(np.array([0.0, 20.0]) - right, np.array([0.0, 20.0]) + right, 3, 4))
    return mesh.quads()["it"]


SUN = Weather("it", 12.0, 90.0, 30.0, sun=(0.5, 0.5, 0.5), ambient=(0.2, 0.2, 0.2))


def test_a_wall_towards_the_sun_is_brighter_by_the_cosine():
    lighting = Lighting(street(), SUN, 6.0)
    lit, turned = lighting.colors(wall_facing(1, 0)), lighting.colors(wall_facing(-1, 0))
    # The sun stands 30 degrees above the east. Sky light varies a little with the side.
    assert lit.mean() - turned.mean() == pytest.approx(0.5 * np.cos(np.pi / 6), abs=0.03)
    assert turned.mean() == pytest.approx(0.2 * 0.82, abs=0.02)


def test_the_sun_turns_with_the_frame_of_the_street():
    lighting = Lighting(street(bearing_deg=90.0), SUN, 6.0)
    # Along a street that leads east, the sun in the east stands ahead.
    np.testing.assert_allclose(lighting.to_sun, [0, np.cos(np.pi / 6), 0.5], atol=1e-12)
    # Anywhere else it stands where the street's frame has that direction.
    for bearing_deg in (20.0, 200.0):
        frame, sun = street(bearing_deg=bearing_deg), replace(SUN, sun_azimuth_deg=140.0)
        level = frame.to_street(sun.to_sun[None, :2])[0]
        np.testing.assert_allclose(Lighting(frame, sun, 6.0).to_sun, [*level, 0.5], atol=1e-12)


def test_a_house_before_the_sun_shades_a_wall():
    free = Lighting(street(), SUN, 6.0).colors(wall_facing(1, 0)).mean()
    # The sun's ray rises tan(30) = 0.577 m a metre: 5 m away it stands 2.9 m above the wall.
    near = Lighting(street([house(5, 15)]), SUN, 6.0).colors(wall_facing(1, 0)).mean()
    aside = Lighting(street([house(5, 40)]), SUN, 6.0).colors(wall_facing(1, 0)).mean()
    low = Lighting(street([house(5, 15, height=5.5)]), SUN, 6.0).colors(wall_facing(1, 0)).mean()
    behind = Lighting(street([house(-25, 15)]), SUN, 6.0).colors(wall_facing(1, 0)).mean()
    assert near < free - 0.3
    assert aside == low == behind == free


def test_shadows_equal_rays_followed_in_small_steps():
    rng = np.random.default_rng(0)
    houses = [house(*rng.uniform(-30, 30, 2), *rng.uniform(4, 12, 3)) for _ in range(5)]
    lighting = Lighting(street(houses), SUN, 6.0)
    points = np.column_stack([rng.uniform(-30, 30, (300, 2)), rng.uniform(0, 9, 300)])
    shaded = lighting._is_shaded(points.astype(np.float32))
    num_checked = 0
    for point, found in zip(points, shaded, strict=True):
        ray = point + np.arange(0, 42, 0.02)[:, None] * lighting.to_sun
        margin = min(clearance(ray, each) for each in houses)
        is_outside = min(clearance(ray[:1], each) for each in houses) > 0.1
        if is_outside and abs(margin) > 0.1:  # not grazing
            num_checked += 1
            assert found == (margin < 0)
    assert num_checked > 150 and shaded.sum() > 20


def clearance(ray, each):
    """Least distance of a ray's points from a house; negative inside."""
    offset = ray[:, :2] - each.corner_m
    x, y = offset @ each.along, offset @ each.inwards
    outside = np.max(
        [-x, x - each.width_m, -y, y - each.depth_m, ray[:, 2] - each.height_m], axis=0
    )
    return outside.min()


def test_a_lamp_lights_what_is_near():
    night = Weather("it", 23.0, ambient=(0.0, 0.0, 0.0), lamps=1.0)
    lighting = Lighting(street(lamps=[(0.0, 10.0, 1)]), night, 6.0)
    near, far = lighting.lamp_light(np.array([[1.3, 10.0, 6.0], [1.3, 40.0, 6.0]], np.float32))
    assert near[0] > 20 * far[0] > 0
    np.testing.assert_allclose(near / near[0], LAMP_COLOR / LAMP_COLOR[0], rtol=1e-5)


def test_a_street_without_lamps_stays_dark():
    night = Weather("it", 23.0, ambient=(0.0, 0.0, 0.0), lamps=1.0)
    assert Lighting(street(), night, 6.0).colors(wall_facing(1, 0)).max() == 0
