import numpy as np
import pytest

from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import Body, around, hover, stand


def reason_at(world, *points):
    return stand(Collider(world), np.array(points, float), Body()).reasons.tolist()


def test_says_why_one_cannot_stand(shapes):
    world = shapes.world(
        shapes.floor((-50, -50), (50, 50)),
        shapes.box((10, -2, 0), (14, 2, 5)),
        shapes.box((-14, -2, 1.8), (-10, 2, 3)),
        shapes.floor((60, -10), (80, 10), z=-60.0, slope=1.0),
    )
    points = [(0, 0, 0), (9.5, 0, 0), (12, 0, 0), (-12, 0, 0), (70, 0, 10), (100, 0, 0)]
    assert reason_at(world, *points) == [
        "",
        "too near a wall",
        "inside a solid",
        "no head room",
        "too steep",
        "no ground below",
    ]


def test_one_stands_on_each_floor_and_not_inside_the_slab_between(shapes):
    house = shapes.house()
    assert reason_at(house, (0, 0, 0), (0, 0, 3.3), (0, 0, 6.6)) == ["", "", ""]
    assert reason_at(house, (0, 0, 1.6))[0] != ""


def test_a_far_wall_seen_from_behind_is_not_a_solid_around(shapes):
    deck = shapes.floor((-4, -4), (4, 4))
    facing_away = shapes.quad((30, -9, -5), (30, -9, 9), (30, 9, 9), (30, 9, -5))
    for wall in (facing_away, [t[::-1] for t in facing_away]):
        assert reason_at(shapes.world(deck, wall), (0, 0, 0)) == [""]


def test_the_ground_is_found_a_step_higher_and_lower(shapes):
    found = stand(
        Collider(shapes.world(shapes.floor((-9, -9), (9, 9)))),
        np.array([[0, 0, 0.4], [1, 1, -0.4], [2, 2, 0.9]]),
        Body(),
    )
    np.testing.assert_allclose(found.feet_m[:2, 2], 0, atol=1e-5)
    assert found.is_free.tolist() == [True, True, False]


def test_free_distances_are_those_to_the_walls_of_a_room(shapes):
    room = shapes.world(shapes.box((-3, -5, 0), (4, 7, 3), inside_out=True))
    found = stand(Collider(room), np.array([[0.0, 0, 0]]), Body())
    assert found.is_free.all()
    np.testing.assert_allclose(found.free_m[0, ::2], [7, 4, 5, 3], atol=1e-4)  # n e s w
    np.testing.assert_allclose(found.free_m[0, 1], 4 * np.sqrt(2), atol=1e-4)


def test_hovering_is_refused_under_ground_in_solids_and_at_walls(shapes):
    hill = shapes.floor((-50, -50), (50, 50), z=20.0, slope=0.2)
    world = shapes.world(hill, shapes.box((0, 0, 30), (8, 8, 40)))
    points = [(0, 0, 60), (20, 20, 10), (4, 4, 35), (-1, 4, 35), (200, 0, 5)]
    reasons = hover(Collider(world), np.array(points, float), 2.0).tolist()
    assert reasons == ["", "under the ground", "inside a solid", "too near a wall", ""]


def test_directions_go_clockwise_from_north():
    expected = [(0, 1, 0), (1, 0, 0), (0, -1, 0), (-1, 0, 0)]
    np.testing.assert_allclose(around(4), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"clearance_m": 0}, "`clearance_m` must be positive"),
        ({"max_slope_deg": 90}, "`max_slope_deg` must be between 0 and 90"),
        ({"step_m": 2.0}, "`step_m` must be less than `eye_height_m`"),
    ],
)
def test_refuses_a_body_that_is_none(changes, match):
    with pytest.raises(ValueError, match=match):
        Body(**changes)
