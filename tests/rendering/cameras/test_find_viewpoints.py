import numpy as np
import pytest

from placevec.rendering.cameras.find_viewpoints import find_viewpoints, headings
from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import UNDER_GROUND, around, hover
from placevec.rendering.cameras.viewpoints import distance_m
from placevec.rendering.worlds.load_world import load_world


def eyes_of(viewpoints):
    return np.array([camera.pose.position_m for camera in viewpoints.cameras])


def assert_clear(collider, eyes_m, least_m):
    """No camera under the ground, in a solid or in a wall, by other rays than those of the code."""
    turned = around(11)
    ways = np.vstack([turned, turned * 0.9 + [0, 0, 0.44], [[0, 0, 1.0]]])
    directions = np.tile(ways, (len(eyes_m), 1))
    hits_m, triangles = collider.cast(np.repeat(eyes_m, len(ways), axis=0), directions, 60.0)
    backs = collider.is_back(triangles, directions).reshape(len(eyes_m), -1)
    assert hits_m.min() > least_m
    assert (backs.mean(axis=1) < 0.7).all()
    down = np.tile([0.0, 0, -1], (len(eyes_m), 1))
    below_m, ground = collider.cast(eyes_m, down, 5.0)
    assert (collider.normals[ground, 2] > 0.85).all()
    assert (np.abs(below_m - 1.7) < 0.2).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_camera_is_in_a_house_or_under_the_ground(shapes, seed):
    world, houses = shapes.blocks(seed)
    viewpoints = find_viewpoints(world, num_places=6, views_per_place=2, seed=seed, spacing_m=7)
    for x, y, z in eyes_of(viewpoints):
        over = [high[2] for low, high in houses if ((low[:2] < (x, y)) & ((x, y) < high[:2])).all()]
        assert z - max(over, default=0.0) == pytest.approx(1.7, abs=0.151)  # flat roofs count
        for low, high in houses[houses[:, 1, 2] > z]:
            outside = np.maximum(low[:2] - (x, y), (x, y) - high[:2]).max()
            assert outside > 0.7  # 1 m along eight rays
    assert_clear(viewpoints.collider, eyes_of(viewpoints), 0.7)


def test_rooms_of_both_floors_are_found_and_no_walls_between(shapes):
    viewpoints = find_viewpoints(shapes.house(), num_places=12, seed=1, least_area_share=0.02)
    eyes = eyes_of(viewpoints)
    assert viewpoints.spacing_m < 10.0
    floors = {round(float(z - 1.7) / 3.3) for z in eyes[:, 2]}
    assert {0, 1} <= floors
    inside = eyes[eyes[:, 2] < 6.3]
    assert (np.abs(inside[:, :2]) < 5.7 - 0.9).all()


def test_on_a_slope_all_cameras_are_above_it(shapes):
    wall = shapes.box((-60, 50, -30), (60, 55, 30))
    world = shapes.world(shapes.floor((-60, -60), (60, 60), slope=0.3), wall)
    eyes = eyes_of(find_viewpoints(world, num_places=8, seed=2, spacing_m=9))
    np.testing.assert_allclose(eyes[:, 2] - 0.3 * eyes[:, 0], 1.7, atol=0.16)


def test_spacing_shrinks_only_as_far_as_it_must(shapes):
    room = shapes.world(shapes.box((-9, -9, 0), (9, 9, 4), inside_out=True))
    few, many = (find_viewpoints(room, num_places=count, seed=0) for count in (2, 20))
    assert few.spacing_m == 10.0 and 1.0 < many.spacing_m < 5.0
    for viewpoints in (few, many):
        cameras = viewpoints.cameras
        gaps = [distance_m(a, b) for i, a in enumerate(cameras) for b in cameras[:i]]
        assert min(gaps) > viewpoints.spacing_m - 2 * np.sqrt(2)  # both stray a metre each way


def test_clearance_shrinks_in_a_narrow_corridor(shapes):
    corridor = shapes.world(shapes.box((-0.8, -30, 0), (0.8, 30, 3), inside_out=True))
    viewpoints = find_viewpoints(corridor, num_places=4, seed=0)
    assert viewpoints.body.clearance_m == 0.5
    turns = np.array([camera.heading_deg for camera in viewpoints.cameras])
    assert (np.abs((turns + 90) % 180 - 90) < 10).all()  # north or south


def test_places_are_rather_where_walls_are_near(shapes):
    walls = [shapes.box((x, -100, 0), (x + 1, 100, 9)) for x in (-150, -130)]
    tiles = [shapes.floor((x, y), (x + 20, y + 20)) for x in range(-150, 250, 20) for y in (-20, 0)]
    end = shapes.box((250, -20, 0), (251, 20, 9))
    world = shapes.world(*tiles, *walls, end)
    eyes = eyes_of(find_viewpoints(world, num_places=12, seed=0, spacing_m=3.0))
    assert (eyes[:, 0] < -80).mean() + (eyes[:, 0] > 190).mean() > 0.5  # they are 0.33 of all


def test_equal_seeds_give_equal_cameras(shapes):
    world, _ = shapes.blocks(0)
    first, again, other = (
        find_viewpoints(world, num_places=4, seed=s, spacing_m=9) for s in (1, 1, 2)
    )
    assert first.cameras == again.cameras != other.cameras
    assert first.rejected == again.rejected


def test_headings_follow_the_street_and_shun_the_void():
    street = np.array([[80.0, 5, 3, 5, 60, 5, 3, 5]])
    rng = np.random.default_rng(0)
    first = headings(street, 2, "streets", rng)[0]
    assert set(first[:2]) == {0.0, 180.0} and len(set(first)) == 8
    cliff = np.array([[100.0, 100, 100, 30, 20, 30, 100, 100]])
    order = headings(cliff, 1, "streets", rng)[0]
    assert set(order[-3:]) == {0.0, 45.0, 315.0}
    gaps = np.diff(headings(street, 4, "around", rng)[0]) % 360
    np.testing.assert_allclose(gaps, 90)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"num_places": 0}, "`num_places` and `views_per_place` must be positive"),
        ({"num_places": 1, "directions": "up"}, "`directions` must be one of"),
        ({"num_places": 400}, "400 places must be found in the world. Received: .*; rejected"),
    ],
)
def test_refuses_what_cannot_be(shapes, settings, match):
    room = shapes.world(shapes.box((-4, -4, 0), (4, 4, 3), inside_out=True))
    with pytest.raises(ValueError, match=match):
        find_viewpoints(room, **settings)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["street-1", "alpine-2", "suspended"])
@pytest.mark.parametrize("seed", [0, 1])
def test_cameras_of_real_worlds_are_free(shared_data, name, seed):
    world = load_world(shared_data("worlds", name, f"{name}.obj"))
    viewpoints = find_viewpoints(world, num_places=25, seed=seed)
    eyes = eyes_of(viewpoints)
    assert UNDER_GROUND not in hover(viewpoints.collider, eyes, 0.3).tolist()
    assert_clear(viewpoints.collider, eyes, 0.3)


def test_most_standing_points_of_an_arena_are_accepted(shared_data):
    path = shared_data("worlds", "suspended", "viewpoints.txt")
    collider = Collider(load_world(path.with_name("suspended.obj")))
    points = np.loadtxt(path)
    down = np.tile([0.0, 0, -1], (len(points), 1))
    below_m, _ = collider.cast(points, down, 2.0)
    low = points[np.isfinite(below_m)]  # the others float in the air
    reasons = hover(collider, low + [0, 0, 0.8], 0.5)
    assert (reasons == "").mean() > 0.8
