import pytest

from placevec.places.frame import grid_of, is_zone_frame, parse_zone


@pytest.mark.parametrize(
    ("text", "zone"),
    [("31U", (31, "U")), ("031U", (31, "U")), ("7", (7, "")), ("60X", (60, "X")), ("1C", (1, "C"))],
)
def test_reads_zones_with_and_without_a_letter(text, zone):
    assert parse_zone(text) == zone


@pytest.mark.parametrize(
    "text", ["", "0", "61", "31I", "31O", "31A", "31Y", "31UU", "U", "u", "3 1"]
)
def test_knows_what_is_no_zone(text):
    assert parse_zone(text) is None


def test_bands_of_one_hemisphere_share_a_grid_and_others_do_not():
    assert grid_of("UTM 32T") == grid_of("UTM 32U") == grid_of("UTM 32")
    assert len({grid_of(f"UTM {zone}") for zone in ("32T", "32K", "31T", "3", "2")}) == 5


def test_only_a_named_zone_is_known_on_earth():
    others = ("UTM", "local", "UTM of each of 2 cities, put 10000 km apart", "frames", "31U")
    assert not any(map(is_zone_frame, others))
    assert [grid_of(frame) for frame in others] == list(others)
    assert is_zone_frame("UTM 31U") and is_zone_frame("UTM 31")
