import numpy as np
import pytest

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors
from placevec.places.view_overlap import ViewOverlap, view_overlap


def overlap(offset_m, headings_deg, angles_deg=(90, 90), depth_m=50.0):
    pair = np.array([offset_m], dtype=float), np.array([headings_deg]), np.array([angles_deg])
    return float(view_overlap(*pair, depth_m=depth_m)[0])


def sees(point, apex, heading_deg, angle_deg, depth_m):
    east, north = point[0] - apex[0], point[1] - apex[1]
    if east**2 + north**2 > depth_m**2:
        return False
    turn = abs((np.rad2deg(np.arctan2(east, north)) - heading_deg + 180) % 360 - 180)
    return turn <= angle_deg / 2


def test_equals_the_share_of_points_that_both_sectors_hold():
    rng = np.random.default_rng(0)
    for _ in range(12):
        offset_m, depth_m = rng.normal(0, 15, 2), 30.0
        headings_deg, angles_deg = rng.uniform(0, 360, 2), rng.choice([40, 90, 200, 360], 2)
        both = either = 0
        for east in np.arange(-80, 80, 1.0):
            for north in np.arange(-80, 80, 1.0):
                one = sees((east, north), (0, 0), headings_deg[0], angles_deg[0], depth_m)
                other = sees((east, north), offset_m, headings_deg[1], angles_deg[1], depth_m)
                both += one and other
                either += one or other
        assert overlap(offset_m, headings_deg, angles_deg, depth_m) == pytest.approx(
            both / either, abs=0.02
        )


@pytest.mark.parametrize(
    ("offset_m", "headings_deg", "angles_deg", "share"),
    [
        ((0, 0), (10, 10), (90, 90), 1.0),
        ((0, 0), (0, 30), (90, 90), 60 / 120),
        ((0, 0), (350, 20), (90, 90), 60 / 120),
        ((0, 0), (0, 90), (90, 90), 0.0),
        ((0, 0), (0, 180), (360, 360), 1.0),
        ((0, 0), (0, 0), (360, 90), 0.25),
        ((0, 0), (0, 180), (300, 300), 240 / 360),
        ((0, 100.1), (0, 180), (90, 90), 0.0),
        ((0, 90), (0, 180), (90, 90), 0.0808),
        ((5, 0), (90, 270), (90, 90), 0.0032),
        ((0, -5), (0, 180), (90, 90), 0.0),
    ],
)
def test_gives_the_shares_that_geometry_tells(offset_m, headings_deg, angles_deg, share):
    assert overlap(offset_m, headings_deg, angles_deg) == pytest.approx(share, abs=0.02)


def test_grows_with_the_unit_and_is_alike_from_both_sides():
    one = overlap((3, 4), (10, 60))
    assert overlap((30, 40), (10, 60), depth_m=500.0) == pytest.approx(one)
    assert overlap((-3, -4), (60, 10)) == pytest.approx(one, abs=0.005)


def test_an_unknown_heading_gives_no_number():
    assert np.isnan(overlap((1, 1), (0, np.nan)))
    assert np.isnan(overlap((1, 1), (np.nan, 0)))


def make_overlap(**fields):
    defaults = {
        "positions_m": [[0, 0], [5, 0], [60, 0], [0, 300]],
        "headings_deg": [90.0, 270.0, 270.0, 0.0],
    }
    dataset = PlaceDataset("wall", list("abcd"), **(defaults | fields))
    return ViewOverlap(dataset, DatabaseNeighbors(dataset), 50.0)


def test_takes_the_angle_of_each_photo_or_the_usual_one():
    usual = make_overlap().share(np.array([0]), np.array([2]))
    wide = make_overlap(fields_of_view_deg=[180.0, 90, 180, 90]).share(np.array([0]), np.array([2]))
    # Of half disks that face each other 60 m apart, all of the lens of the two disks.
    lens = 2 * np.arccos(0.6) - 2 * 0.6 * 0.8
    assert wide.tolist() == [pytest.approx(lens / (np.pi - lens), abs=0.01)]
    assert usual > wide
    same = make_overlap(fields_of_view_deg=[np.nan, 90, 90, np.nan])
    np.testing.assert_array_equal(same.share(np.array([0]), np.array([2])), usual)


def test_finds_the_photos_that_share_anything():
    owners, found = make_overlap().touching(np.array([0, 3]))
    assert (owners.tolist(), found.tolist()) == ([0, 0, 0, 1], [0, 1, 2, 3])
    owners, found = make_overlap(headings_deg=[90.0, 90, 90, np.nan]).touching(np.array([2]))
    assert found.tolist() == [2]
    assert make_overlap().most_touching(np.array([0, 3])).tolist() == [3, 1]


def test_a_photo_of_unknown_direction_may_share_anything_near():
    touching = make_overlap(headings_deg=[270.0, 90, np.nan, 0]).touching(np.array([0]))
    assert touching[1].tolist() == [0, 2]


def test_gives_the_same_in_small_chunks(monkeypatch):
    rows = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    whole = make_overlap().share(*rows)
    monkeypatch.setattr("placevec.places.view_overlap._PAIRS_AT_A_TIME", 3)
    np.testing.assert_array_equal(make_overlap().share(*rows), whole)
    assert make_overlap().share(np.empty(0, int), np.empty(0, int)).shape == (0,)
