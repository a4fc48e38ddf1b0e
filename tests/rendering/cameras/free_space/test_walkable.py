import numpy as np

from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import Body
from placevec.rendering.cameras.free_space.walkable import (
    apart,
    can_walk,
    draw_ground,
    find_walkable,
    is_clear,
)


def test_points_keep_their_distance():
    points = np.random.default_rng(0).uniform(0, 10, (200, 3))
    kept = apart(points, 2.0)
    expected = []
    for i, point in enumerate(points):
        if all(np.linalg.norm(point - points[j]) > 2.0 for j in expected):
            expected.append(i)
    assert kept.tolist() == expected


def test_one_walks_round_a_wall_and_not_through(shapes):
    world = shapes.world(shapes.floor((-20, -20), (20, 20)), shapes.box((-5, -1, 0), (5, 1, 3)))
    starts = np.array([[0.0, -5, 0], [0, -5, 0], [0, -5, 0]])
    ends = np.array([[0.0, 5, 0], [8, -5, 0], [0, -5, 8]])
    assert can_walk(Collider(world), starts, ends, Body()).tolist() == [False, True, False]


def test_one_does_not_walk_over_a_gap(shapes):
    world = shapes.world(shapes.floor((-20, -5), (-3, 5)), shapes.floor((3, -5), (20, 5)))
    way = can_walk(Collider(world), np.array([[-6.0, 0, 0]]), np.array([[6.0, 0, 0]]), Body())
    assert not way[0]


def test_what_lies_between_is_seen(shapes):
    collider = Collider(shapes.world(shapes.box((-1, -1, -1), (1, 1, 1))))
    starts = np.array([[-5.0, 0, 0], [-5, 0, 0], [-5, 3, 0], [0, 0, 9]])
    ends = np.array([[5.0, 0, 0], [-2, 0, 0], [5, 3, 0], [0, 0, 9]])
    assert is_clear(collider, starts, ends).tolist() == [False, True, True, True]


def test_steep_ground_is_counted_by_area(shapes):
    parts = [shapes.floor((20 * i, 0), (20 * i + 10, 10), slope=2.0 * (i % 2)) for i in range(2)]
    points, steep = draw_ground(
        Collider(shapes.world(*parts)), 4000, np.random.default_rng(0), Body()
    )
    assert len(points) + steep == 4000
    area = 10 * 10 * np.sqrt(5)  # weights count no more than 100 for a triangle, which none has
    assert abs(steep / 4000 - area / (area + 100)) < 0.06
    assert (points[:, 0] < 11).all()


def test_small_areas_are_given_up(shapes):
    mesh = [shapes.floor((5 * i, 0), (5 * i + 5, 40)) for i in range(8)]
    roof = shapes.box((100, 100, 0), (104, 104, 20))
    found = find_walkable(
        Collider(shapes.world(*mesh, roof)), num_points=300, spacing_m=2.0, seed=0
    )
    assert len(found.feet_m) > 100 and (found.feet_m[:, 0] < 41).all()
    assert found.rejected["area too small"] > 0 and (found.areas == 0).all()


def test_nothing_is_found_where_no_ground_is(shapes):
    wall = shapes.quad((0, 0, 0), (0, 9, 0), (0, 9, 9), (0, 0, 9))
    found = find_walkable(Collider(shapes.world(wall)), num_points=20, spacing_m=1.0, seed=0)
    assert found.feet_m.shape == (0, 3)


def test_nothing_lies_between_points_that_float32_cannot_tell_apart(shapes):
    collider = Collider(shapes.world(shapes.floor((-20, -5), (-3, 5))))
    start = np.array([[16.24472762, 0.42988336, 1.7]])
    assert is_clear(collider, start, start + 1e-12).tolist() == [True]
