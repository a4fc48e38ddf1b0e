import numpy as np
import pytest

from placevec.places.dataset import PlaceDataset
from placevec.sources.poses.georeference import earth_point, geodetic, on_earth
from placevec.sources.values.utm import metres_from_degrees


def around(offsets_m):
    offsets_m = np.array(offsets_m, dtype=float)
    names = [f"{row}.jpg" for row in range(len(offsets_m))]
    return PlaceDataset(".", names, positions_m=offsets_m[:, :2], altitudes_m=offsets_m[:, 2])


def test_geodetic_is_the_way_back_from_earth_points():
    rng = np.random.default_rng(0)
    degrees = rng.uniform([-89, -180], [89, 180], (50, 2))
    altitudes_m = rng.uniform(-400, 9000, 50)
    points_m = [earth_point(*np.radians(d), a) for d, a in zip(degrees, altitudes_m, strict=True)]
    latitudes, longitudes, altitudes = geodetic(np.array(points_m))
    np.testing.assert_allclose(np.column_stack([latitudes, longitudes]), degrees, atol=1e-9)
    np.testing.assert_allclose(altitudes, altitudes_m, atol=1e-5)


def test_a_known_point():
    """Greenwich's meridian at 45 degrees north, by the formula of the ellipsoid."""
    np.testing.assert_allclose(
        earth_point(np.radians(45.0), 0.0, 0.0), [4517590.8788, 0, 4487348.4089], atol=1e-3
    )


@pytest.mark.parametrize("latitude_deg", [48.0, -33.0])
def test_metres_east_and_north_are_those_of_degrees(latitude_deg):
    """Along the ellipsoid, a degree of longitude is `cos(latitude)` times a circle's."""
    longitude_deg = 9.0  # the middle of zone 32, where grid and true north agree
    dataset = on_earth(
        around([[0, 0, 0], [100, 0, 0], [0, 100, 5]]), latitude_deg, longitude_deg, 7
    )
    origin, zone = metres_from_degrees([latitude_deg], [longitude_deg])
    assert dataset.frame == f"UTM {zone}"
    offsets = dataset.positions_m - origin
    np.testing.assert_allclose(offsets, [[0, 0], [99.96, 0], [0, 99.96]], atol=0.01)
    np.testing.assert_allclose(dataset.altitudes_m, [7, 7, 12], atol=2e-3)


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg", "match"),
    [(0, 0, "must be a position on Earth"), (91, 0, "in \\[-80, 84\\]"), (10, 181, "181")],
)
def test_refuses_an_origin_that_is_no_position(latitude_deg, longitude_deg, match, refuses):
    with refuses(ValueError, match):
        on_earth(around([[0, 0, 0]]), latitude_deg, longitude_deg, 0)
