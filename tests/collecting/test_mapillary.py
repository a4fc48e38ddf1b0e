import json
import logging
import math
from urllib.parse import quote

import mapbox_vector_tile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.collecting.area import Area, read_area
from placevec.collecting.client.errors import RefusedError, TryAgainError
from placevec.collecting.mapillary import (
    TileImage,
    _choose,
    collect_mapillary,
    read_tile,
    row_of,
    tiles_of,
)
from placevec.config import MapillaryConfig
from placevec.sources import open_places
from placevec.sources.tables.rows.rows import read_csv

FAST = {"requests_per_second": 1000.0, "timeout_s": 20.0, "retries": 2}


@pytest.fixture
def images(server):
    """Two drives of four photos, 11 m apart, two years apart; a panorama; one far away."""
    for drive, start_ms in enumerate((1_400_000_000_000, 1_470_000_000_000)):
        for step in range(4):
            number = 10 * drive + step + 100
            server.images[number] = {
                "id": number, "sequence_id": f"drive {drive}", "is_pano": False,
                "captured_at": start_ms + 1000 * step, "compass_angle": 30.0 + drive,
                "lat": 52.37 + 1e-4 * step, "lon": 4.89 + 1e-4 * drive,
            }  # fmt: skip
    server.images[200] = {**server.images[100], "id": 200, "is_pano": True}
    server.images[300] = {**server.images[100], "id": 300, "lat": 52.38}
    return server.images


@pytest.fixture
def config(server, images, tmp_path):
    def make(**changes):
        given = {"bbox": (52.369, 4.889, 52.371, 4.891), "out": tmp_path / "photos",
                 "graph_url": server.url, "tiles_url": server.url, **FAST}  # fmt: skip
        return MapillaryConfig(**{**given, **changes})

    return make


def test_photos_open_as_places(config, tmp_path):
    collected = collect_mapillary(config())
    assert (collected.photos, collected.failed) == (8, 0)
    places = open_places(f"folder:{tmp_path / 'photos'}")
    assert places.names.tolist()[:2] == ["100.jpg", "101.jpg"]
    assert places.frame == "UTM 31U"
    assert places.headings_deg.tolist() == [300.0] * 4 + [301.0] * 4
    assert places.times_s[1] == 1_400_000_001.0
    assert len(set(places.sequence_ids)) == 2
    assert set(places.altitudes_m) == {12.5}
    assert set(places.fields_of_view_deg) == {90.0}
    assert np.diff(places.positions_m[:4, 1]) == pytest.approx(11.1, abs=0.3)


def test_each_photo_keeps_whose_it_is(config, tmp_path, caplog):
    collect_mapillary(config())
    cells = read_csv(tmp_path / "photos" / "positions.csv")
    assert cells["attribution"][0] == "ann on Mapillary, https://www.mapillary.com/app/?pKey=100"
    assert set(cells["licence"]) == {"CC BY-SA 4.0"}
    assert set(cells["position_kind"]) == {"computed"}
    caplog.clear()
    open_places(f"folder:{tmp_path / 'photos'}")
    assert caplog.text == ""


def test_a_dry_run_asks_for_tiles_alone(server, config, tmp_path):
    plan = collect_mapillary(config(dry_run=True, from_date="2016-01-01"))
    assert (plan.photos, plan.requests, plan.cost_usd) == (4, 8, 0.0)
    assert "1 panorama, 4 of other dates" in str(plan)
    assert all(name.startswith("/maps/vtp/") for name in server.asked)
    assert not (tmp_path / "photos").exists()


def test_panoramas_are_taken_when_told(config):
    assert collect_mapillary(config(keep_panoramas=True, min_distance_m=0.0)).photos == 9


def test_photos_of_one_sequence_are_thinned_and_other_dates_stay(config, tmp_path):
    collect_mapillary(config(min_distance_m=20.0))
    assert sorted(path.stem for path in (tmp_path / "photos").glob("*.jpg")) == [
        "100", "102", "110", "112",
    ]  # fmt: skip


def test_photos_of_a_sequence_follow_each_other_in_time(server, config, tmp_path):
    """By time 103, 102, 101, 100 with 11 m between them: every other one is kept."""
    for number in range(100, 104):
        server.images[number]["captured_at"] -= 10_000 * number
    collect_mapillary(config(min_distance_m=20.0, to_date="2015-01-01"))
    assert sorted(path.stem for path in (tmp_path / "photos").glob("*.jpg")) == ["101", "103"]


def test_photos_near_points_are_found(config, tmp_path):
    (tmp_path / "p.csv").write_text("lat,lon\n52.37,4.89\n")
    near = config(bbox=None, points=tmp_path / "p.csv", radius_m=12.0)
    assert collect_mapillary(near).photos == 3


def test_a_second_run_fetches_nothing_and_the_quota_is_kept(server, config):
    collected = collect_mapillary(config(max_requests=10, threads=1))
    assert (collected.photos, collected.left, collected.requests) == (4, 4, 10)
    assert collect_mapillary(config()).photos == 8
    asked = server.asked.copy()
    assert collect_mapillary(config()).new == 0
    assert set(server.asked - asked) == {name for name in asked if name.startswith("/maps/vtp/")}
    assert set(server.delivered.values()) == {1}


@pytest.mark.parametrize("fault", [500, 429, "half", "drop", "damaged"])
def test_what_fails_by_chance_is_asked_again(server, config, fault):
    tile = next(iter(tiles_of(Area(points=np.array([[52.37, 4.89]])), 0.0)))
    server.faults[f"/maps/vtp/mly1_public/2/14/{tile[0]}/{tile[1]}"] = [fault]
    server.faults["/101"] = [fault]
    server.faults["/photos/102"] = [fault]
    assert collect_mapillary(config()).photos == 8


@pytest.mark.parametrize(
    "url",
    ["http://example.org/a.jpg", "file:///etc/passwd", "ftp://a/b", "//a", "https//a", "", None, 3],
)
def test_addresses_of_photos_other_than_https_are_not_followed(server, config, url, caplog):
    server.overrides[101] = {"thumb_1024_url": url}
    collected = collect_mapillary(config())
    assert (collected.photos, collected.failed) == (7, 1)
    assert "no https address for image 101" in caplog.text


def test_an_expired_address_is_no_refused_token(server, config):
    server.faults["/photos/101"] = [403]
    assert collect_mapillary(config()).failed == 1


def test_a_refused_token_ends_the_run_without_showing_it(server, config, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MAPILLARY_ACCESS_TOKEN", "MLY|other|")
    with pytest.raises(RefusedError, match="answered 401") as caught:
        collect_mapillary(config())
    for form in ("MLY|other|", quote("MLY|other|")):
        assert form not in str(caught.value) + caplog.text


def test_no_token_is_seen_anywhere(server, config, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    server.faults["/101"] = [401 + 3]
    collect_mapillary(config())
    texts = [path.read_bytes().decode("latin-1") for path in (tmp_path / "photos").iterdir()]
    assert "access_token=(key)" in caplog.text
    for form in (server.token, quote(server.token)):
        assert form not in caplog.text
        assert not any(form in text for text in texts)


def test_a_tile_that_is_not_there_shows_nothing(server, config):
    server.images.clear()
    for tile in tiles_of(Area(points=np.array([[52.37, 4.89]])), 0.0):
        server.faults[f"/maps/vtp/mly1_public/2/14/{tile[0]}/{tile[1]}"] = [404]
    with pytest.raises(ValueError, match="The area must have photos"):
        collect_mapillary(config())


def test_tiles_are_those_of_web_mercator():
    """Manually: lon 0 is the middle column; the tile north-west of (0, 0) has both below it."""
    at = Area(points=np.array([[-0.001, 0.001]]))
    assert tiles_of(at, 0.0) == [(8192, 8192)]
    around = Area(points=np.array([[0.0, 0.0]]))
    assert tiles_of(around, 50.0) == [(8191, 8191), (8191, 8192), (8192, 8191), (8192, 8192)]
    dateline = Area(points=np.array([[0.001, 180.0]]))
    assert {col for col, _ in tiles_of(dateline, 50.0)} == {16383, 0}


def test_an_image_lies_where_its_tile_says():
    feature = {"geometry": "POINT(2048 1024)", "properties": {"id": 5, "captured_at": 2500}}
    body = mapbox_vector_tile.encode(
        [{"name": "image", "features": [feature]}], default_options={"y_coord_down": True}
    )
    (image,) = read_tile(body, 8192, 8191)
    assert (image.image_id, image.time_s, image.is_pano) == ("5", 2.5, False)
    assert image.lon == pytest.approx(360 / 2**14 / 2)
    merkator = math.pi * (1 - 2 * (8191 + 0.25) / 2**14)
    assert image.lat == pytest.approx(math.degrees(2 * math.atan(math.exp(merkator)) - math.pi / 2))


def test_a_row_says_what_is_known_and_no_more():
    image = TileImage("7", 1.0, 2.0, "s", 1.5, False)
    row = row_of(image, {})
    assert (row["lat"], row["lon"], row["position_kind"]) == (1.0, 2.0, "original")
    assert row["time"] == "1970-01-01T00:00:01.500Z"
    assert math.isnan(row["heading_deg"]) and math.isnan(row["fov_deg"])
    row = row_of(image, {"compass_angle": -90, "altitude": 4, "geometry": {"coordinates": [5, 6]}})
    assert (row["lat"], row["lon"], row["heading_deg"], row["altitude_m"]) == (6.0, 5.0, 270.0, 4)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
geometry = st.fixed_dictionaries({"coordinates": st.lists(anything, max_size=3)}) | anything


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "computed_geometry": geometry, "geometry": geometry, "captured_at": anything,
            "compass_angle": anything, "computed_altitude": anything, "creator": anything,
            "camera_type": st.just("perspective"), "camera_parameters": anything,
            "width": anything, "height": anything, "sequence": anything,
        },
    )
)  # fmt: skip
def test_any_entity_gives_a_row(answer):
    row = row_of(TileImage("7", 1.0, 2.0, "s", 1.5, False), json.loads(json.dumps(answer)))
    assert abs(row["lat"]) <= 90 and abs(row["lon"]) <= 180
    assert "\n" not in row["attribution"] + row["sequence"]


whole_tile = mapbox_vector_tile.encode(
    [{"name": "image", "features": [{"geometry": "POINT(1 2)", "properties": {"id": 1}}] * 3}]
)


@given(
    st.binary(max_size=60)
    | st.tuples(st.integers(0, len(whole_tile) - 1), st.integers(0, 255)).map(
        lambda change: whole_tile[: change[0]] + bytes([change[1]]) + whole_tile[change[0] + 1 :]
    )
)
def test_any_tile_is_read_or_asked_for_again(body):
    try:
        images = read_tile(body, 8000, 5000)
    except TryAgainError as error:
        assert "\n" not in str(error)
    else:
        assert all(abs(image.lat) <= 90 and abs(image.lon) <= 180 for image in images)


def test_zero_is_no_position_of_an_image():
    image = TileImage("1", 52.0, 4.0, "s", 0.0, False)
    zero = {"coordinates": [0.0, 0.0]}
    row = row_of(image, {"computed_geometry": zero, "geometry": {"coordinates": [4.5, 52.5]}})
    assert (row["lat"], row["lon"], row["position_kind"]) == (52.5, 4.5, "original")
    row = row_of(image, {"computed_geometry": zero, "geometry": zero})
    assert (row["lat"], row["lon"]) == (52.0, 4.0)


def test_images_at_zero_are_left_out_and_counted():
    images = [TileImage(str(lon), 0.0, lon, "s", 0.0, False) for lon in (0.0, 1e-4)]
    settings = MapillaryConfig(bbox=(-1.0, -1.0, 1.0, 1.0), min_distance_m=0.0)
    chosen, left_out = _choose(images, read_area(settings), settings)
    assert [image.image_id for image in chosen] == ["0.0001"] and "1 at 0, 0" in left_out
