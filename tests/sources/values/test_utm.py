from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from placevec.sources.values.utm import (
    degrees_from_metres,
    metres_from_degrees,
    refuse_hemisphere_letters,
    utm_zone,
)


def degrees(sign, whole, minutes, seconds):
    return sign * (whole + minutes / 60 + seconds / 3600)


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone", "east", "north"),
    [
        # Published in Australia's GDA technical manual (MGA94: UTM on GRS80, which differs from
        # WGS84 by less than 0.1 mm): Flinders Peak, and Buninyong in its own zone.
        (degrees(-1, 37, 57, 3.7203), degrees(1, 144, 25, 29.5244), "55H", 273741.297, 5796489.777),
        (degrees(-1, 37, 39, 10.1561), degrees(1, 143, 55, 35.3839), "54H", 758173.797, 5828674.34),
    ],
)
def test_equals_published_survey_marks(latitude, longitude, zone, east, north):
    positions_m, used = metres_from_degrees([latitude], [longitude])
    assert used == zone
    np.testing.assert_allclose(positions_m, [[east, north]], rtol=0, atol=0.8e-3)


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone", "east", "north"),
    [  # PROJ 9, EPSG:326xx and 327xx
        (33.3, 44.4, "38S", 444140.54492, 3684706.35555),
        (43.642566, -79.387139, "17T", 630084.30299, 4833438.47461),
        (52.2050448, 0.1195771, "31U", 303182.72268, 5787755.11397),
        (0, 0, "31N", 166021.44308, 0.0),
        (60.39299, 5.32415, "32V", 297477.30698, 6700830.06324),
        (83.9, -6, "30X", None, None),
        (-79.5, 179.999, "60C", 560986.22627, 1172651.22793),
        (-33.8568, 151.2153, "56H", 334900.56965, 6252288.75289),
    ],
)
def test_equals_proj_to_its_five_decimals(latitude, longitude, zone, east, north):
    positions_m, used = metres_from_degrees([latitude], [longitude])
    assert used == zone
    if east is not None:
        np.testing.assert_allclose(positions_m, [[east, north]], rtol=0, atol=1.2e-5)


def test_equals_proj_beyond_the_edge_of_a_zone():
    positions_m, _ = metres_from_degrees([83.9, 52.2], [-6.0, -20.0], zone="29X")
    np.testing.assert_allclose(positions_m[0], [535575.68019, 9317856.46615], rtol=0, atol=1.2e-5)
    positions_m, _ = metres_from_degrees([52.2], [-20.0], zone="31U")
    np.testing.assert_allclose(positions_m, [[-1060367.79529, 6036715.47071]], rtol=0, atol=1.2e-5)


@pytest.mark.parametrize("latitude", [1.0, 45.0, 80.0])
def test_equals_the_integrated_arc_on_the_central_meridian(latitude):
    flattening = 1 / 298.257223563
    e2 = flattening * (2 - flattening)
    arc, _ = quad(
        lambda phi: 6378137 * (1 - e2) / (1 - e2 * np.sin(phi) ** 2) ** 1.5,
        0,
        np.radians(latitude),
        epsabs=1e-6,
    )
    positions_m, _ = metres_from_degrees([latitude], [3.0], zone="31N")
    np.testing.assert_allclose(positions_m, [[500000, 0.9996 * arc]], rtol=0, atol=1.2e-5)


def test_agrees_with_the_utm_positions_of_the_tokyo_time_machine(shared_data):
    from placevec.sources.benchmarks.dbstruct import load_dbstruct

    content = load_dbstruct(shared_data("dbstruct", "tokyoTM_val.mat"))
    fields = [name[:-4].split("_")[-4:-2] for name in content.database_names]
    latitudes, longitudes = np.array(fields, dtype=float).T
    positions_m, zone = metres_from_degrees(latitudes, longitudes)
    assert zone == "54S"
    assert np.abs(positions_m - content.database_positions_m).max() < 0.06  # names have 6 decimals


def test_takes_one_zone_for_all_from_the_median():
    positions_m, zone = metres_from_degrees([52.0] * 3, [-0.001, -0.0005, 0.001])
    assert zone == "30U"
    np.testing.assert_allclose(np.diff(positions_m[:, 0]), [34.3, 103.0], rtol=0.01)


def test_keeps_neighbors_together_across_the_date_line_and_the_equator():
    positions_m, zone = metres_from_degrees([-0.0001, 0.0001], [179.9999, -179.9999])
    assert zone == "1M"
    np.testing.assert_allclose(positions_m[:, 1], 1e7, atol=12)
    apart_m = np.abs(positions_m[0] - positions_m[1])
    np.testing.assert_allclose(apart_m, [22.3, 22.1], atol=0.1)


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [
        (56.0, 2.9, "31V"),
        (56.0, 3.0, "32V"),
        (55.9, 3.0, "31U"),
        (78.0, 8.9, "31X"),
        (78.0, 9.0, "33X"),
        (78.0, 21.0, "35X"),
        (78.0, 33.0, "37X"),
        (78.0, 42.0, "38X"),
        (84.0, 42.0, "38X"),
        (-80.0, -180.0, "1C"),
        (10.0, 180.0, "1P"),
    ],
)
def test_knows_the_zones(latitude, longitude, zone):
    assert utm_zone(latitude, longitude) == zone


@pytest.mark.parametrize(
    ("latitudes", "longitudes", "match"),
    [
        ([], [], "at least one point"),
        ([91.0], [0.0], r"latitude must be in \[-80, 84\].*91"),
        ([np.nan], [0.0], "latitude"),
        ([0.0], [181.0], "longitude must be in.*181"),
        ([0.0, 0.0, 0.0], [0.0, 0.0, 90.0], "keep a folder or table for each region"),
    ],
)
def test_refuses_what_is_not_on_the_grid(refuses, latitudes, longitudes, match):
    with refuses(ValueError, match):
        metres_from_degrees(latitudes, longitudes)


def test_warns_of_sets_too_wide_for_one_zone(caplog):
    metres_from_degrees([0.0, 0.0], [3.0, 20.0])
    assert "% too long" in caplog.text
    caplog.clear()
    metres_from_degrees([0.0, 0.0], [3.0, 6.5])
    assert not caplog.text


def test_the_way_back_from_metres_meets_the_point_to_a_millimetre():
    rng = np.random.default_rng(0)
    for zone, low, high in (
        ("31U", -1.0, 84),
        ("17G", -80, 1.0),
        ("1C", -80, -70),
        ("60X", 72, 84),
    ):
        middle = 6 * int(zone[:-1]) - 183
        latitudes = rng.uniform(low, high, 300)
        longitudes = (middle + rng.uniform(-20, 20, 300) + 180) % 360 - 180
        positions_m, _ = metres_from_degrees(latitudes, longitudes, zone)
        back = degrees_from_metres(positions_m, zone)
        again_m, _ = metres_from_degrees(*back.T, zone)
        assert np.abs(again_m - positions_m).max() < 1e-3
        assert np.abs(back[:, 0] - latitudes).max() * 111_000 < 1e-3
        east = np.abs((back[:, 1] - longitudes + 180) % 360 - 180)
        assert (east * np.cos(np.radians(latitudes))).max() * 111_000 < 1e-3


@pytest.mark.parametrize("zone", ["", "61U", "0U", "31I", "31UU", "u"])
def test_refuses_metres_of_no_zone(refuses, zone):
    with refuses(ValueError, "A UTM zone is 1 to 60 and a letter"):
        degrees_from_metres(np.zeros((1, 2)), zone)


@pytest.mark.parametrize(("zone", "north"), [("56S", 6252288.7), ("56S", 1172651.0), ("31S", 9e6)])
def test_refuses_an_s_that_means_the_south(refuses, zone, north):
    names, zones = np.array(["a.jpg", "b.jpg"]), np.array(["56H", zone])
    with refuses(ValueError, f"32 to 40 degrees north. Received: zone {zone} .* b.jpg in photos"):
        refuse_hemisphere_letters(
            zones, np.array([[5e5, 6e6], [5e5, north]]), names, Path("photos")
        )


def test_takes_an_s_in_its_band_and_small_numbers():
    zones = np.array(["54S", "54S", "54N", ""])
    positions_m = np.array([[5e5, 3.95e6], [1, 2], [5e5, 6e6], [5e5, 6e6]])
    refuse_hemisphere_letters(zones, positions_m, np.array(list("abcd")), Path("photos"))
