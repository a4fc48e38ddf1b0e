from dataclasses import replace

import numpy as np
import pytest

from placevec.rendering.scenes.weather import WEATHERS, plan_visit
from placevec.rendering.worlds.world import World

DAY, NIGHT = plan_visit("day", (1, 2), 0), plan_visit("night", (1, 2), 0)
GRAY = np.full((8, 8, 3), 128, np.uint8)
LEAF = np.full((8, 8, 4), 128, np.uint8)


def square(z, side=10.0):
    a, b, c, d = ((x * side, y * side, z) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)))
    return [[a, b, c], [a, c, d]]


def world_of(triangles, textures=(GRAY,), texture_of=None, **options):
    positions = np.array(triangles, np.float32)
    count = len(positions)
    texture_of = np.zeros(count, np.int32) if texture_of is None else np.array(texture_of, np.int32)
    is_cutout = np.array([texture.shape[2] == 4 for texture in textures])
    uvs, tints = np.zeros((count, 3, 2), np.float32), np.ones((count, 3, 3), np.float32)
    return World("w", list(textures), is_cutout, positions, uvs, tints, texture_of, **options)


def test_normals_point_to_the_counter_clockwise_side():
    world = world_of([[(0, 0, 0), (2, 0, 0), (0, 3, 0)], [(0, 0, 0), (0, 0, 5), (0, 7, 0)]])
    np.testing.assert_allclose(world.normals, [[0, 0, 1], [-1, 0, 0]])


def test_light_equals_the_formula():
    triangles = [*square(0), [(0, 0, 0), (0, 4, 0), (0, 4, 3)], [(0, 0, 0), (4, 1, 2), (0, 4, 3)]]
    textures = (GRAY, LEAF)
    world = world_of(triangles, textures, [0, 0, 0, 1], is_indoor=False)
    for name in sorted(WEATHERS.keys() - {"snow"}):
        weather = plan_visit(name, (3,), 1).weather
        scene = world.scene(plan_visit(name, (3,), 1))
        got = np.concatenate([surface.colors for surface in scene.surfaces])
        for corner_colors, normal, texture in zip(got, world.normals, [0, 0, 0, 1], strict=True):
            x, y, z = (abs(float(v)) for v in normal)
            facing = 0.6 if texture else abs(float(normal @ weather.to_sun))
            for channel, glow in enumerate((0.16, 0.125, 0.075)):
                light = weather.ambient[channel] * (0.82 + 0.18 * z + 0.05 * (x - y))
                light += weather.sun[channel] * facing + weather.lamps * glow
                if z > 0.6 and not texture:
                    light *= 1 - 0.45 * weather.wetness
                expected = min(1.0, max(0.0, light))
                np.testing.assert_allclose(corner_colors[:, channel], expected, atol=1e-5)


def test_snow_lies_on_what_is_level_and_open_to_the_sky():
    wall = [(0, 0, 0), (0, 4, 0), (0, 4, 3)]
    triangles = [*square(0), wall, square(0)[0]]
    world = world_of(triangles, (GRAY, LEAF), [0, 0, 0, 1], is_indoor=False)
    *bare, snow = world.scene(plan_visit("snow", (3,), 1)).surfaces
    np.testing.assert_array_equal(snow.positions_m, world.positions_m[:2])
    assert snow.texture.min() > 200 and snow.is_two_sided
    assert [surface.positions_m.tolist() for surface in bare] == [
        world.positions_m[2:3].tolist(),
        world.positions_m[3:].tolist(),
    ]
    room = replace(world, is_indoor=True).scene(plan_visit("snow", (3,), 1))
    assert len(room.surfaces) == 2 and len(room.surfaces[0].positions_m) == 3


def test_no_town_stands_on_the_horizon_of_a_model():
    sky = world_of(square(0), is_indoor=False).scene(plan_visit("fog", (3,), 1)).sky
    assert np.ptp(sky[-1].astype(int), axis=0).max() == 0  # without clouds


def test_either_side_of_a_triangle_is_lit_and_drawn_alike():
    front = [(0, 0, 0), (4, 0, 1), (0, 4, 3)]
    surfaces = [
        world_of([corners], is_indoor=False).scene(DAY).surfaces[0]
        for corners in (front, front[::-1])
    ]
    np.testing.assert_allclose(surfaces[0].colors, surfaces[1].colors, atol=1e-6)
    assert all(surface.is_two_sided for surface in surfaces)


def test_triangles_are_grouped_by_texture_and_none_is_lost():
    triangles = [square(z)[0] for z in range(6)]
    textures = (GRAY, LEAF, GRAY.copy(), GRAY.copy())
    world = world_of(triangles, textures, [2, 0, 1, 2, 0, 2])
    surfaces = world.scene(DAY).surfaces
    assert [surface.positions_m[:, 0, 2].tolist() for surface in surfaces] == [
        [1, 4],
        [2],
        [0, 3, 5],
    ]
    assert [surface.is_cutout for surface in surfaces] == [False, True, False]
    for surface, texture in zip(surfaces, textures, strict=False):
        np.testing.assert_array_equal(surface.texture, texture)


def test_night_is_dark_but_not_black():
    day, night = (world_of(square(0)).scene(visit).surfaces[0].colors for visit in (DAY, NIGHT))
    assert 0.25 < night.min() and night.max() < 0.75 * day.min()


def test_equal_visits_look_equal_and_others_do_not():
    world = world_of(square(0))
    first, second = world.scene(DAY), world.scene(DAY)
    np.testing.assert_array_equal(first.sky, second.sky)
    np.testing.assert_array_equal(first.surfaces[0].colors, second.surfaces[0].colors)
    assert (world.scene(plan_visit("day", (1, 3), 0)).sky != first.sky).any()


def walls(height, side=10.0):
    corners = [(0, 0), (side, 0), (side, side), (0, side)]
    quads = []
    for (x, y), (u, v) in zip(corners, corners[1:] + corners[:1], strict=True):
        low, high = [(x, y, 0), (u, v, 0)], [(u, v, height), (x, y, height)]
        quads += [[low[0], low[1], high[0]], [low[0], high[0], high[1]]]
    return quads


def test_a_closed_room_has_no_sky():
    room = world_of([*square(0), *walls(3), *square(3)])
    house = world_of([*square(0), *walls(9), *square(3), *square(6), *square(9)])
    for world in (room, house):
        scene = world.scene(DAY)
        assert world.is_under_roof and scene.sky is None and scene.haze == 0.0
    assert replace(room, is_indoor=False).scene(DAY).sky is not None


@pytest.mark.parametrize(
    "triangles", [square(0), [*square(0), *walls(3)], [*square(0), *square(3)], walls(3)]
)
def test_a_yard_and_a_roof_without_walls_have_a_sky(triangles):
    world = world_of(triangles)
    assert not world.is_under_roof and world.scene(DAY).sky is not None
    assert replace(world, is_indoor=True).scene(DAY).sky is None


def test_sunlight_comes_from_everywhere_under_a_roof():
    room = world_of([*square(0), *walls(3), *square(3)])
    colors = room.scene(DAY).surfaces[0].colors
    weather = DAY.weather
    expected = min(1.0, weather.ambient[2] + 0.6 * weather.sun[2])
    np.testing.assert_allclose(colors[0, :, 2], expected, atol=1e-5)


def test_haze_is_thicker_in_small_worlds():
    small, large = (world_of(square(0, side)).scene(DAY).haze for side in (100.0, 1000.0))
    assert small == pytest.approx(3 * DAY.weather.haze) and large == DAY.weather.haze


def test_dark_textures_are_lifted_and_bright_ones_left():
    dark = np.full((8, 8, 4), 30, np.uint8)
    lifted = world_of(square(0), (dark,)).scene(DAY).surfaces[0].texture
    assert 80 < lifted[0, 0, 0] < 130 and (lifted[..., 3] == 30).all()
    assert lifted.dtype == np.uint8 and lifted.flags.c_contiguous
    assert world_of(square(0)).scene(DAY).surfaces[0].texture is not None
    np.testing.assert_array_equal(world_of(square(0)).scene(DAY).surfaces[0].texture, GRAY)


def test_textures_stay_the_same_objects_from_visit_to_visit():
    world = world_of(square(0), (np.full((8, 8, 3), 30, np.uint8),))
    first, second = (world.scene(visit).surfaces[0].texture for visit in (DAY, NIGHT))
    assert first is second


def test_restyling_changes_colors_by_the_seed_and_keeps_shapes():
    rng = np.random.default_rng(0)
    textures = (rng.integers(0, 256, (8, 8, 3), dtype=np.uint8), LEAF)
    world = world_of(square(0), textures, [0, 1])
    first, again, other = (world.restyled(seed) for seed in (1, 1, 2))
    for a, b, c, old in zip(first.textures, again.textures, other.textures, textures, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any() and (a[..., :3] != old[..., :3]).any()
        assert a.shape == old.shape and a.dtype == np.uint8
    np.testing.assert_array_equal(first.textures[1][..., 3], LEAF[..., 3])
    assert first.positions_m is world.positions_m
    np.testing.assert_array_equal(world.textures[0], textures[0])


def test_restyling_asks_once_only_whether_the_world_is_under_a_roof(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "placevec.rendering.worlds.world._share_roofed", lambda *_: asked.append(1) or 1.0
    )
    world = world_of(square(0))
    assert all(world.restyled(seed).scene(DAY).sky is None for seed in range(3))
    assert len(asked) == 1


def test_refuses_arrays_that_do_not_fit():
    world = world_of(square(0))
    with pytest.raises(ValueError, match="`positions_m`, `uvs` and `tints` must be"):
        replace(world, uvs=world.uvs[:1])
    with pytest.raises(ValueError, match="must name one of 1 texture. Received"):
        replace(world, texture_of=np.array([0, 1], np.int32))
