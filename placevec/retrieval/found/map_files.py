"""Writes the results of a search as points on a map: GeoJSON and KML."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from placevec.counted import counted
from placevec.input_file import shown
from placevec.retrieval.found.found import Found
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)


def write_geojson(found: Found, path: Path) -> None:
    """Writes a point for each match that has a latitude and longitude (RFC 7946).

    Args:
        found: Found.
        path: Path. The file.
    """
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [values.pop("lon"), values.pop("lat")]},
            "properties": values,
        }
        for values in _placed(found, path)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(collection, indent=1) + "\n", encoding="utf-8")


def write_kml(found: Found, path: Path) -> None:
    """Writes a placemark for each match that has a latitude and longitude (OGC KML 2.2).

    Args:
        found: Found.
        path: Path. The file.
    """
    marks = []
    for values in _placed(found, path):
        point = f"{values.pop('lon')},{values.pop('lat')}"
        name = _text(f"{values['rank']}: {values['match']}")
        about = "\n".join(_text(f"{key}: {value}") for key, value in values.items())
        marks.append(
            f"<Placemark><name>{name}</name><description>{about}</description>"
            f"<Point><coordinates>{point}</coordinates></Point></Placemark>\n"
        )
    with whole_file(path) as unfinished:
        unfinished.write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
            f"{''.join(marks)}</Document></kml>\n",
            encoding="utf-8",
        )


def _placed(found: Found, path: Path) -> Iterator[dict]:
    """Yields the plain values of each match that has a latitude and longitude."""
    rows = found.table[found.table["lat"].notna() & found.table["lon"].notna()]
    if len(rows) < len(found.table):
        left_out = counted(len(found.table) - len(rows), "match", "matches")
        _log.warning("%s: left out %s without a position", shown(path), left_out)
    for row in json.loads(rows.to_json(orient="records", double_precision=10)):
        yield {name: value for name, value in row.items() if value is not None}


def _text(foreign: str) -> str:
    return escape(shown(foreign, longest=2000))
