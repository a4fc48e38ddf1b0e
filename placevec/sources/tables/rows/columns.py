"""The columns of a table of photos: those that are read, and others with similar names."""

import difflib
import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from placevec.input_file import shown
from placevec.sources.tables.rows.csv_file import in_words

_log = logging.getLogger(__name__)

# The columns that a table may have, and other names that people use for them, see `_plain`.
COLUMNS = {
    "file": ("filename", "name", "path", "image", "img", "photo"),
    "lat": ("latitude",),
    "lon": ("longitude", "lng", "long"),
    "east": ("easting", "x", "e"),
    "north": ("northing", "y", "n"),
    "utm_zone": ("zone", "utm", "zone_number", "epsg", "crs", "srid"),
    "heading_deg": (
        *("heading", "bearing", "northdeg", "yaw", "compass", "azimuth", "direction", "course"),
        "angle",
    ),
    "time": (
        *("timestamp", "captured_at", "datetime", "date", "capture_time", "taken_at", "unix_time"),
        *("unix", "epoch", "utc"),
    ),
    "place": ("place_id", "location"),
    "sequence": ("sequence_id", "seq", "drive", "traverse", "session", "run"),
    "altitude_m": ("altitude", "alt", "elevation"),
    "fov_deg": ("fov", "hfov", "field_of_view"),
    "role": ("subset", "type"),
}
POSITION_COLUMNS = (("east", "north"), ("lat", "lon"))  # the first existing pair is read
_ZONE_LETTERS = ("zone_letter", "utm_letter", "letter", "band", "utm_band", "hemisphere")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PASSED_OVER = frozenset(
    "deg degree degrees m s ms us ns geo gps point pos position utm wgs 84".split()
)


def refuse_columns(columns: Sequence[str], table_path: Path) -> None:
    """Refuses a table in which a column is missing, or may state a UTM zone that is not read.

    Raises:
        ValueError: If `file` or the second of two positions is missing, or a column with another
            name than `utm_zone` may be the zone of `east,north`: photos of two zones must not be
            mixed.
    """
    pair = next((pair for pair in POSITION_COLUMNS if set(pair) & set(columns)), ())
    for column in ("file", *pair):
        if column not in columns:
            raise ValueError(_missing_column(column, columns, table_path))
    if "east" not in columns:
        return
    by_name = _unknown(columns)
    numbers = () if "utm_zone" in columns else ("utm_zone", *COLUMNS["utm_zone"])
    unread = next(
        (by_name[name] for name in map(_plain, (*numbers, *_ZONE_LETTERS)) if name in by_name), None
    )
    if unread is not None:
        raise ValueError(
            f"Column `{shown(unread)}` of {shown(table_path)} may state the UTM zone of "
            "`east,north`. Write number and letter into the column `utm_zone`, such as 31U, and "
            "rename any other"
        )


def warn_of_near_columns(columns: Sequence[str], table_path: Path) -> None:
    """Logs the columns that are not read although their names are similar to known ones."""
    has_positions = any(pair[0] in columns for pair in POSITION_COLUMNS)
    said = set()
    for column in COLUMNS:
        is_position = column in ("lat", "lon", "east", "north", "utm_zone")
        passed_over = column in columns or (is_position and has_positions)
        near = None if passed_over else _nearest(column, columns)
        if near and near not in said:
            said.add(near)
            _log.warning(
                "Column `%s` of %s is not read. If it is the %s, rename it to `%s`",
                shown(near),
                shown(table_path),
                column.removesuffix("_deg").removesuffix("_m"),
                column,
            )


def why_no_places(columns: Sequence[str], table_path: Path) -> str:
    """Says which columns a table without positions and places has, and what to rename."""
    near = {
        column: _nearest(column, columns) for column in ("lat", "lon", "east", "north", "place")
    }
    renames = [f"`{shown(name)}` to `{column}`" for column, name in near.items() if name]
    way_out = f"Rename {', '.join(renames)}" if renames else "Add them"
    return f"none in {shown(table_path)} ({_present(columns)}). {way_out}"


def _missing_column(column: str, columns: Sequence[str], table_path: Path) -> str:
    near = _nearest(column, columns)
    way_out = f"Rename `{shown(near)}` to `{column}`" if near else f"Add the column `{column}`"
    if column == "file" and {"time", "lat", "lon"} <= set(columns):
        way_out += (
            f", or read it as the track of photos or a video: track:PATH,track={shown(table_path)}"
        )
    return f"No column `{column}` in {shown(table_path)} ({_present(columns)}). {way_out}"


def _present(columns: Iterable[str]) -> str:
    return f"it has: {in_words(columns)}"


def _nearest(column: str, columns: Iterable[str]) -> str | None:
    """Returns the unknown column that most likely means `column`."""
    unknown = _unknown(columns)
    for alias in map(_plain, (column, *COLUMNS[column])):
        if alias in unknown:
            return unknown[alias]
    others = {_plain(alias) for name, aliases in COLUMNS.items() for alias in (name, *aliases)}
    close = difflib.get_close_matches(_plain(column), unknown.keys() - others, n=1, cutoff=0.7)
    return unknown[close[0]] if close else None


def _unknown(columns: Iterable[str]) -> dict[str, str]:
    """Returns the columns that are not read, by their plain names."""
    return {_plain(name): name for name in columns if name not in COLUMNS}


def _plain(name: str) -> str:
    """Returns a name without case, punctuation, units and words such as `gps`.

    `GPSLatitude`, `gps_latitude` and `Latitude (deg)` are all `latitude`.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    return "".join(word for word in words if word not in _PASSED_OVER) or "".join(words)
