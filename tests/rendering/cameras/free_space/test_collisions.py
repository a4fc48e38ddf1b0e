from types import SimpleNamespace

import numpy as np
import pytest

from placevec.rendering.cameras.free_space.collisions import Collider


def moller_trumbore(start, way, triangle):
    """Distance along a unit way to a triangle, or inf: Moller and Trumbore, 1997."""
    a, b, c = triangle
    one, two = b - a, c - a
    across = np.cross(way, two)
    determinant = one @ across
    if abs(determinant) < 1e-12:
        return np.inf
    offset = start - a
    u = offset @ across / determinant
    turned = np.cross(offset, one)
    v = way @ turned / determinant
    distance = two @ turned / determinant
    return distance if u >= 0 and v >= 0 and u + v <= 1 and distance >= 0 else np.inf


def test_equals_ray_by_ray_triangle_by_triangle():
    rng = np.random.default_rng(0)
    triangles = rng.uniform(-3, 3, (50, 1, 3)) + rng.uniform(-2, 2, (50, 3, 3))
    starts, ways = rng.uniform(-4, 4, (90, 3)), rng.normal(size=(90, 3))
    distances, hit = Collider(SimpleNamespace(positions_m=triangles)).cast(starts, ways, 8.0)
    for i in range(90):
        way = ways[i] / np.linalg.norm(ways[i])
        each = np.array([moller_trumbore(starts[i], way, triangle) for triangle in triangles])
        each[each > 8.0] = np.inf
        if np.isinf(each).all():
            assert np.isinf(distances[i]) and hit[i] == -1
        else:
            assert distances[i] == pytest.approx(each.min(), abs=1e-4)
            assert each[hit[i]] == pytest.approx(each.min(), abs=1e-4)
    assert 20 < np.isfinite(distances).sum() < 90


def test_both_sides_count_and_backs_are_told(shapes):
    collider = Collider(shapes.world(shapes.floor((-5, -5), (5, 5))))
    ways = np.array([[0.0, 0, -1], [0, 0, 1], [1, 0, 0]])
    distances, hit = collider.cast(np.array([[0.1, 0.2, 2], [0.1, 0.2, -3], [0, 0, 9]]), ways, 50)
    np.testing.assert_allclose(distances, [2, 3, np.inf])
    assert collider.is_back(hit, ways).tolist() == [False, True, False]


def test_no_rays_and_no_triangles_give_nothing():
    empty = Collider(SimpleNamespace(positions_m=np.empty((0, 3, 3))))
    distances, hit = empty.cast(np.zeros((2, 3)), np.ones((2, 3)), 5.0)
    assert np.isinf(distances).all() and hit.tolist() == [-1, -1]
    assert empty.cast(np.empty((0, 3)), np.empty((0, 3)), 5.0)[0].shape == (0,)


def test_refuses_rays_that_are_none(shapes):
    collider = Collider(shapes.world(shapes.floor((-5, -5), (5, 5))))
    with pytest.raises(ValueError, match=r"must both be of shape \(n, 3\)"):
        collider.cast(np.zeros((2, 3)), np.zeros((1, 3)), 5.0)
    with pytest.raises(ValueError, match="no direction zero"):
        collider.cast(np.zeros((1, 3)), np.zeros((1, 3)), 5.0)
    with pytest.raises(ValueError, match="`max_m` must be positive"):
        collider.cast(np.zeros((1, 3)), np.ones((1, 3)), 0.0)


FLOOR = np.array([[[-9, -9, 0], [9, -9, 0], [9, 9, 0]], [[-9, -9, 0], [9, 9, 0], [-9, 9, 0]]])


def turned_around(triangles):
    return triangles[:, [0, 2, 1]]


def test_ground_that_faces_down_is_taken_as_if_it_faced_up_and_said(caplog):
    roof = FLOOR / 3 + [0, 0, 5]
    for triangles, is_told in (
        (FLOOR, False),
        (turned_around(FLOOR), True),
        (np.concatenate([FLOOR, roof]), False),
        (turned_around(np.concatenate([FLOOR, roof])), True),
    ):
        caplog.clear()
        collider = Collider(SimpleNamespace(positions_m=triangles))
        assert (collider.normals[:, 2] > 0.99).all()
        assert ("faces down: its triangles run clockwise" in caplog.text) == is_told


def test_a_ceiling_may_face_down_above_a_floor(caplog):
    room = np.concatenate([FLOOR, turned_around(FLOOR) + [0, 0, 3]])
    collider = Collider(SimpleNamespace(positions_m=room))
    np.testing.assert_allclose(collider.normals[:, 2], [1, 1, -1, -1])
    assert not caplog.text


def test_says_how_much_of_the_ground_faces_another_way(caplog):
    mixed = np.concatenate([FLOOR, turned_around(FLOOR[:1] / 2 + [20, 0, 0])])
    Collider(SimpleNamespace(positions_m=mixed))
    assert "% of the ground faces another way than the rest" in caplog.text
