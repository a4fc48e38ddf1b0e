import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.collecting.area import EARTH_RADIUS_M, Area, metres_in_space, read_area
from placevec.config import StreetviewConfig

DEG_M = math.radians(1.0) * EARTH_RADIUS_M
SQUARE = [[4.0, 52.0], [4.002, 52.0], [4.002, 52.001], [4.0, 52.001], [4.0, 52.0]]
FAR_AWAY = '{"type": "Polygon", "coordinates": [[[500, 1], [501, 1], [501, 2], [500, 1]]]}'
GPX = """<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1"><!-- a --><trk>
<trkseg><trkpt lat="52" lon="4"><ele>3</ele></trkpt><trkpt lat="52.001" lon="4"/></trkseg>
<trkseg><trkpt lat="53" lon="4"/></trkseg></trk></gpx>"""


def area(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    kind = {"g": "polygon", "p": "points", "t": "track"}[name[0]]
    return read_area(StreetviewConfig(**{kind: path}))


def distance_m(a, b):
    """Haversine."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


def test_points_in_space_are_as_far_apart_as_on_earth():
    rng = np.random.default_rng(0)
    for _ in range(20):
        a = rng.uniform((-80, -180), (80, 180))
        b = a + rng.uniform(-0.02, 0.02, 2)
        apart_m = np.linalg.norm(np.diff(metres_in_space(np.stack([a, b])), axis=0))
        assert apart_m == pytest.approx(distance_m(a, b), abs=0.001)


def test_a_grid_fills_a_box_at_its_spacing():
    grid = read_area(StreetviewConfig(bbox=(52.0, 4.0, 52.001, 4.002))).sample(20.0)
    rows = round(0.001 * DEG_M / 20.0)
    assert len(set(grid[:, 0])) == rows
    in_a_row = grid[grid[:, 0] == grid[0, 0]]
    assert distance_m(in_a_row[0], in_a_row[1]) == pytest.approx(20.0, rel=1e-3)
    assert (np.abs(grid - (52.0005, 4.001)) <= (0.0005, 0.001)).all()


def test_an_area_smaller_than_the_spacing_has_one_place():
    grid = read_area(StreetviewConfig(bbox=(52.0, 4.0, 52.0001, 4.0001))).sample(1000.0)
    assert grid == pytest.approx(np.array([[52.00005, 4.00005]]))


@pytest.mark.parametrize("wrap", [
    lambda shape: shape,
    lambda shape: {"type": "Feature", "properties": {}, "geometry": shape},
    lambda shape: {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": shape},
        {"type": "Feature", "properties": {}, "geometry": None}]},
])  # fmt: skip
def test_polygons_are_read_from_geojson(tmp_path, wrap):
    found = area(
        tmp_path, "g.geojson", json.dumps(wrap({"type": "Polygon", "coordinates": [SQUARE]}))
    )
    places = np.array([[52.0005, 4.001], [52.0005, 4.003], [4.001, 52.0005]])
    assert found.covers(places, 25.0).tolist() == [True, False, False]


def test_a_track_is_walked_in_even_steps_and_pieces_stay_apart(tmp_path):
    places = area(tmp_path, "t.gpx", GPX).sample(25.0)
    assert places[-1].tolist() == [53.0, 4.0]
    assert places[-2].tolist() == [52.001, 4.0]
    steps_m = [distance_m(a, b) for a, b in zip(places[:-2], places[1:-1], strict=True)]
    assert steps_m[:-1] == pytest.approx([25.0] * (len(steps_m) - 1), abs=0.01)
    assert sum(steps_m) == pytest.approx(0.001 * DEG_M, abs=0.01)


def test_a_track_crosses_the_date_line_on_the_short_way(tmp_path):
    places = area(tmp_path, "t.csv", "lat,lon\n0,179.9995\n0,-179.9995\n").sample(30.0)
    assert len(places) == 5
    assert (np.abs(places[:, 1]) > 179.999).all()


def test_points_stay_as_they_are_without_repeats(tmp_path):
    found = area(tmp_path, "p.csv", "lat,lon,name\n3,4,a\n1,2,b\n3,4,c\n")
    assert found.sample(5.0).tolist() == [[3.0, 4.0], [1.0, 2.0]]


def test_a_track_covers_what_is_beside_it():
    line = Area(lines=(np.array([[0.0, 0.0], [0.0, 0.01]]),))
    beside = [[24.0 / DEG_M, 0.00512], [26.0 / DEG_M, 0.00512], [0.0, 0.01 + 24.0 / DEG_M]]
    assert line.covers(np.array(beside), 25.0).tolist() == [True, False, True]
    assert line.covers(np.empty((0, 2)), 25.0).tolist() == []


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("g.json", "{}", "holds no polygon in GeoJSON"),
        ("g.json", "[1]", "holds no polygon in GeoJSON"),
        ("g.json", '{"type": "Point", "coordinates": [1, 2]}', "Received: none with an area"),
        ("g.json", FAR_AWAY, "swapped"),
        ("p.csv", "x,y\n1,2\n", "columns `lat` and `lon`. Received: x, y"),
        ("p.csv", "lat,lon\n100,2\n", "swapped"),
        ("p.csv", "lat,lon\nnan,2\n", "swapped"),
        ("p.csv", "lat,lon\na,2\n", "swapped"),
        ("p.csv", "lat,lon\n5_2,2\n", "swapped"),
        ("p.csv", "lat,lon\n", "or none"),
        ("t.gpx", "<gpx", "is not a GPX file"),
        ("g.json", '{"a":' * 5000 + "1" + "}" * 5000, "at most 100 levels"),
        ("t.gpx", "<gpx>\xff", "is not a GPX file"),
        ("t.gpx", "<gpx/>", "must hold a track or a route"),
        ("t.gpx", '<!DOCTYPE a [<!ENTITY b "c">]><gpx/>', "declares entities"),
        ("t.gpx", '<gpx><rte><rtept lat="1"/></rte></gpx>', "swapped"),
    ],
)  # fmt: skip
def test_refuses_files_without_an_area(tmp_path, name, text, match):
    with pytest.raises(ValueError, match=match) as caught:
        area(tmp_path, name, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("digits", ["NaN", "Infinity", "-Infinity", "the number 1e999"])
def test_refuses_numbers_that_are_not_finite_without_a_warning(tmp_path, digits):
    shape = json.dumps({"type": "Polygon", "coordinates": [SQUARE]}).replace(
        "52.001", digits.split()[-1]
    )
    with warnings.catch_warnings(), pytest.raises(ValueError, match=f"must be JSON.*{digits}"):
        warnings.simplefilter("error")
        area(tmp_path, "g.json", shape)


def test_refuses_areas_of_too_many_places():
    for bbox in ((0.0, 0.0, 10.0, 10.0), (-80.0, -180.0, 80.0, 180.0)):
        with pytest.raises(ValueError, match="1000000 points at most"):
            read_area(StreetviewConfig(bbox=bbox)).sample(1.0)
    with pytest.raises(ValueError, match="1000000 points at most"):
        Area(lines=(np.array([[0.0, 0.0], [0.0, 90.0]]),)).sample(1.0)


def test_refuses_a_file_that_is_not_there_or_too_large(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_area(StreetviewConfig(points=tmp_path / "none.csv"))
    monkeypatch.setattr("placevec.collecting.area._LARGEST_FILE", 3)
    with pytest.raises(ValueError, match="at most 3 bytes"):
        area(tmp_path, "p.csv", "lat,lon\n1,2\n")


@given(
    st.sampled_from(["g.json", "p.csv", "t.gpx", "t.csv"]),
    st.binary(max_size=40)
    | st.tuples(st.sampled_from([GPX, json.dumps({"type": "Polygon", "coordinates": [SQUARE]}),
                                 "lat,lon\n1,2\n"]),
                st.integers(0, 300), st.binary(max_size=3)).map(
        lambda change: change[0].encode()[: change[1]] + change[2]
        + change[0].encode()[change[1] + 1 :]),
)  # fmt: skip
def test_any_file_is_an_area_or_refused_in_one_line(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    kind = {"g": "polygon", "p": "points", "t": "track"}[name[0]]
    try:
        found = read_area(StreetviewConfig(**{kind: path}))
        places = found.sample(1e6)
    except (ValueError, OSError) as error:
        assert "\n" not in str(error)
    else:
        assert (np.abs(places) <= (90, 180)).all()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.gpx", GPX.replace("<trkseg>", '<trkseg><trkpt lat="0" lon="0.0"/>', 1)),
        ("p.csv", "lat,lon\n52,4\n0,0\n52.001,4\n53,4\n"),
    ],
)
def test_zero_is_no_place_to_collect_at(tmp_path, caplog, name, text):
    places = area(tmp_path, name, text).sample(1e6)
    assert places.tolist() == [[52, 4], [52.001, 4], [53, 4]]
    assert "1 of 4 points" in caplog.text and "0, 0: left out" in caplog.text
    with pytest.raises(ValueError, match="2 points, all at 0, 0"):
        area(tmp_path, "p.csv", "lat,lon\n0,0\n0,-0.0\n")
