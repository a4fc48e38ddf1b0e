"""GPX: tracks of GPS receivers and phones."""

import logging
import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from placevec.input_file import read_text, shown
from placevec.sources.tracks.fixes import Piece
from placevec.sources.values.times import parse_time

_log = logging.getLogger(__name__)

_LARGEST_FILE = 500_000_000  # bytes


def read_gpx(path: Path) -> list[Piece]:
    """Reads the segments of all tracks of a GPX file.

    Args:
        path: Path. The file, GPX 1.0 or 1.1, with any namespace.

    Returns:
        A Piece for each segment, in the order of the file. Points without a time are left out and
        counted in the log. A time without an offset is UTC, as GPX says.

    Raises:
        ValueError: If it is not a GPX file, a point cannot be read, or no point has a time.
        OSError: If it cannot be opened.
    """
    root = _parse(path)
    pieces, num_points = [], 0
    for segment in _elements(root, "trkseg"):
        points = _elements(segment, "trkpt")
        num_points += len(points)
        rows = [_fix(point, path) for point in points if _child(point, "time")]
        numbers = np.array(rows, dtype=np.float64).reshape(-1, 4)
        pieces.append(Piece(numbers[:, 0], numbers[:, 1:3], numbers[:, 3]))
    if not num_points:
        others = [name for name in ("rte", "wpt") if _elements(root, name)]
        received = " and ".join({"rte": "routes", "wpt": "waypoints"}[each] for each in others)
        raise ValueError(
            f"{shown(path)} must hold a track. Received: {received or 'no points'}. Record a track "
            "while you take photos"
        )
    timed = sum(len(piece.times_s) for piece in pieces)
    if not timed:
        raise ValueError(
            f"The points of {shown(path)} must have times, which tell where a photo belongs. "
            "Received: none. A planned track has none: export the one that was recorded"
        )
    if timed < num_points:
        _log.warning(
            "%d of %d points of %s without a time: left out",
            num_points - timed,
            num_points,
            shown(path),
        )
    return pieces


def read_gpx_lines(path: Path) -> list[list[tuple[str, str]]]:
    """Reads the way in a GPX file, with or without times.

    Args:
        path: Path. The file, as for `read_gpx`.

    Returns:
        The `lat` and `lon` of the points, as text, of each segment of its tracks; if they have no
        points, of each route.

    Raises:
        ValueError: If it is not a GPX file, or has neither.
        OSError: If it cannot be opened.
    """
    root = _parse(path)
    for piece, point in (("trkseg", "trkpt"), ("rte", "rtept")):
        lines = [
            [(each.get("lat", ""), each.get("lon", "")) for each in _elements(line, point)]
            for line in _elements(root, piece)
        ]
        if any(lines):
            return [line for line in lines if line]
    raise ValueError(f"{path} must hold a track or a route. Received: a GPX file without points")


def _parse(path: Path) -> ElementTree.Element:
    """Returns the root element of a GPX file.

    Files that declare entities or a document type are refused before parsing, because a few lines
    of them can expand to gigabytes, or name other files.

    Raises:
        ValueError: If it is not a GPX file.
        OSError: If it cannot be opened.
    """
    text = read_text(path, max_bytes=_LARGEST_FILE)
    try:
        if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
            raise ValueError("it declares entities, as no GPX file does")
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(f"{shown(path)} is not a GPX file: {shown(error)}") from None
    if _name(root) != "gpx":
        what = shown(_name(root), longest=40)
        raise ValueError(f"{shown(path)} is not a GPX file: its first element is {what!r}")
    return root


def _elements(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Returns the elements with a name below another one, in any namespace, in the file's order."""
    return [each for each in element.iter() if _name(each) == name]


def _fix(point: ElementTree.Element, path: Path) -> tuple[float, float, float, float]:
    text = _child(point, "time")
    time_s = parse_time(text)
    if math.isnan(time_s):
        raise ValueError(
            f"`time` must be ISO 8601, such as 2024-05-06T12:30:15Z. Received: "
            f"{shown(text, longest=40)!r} in {shown(path)}"
        )
    places = [point.get("lat", ""), point.get("lon", "")]
    lat_deg, lon_deg = map(_number, places)
    if not (math.isfinite(lat_deg) and math.isfinite(lon_deg)):
        raise ValueError(
            f"`lat` and `lon` of a point must be numbers. Received: "
            f"{shown(', '.join(places), longest=60)!r} at {shown(text, longest=40)} in "
            f"{shown(path)}"
        )
    return time_s, lat_deg, lon_deg, _number(_child(point, "ele"))


def _child(point: ElementTree.Element, name: str) -> str:
    """Returns the text of a direct child of a point, or `""` if it is missing."""
    return next(((each.text or "").strip() for each in point if _name(each) == name), "")


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) and "_" not in text else math.nan
