import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from placevec.retrieval import Found
from placevec.retrieval.found.map_files import write_geojson, write_kml

EVIL = '</name><script>alert("1")</script>&.jpg\x07'


@pytest.fixture
def found():
    table = pd.DataFrame(
        {
            "query": ["a.jpg"] * 2,
            "rank": [1, 2],
            "match": [EVIL, "b.jpg"],
            "similarity": [0.9, 0.8],
            "gap": [0.1, np.nan],
            "lat": [52.2050448, np.nan],
            "lon": [0.1195771, np.nan],
            "time_s": [np.nan, np.nan],
        }
    )
    return Found(table, Path("."), Path("."))


def test_geojson_has_a_point_for_each_match_whose_position_is_known(found, tmp_path, caplog):
    write_geojson(found, tmp_path / "a.geojson")
    collection = json.loads((tmp_path / "a.geojson").read_text())
    assert collection["type"] == "FeatureCollection"
    (feature,) = collection["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [0.1195771, 52.2050448]}
    assert feature["properties"] == {
        "query": "a.jpg", "rank": 1, "match": EVIL, "similarity": 0.9, "gap": 0.1,
    }  # fmt: skip
    assert "left out 1 match without a position" in caplog.text


def test_kml_is_xml_whatever_names_hold(found, tmp_path):
    write_kml(found, tmp_path / "a.kml")
    root = ElementTree.parse(tmp_path / "a.kml").getroot()  # noqa: S314
    space = "{http://www.opengis.net/kml/2.2}"
    (mark,) = root.iter(f"{space}Placemark")
    assert mark.find(f"{space}name").text == "1: " + EVIL.replace("\x07", "\\x07")
    assert mark.find(f"{space}Point/{space}coordinates").text == "0.1195771,52.2050448"
    assert "similarity: 0.9" in mark.find(f"{space}description").text


def test_nothing_found_is_an_empty_map(found, tmp_path):
    empty = Found(found.table[:0], found.root, found.store_root)
    write_geojson(empty, tmp_path / "a.geojson")
    assert json.loads((tmp_path / "a.geojson").read_text())["features"] == []
