import numpy as np
import pytest

from placevec.rendering.town.layout import FRONT_DISTANCE_M, field_size_m, lay_out_town


def along(street, step_m=1.0):
    distances = np.arange(0, street.length_m, step_m)
    return np.array([street.along(distance)[0] for distance in distances])


def test_equal_seeds_give_equal_towns(town):
    again = lay_out_town((5, 0), ["one", "two"], 150.0, np.array([1000.0, 2000.0]))
    other = lay_out_town((6, 0), ["one", "two"], 150.0, np.array([1000.0, 2000.0]))
    for street, same in zip(town.streets, again.streets, strict=True):
        np.testing.assert_array_equal(street.nodes_m, same.nodes_m)
        assert street.bearing_deg == same.bearing_deg
        assert [h.design for h in street.houses] == [h.design for h in same.houses]
    for facade, same in zip(town.designs.facades, again.designs.facades, strict=True):
        np.testing.assert_array_equal(facade.albedo, same.albedo)
    assert not np.array_equal(town.streets[0].nodes_m, other.streets[0].nodes_m)
    assert not np.array_equal(town.designs.facades[0].albedo, other.designs.facades[0].albedo)


def test_streets_have_the_length_asked_for(town):
    for street in town.streets:
        assert street.length_m == pytest.approx(150.0)
        steps = np.linalg.norm(np.diff(along(street), axis=0), axis=1)
        assert steps == pytest.approx(1.0, abs=0.1)


def test_streets_lie_more_than_100_m_apart(town):
    lines = [street.to_world(along(street)) for street in town.streets]
    gaps = np.linalg.norm(lines[0][:, None] - lines[1][None], axis=-1)
    assert gaps.min() > 100


def test_streets_stay_in_their_fields(town):
    size_m = field_size_m(150.0)
    for i, street in enumerate(town.streets):
        corner = np.array([1000.0 + i * size_m, 2000.0])
        share = (street.to_world(along(street)) - corner) / size_m
        assert share.min() > 0 and share.max() < 1


def test_the_frame_of_a_street_turns_by_its_bearing(town):
    street = town.streets[0]
    points = street.to_world(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))
    ahead, right = points[1] - points[0], points[2] - points[0]
    assert np.rad2deg(np.arctan2(*ahead)) % 360 == pytest.approx(street.bearing_deg)
    assert np.rad2deg(np.arctan2(*right)) % 360 == pytest.approx((street.bearing_deg + 90) % 360)


def test_to_street_undoes_to_world(town):
    points = np.random.default_rng(0).normal(size=(5, 2)) * 100
    street = town.streets[1]
    np.testing.assert_allclose(street.to_street(street.to_world(points)), points, atol=1e-9)


def test_along_goes_straight_on_beyond_the_ends(town):
    street = town.streets[0]
    point, ahead = street.along(-3.0)
    np.testing.assert_allclose(point, street.nodes_m[0] - 3 * ahead, atol=1e-9)
    point, ahead = street.along(153.0)
    np.testing.assert_allclose(point, street.nodes_m[-1] + 3 * ahead, atol=1e-9)


def test_houses_reach_back_from_their_fronts(town):
    for house in town.streets[0].houses:
        left, right, back_right, back_left = house.footprint_m
        assert np.linalg.norm(right - left) == pytest.approx(house.width_m)
        assert np.linalg.norm(back_left - left) == pytest.approx(house.depth_m)
        # Seen from outside, `right` lies to the right of `left` when the house is ahead.
        ahead = house.inwards
        assert np.array([ahead[1], -ahead[0]]) @ (right - left) == pytest.approx(house.width_m)


def test_fronts_along_the_street_face_it(town):
    street, line = town.streets[0], along(town.streets[0])
    facing = 0
    for house in street.houses:
        middle = house.footprint_m[:2].mean(axis=0)
        gap = line - middle
        nearest = gap[np.argmin((gap**2).sum(axis=1))]
        if abs(np.linalg.norm(nearest) - FRONT_DISTANCE_M) < 1.0:
            facing += 1
            assert house.inwards @ nearest < 0
    assert facing > 15


def test_rows_of_houses_repeat_designs_but_not_signs(town):
    for street in town.streets:
        designs = [house.design for house in street.houses]
        assert len(set(designs)) <= 12 < len(designs)
        signs = [house.sign for house in street.houses if house.sign >= 0]
        assert len(set(signs)) == len(signs) > 5


def test_lays_out_a_single_short_street():
    town = lay_out_town((0,), ["one"], 24.0, np.zeros(2))
    assert len(town.streets) == 1 and town.streets[0].length_m == pytest.approx(24.0)
