import numpy as np
import pytest

from placevec.places import PlaceDataset
from placevec.sources.values.in_zone import in_zone_of
from placevec.sources.values.utm import metres_from_degrees

LATITUDES, LONGITUDES = np.array([48.1, -33.9]), np.array([11.9, 12.1])


@pytest.fixture
def photos():
    positions_m, zone = metres_from_degrees(LATITUDES, LONGITUDES, "32U")
    return PlaceDataset(".", ["a.jpg", "b.jpg"], positions_m=positions_m, frame=f"UTM {zone}")


@pytest.mark.parametrize("zone", ["33U", "33", "31T", "33H", "32H"])
def test_positions_are_those_of_the_degrees_in_the_other_zone(photos, zone):
    there = in_zone_of(f"UTM {zone}", photos)
    expected, _ = metres_from_degrees(LATITUDES, LONGITUDES, zone)
    np.testing.assert_allclose(there.positions_m, expected, atol=1e-3)
    assert (there.frame, there.names.tolist()) == (f"UTM {zone}", ["a.jpg", "b.jpg"])


@pytest.mark.parametrize("frame", [None, "", "local", "UTM", "UTM 32U", "UTM 32T"])
def test_photos_stay_if_there_is_no_other_zone(photos, frame):
    assert in_zone_of(frame, photos) is photos


def test_positions_in_no_zone_stay():
    photos = PlaceDataset(".", ["a.jpg"], positions_m=[[1, 2]])
    assert in_zone_of("UTM 32U", photos) is photos
    photos = PlaceDataset(".", ["a.jpg"], place_ids=[1], frame="UTM 33U")
    assert in_zone_of("UTM 32U", photos) is photos


def test_refuses_a_zone_on_the_other_side_of_the_earth(photos):
    with pytest.raises(ValueError, match="degrees of longitude from the middle of zone 60U"):
        in_zone_of("UTM 60U", photos)
