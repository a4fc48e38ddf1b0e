"""Mapillary Street Level Sequences: street photos of thirty cities at all times of the year."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import readable, tell_unnamed, tidy_name
from placevec.sources.missing import go_on_without
from placevec.sources.path_options import split_options
from placevec.sources.tables.rows.csv_file import in_words
from placevec.sources.tables.rows.rows import read_csv, whole_turn
from placevec.sources.values.cells import to_number
from placevec.sources.values.null_island import among_them, at_zero
from placevec.sources.values.utm import metres_from_degrees
from placevec.sources.walk import require_folder

_log = logging.getLogger(__name__)

CITY_APART_M = 10_000_000.0
"""Distance to the east of the city before, if several cities are read, in metres."""

_ROLES = ("query", "database")
_SUBTASKS = ("all", "s2w", "w2s", "o2n", "n2o", "d2n", "n2d")
_CHOICES = {
    "subtask": _SUBTASKS,
    "night": ("yes", "no"),
    "view_direction": ("Forward", "Backward", "Sideways"),
}
# Columns that are read, table by table; the first table that exists lists the photos.
_TABLES = ("raw.csv", "postprocessed.csv", "seq_info.csv", "subtask_index.csv")
_COLUMNS = frozenset(
    {"lat", "lon", "ca", "captured_at", "pano", "easting", "northing", "night", "control_panel"}
    | {"view_direction", "sequence_id", *_SUBTASKS}
)
_LONGEST_CELL = 1000
_STAMPS_MS = (1e11, 4.2e12)  # 1973 to 2103
_TRUTHS = {"true": True, "1": True, "false": False, "0": False, "": False}


def read_msls(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads one city or several.

    `CITY/query` and `CITY/database` each hold `images/KEY.jpg` and tables whose rows belong
    together by `key`: `raw.csv` (position, direction, time, panorama or not), `seq_info.csv`,
    `postprocessed.csv` (metres, night, view direction) and `subtask_index.csv`. A table may be
    missing; its values are then unknown. Panoramas are left out and, if no subtask is chosen,
    photos of the camera's mount (`control_panel`) too; a log line gives their number.

    Positions come from `raw.csv` in one UTM zone for each city, else from the metres of
    `postprocessed.csv`. The cities are in many zones: if you read several, each keeps its distances
    and is placed 10000 km east of the one before, so that photos of two cities are never positives,
    and always negatives, of each other; the frame says so.

    Args:
        path: Path. The folder of a city, a folder of cities such as `train_val`, or the folder
            above. `PATH,subtask=all` keeps the queries and the database of an official task
            (`all`, `s2w` for summer to winter and so on); `PATH,night=yes`, `night=no` and
            `view_direction=Forward` (`Backward`, `Sideways`) keep such photos of both roles.
        skip_unreadable: bool. Leave out photos that are missing, empty or without a position, and
            log how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, city by city, the queries of each first, photos in the order of the tables.

    Raises:
        FileNotFoundError: If no city is found, or photos are missing or empty.
        ValueError: If a table cannot be read, the column of a filter is missing, or no photo is
            left.
    """
    top, options = split_options(path, _CHOICES)
    _refuse_other_values(options)
    require_folder(top)
    cities = _find_cities(top)
    if not cities:
        raise FileNotFoundError(
            f"{top} must hold CITY/query/images and CITY/database/images, or be such a CITY. "
            "Received: neither. Give the folder that MSLS was unpacked into"
        )
    parts = [_read_city(top, city, options, skip_unreadable) for city in cities]
    parts = [part for part in parts if part is not None]
    if not parts:
        raise ValueError(f"No photo of {top} is left. Choose fewer conditions")
    if len(parts) == 1:
        return parts[0]
    _log.info("%d cities of %s are placed %.0f km apart", len(parts), top, CITY_APART_M / 1000)
    return _side_by_side(top, parts)


def recognize_msls(path: Path) -> str:
    """Names the city of MSLS at a path, or returns `""`."""
    cities = _find_cities(path) if path.is_dir() else []
    return f"{cities[0].name}/database/images with tables of MSLS" if cities else ""


def _refuse_other_values(options: dict[str, str]) -> None:
    for name, value in options.items():
        if value not in _CHOICES[name]:
            raise ValueError(
                f"`{name}` must be {' or '.join(_CHOICES[name])}. Received: {name}={value}"
            )


def _find_cities(top: Path) -> list[Path]:
    for patterns in (("",), ("*/",), ("train_val/*/", "test/*/")):
        images = [path for each in patterns for path in top.glob(f"{each}database/images")]
        cities = sorted(filter(_is_city, (path.parent.parent for path in images)))
        if cities:
            return cities
    return []


def _is_city(path: Path) -> bool:
    has_table = any((path / "database" / table).is_file() for table in _TABLES)
    return has_table and all((path / role / "images").is_dir() for role in _ROLES)


def _read_city(
    top: Path, city: Path, options: dict[str, str], skip_unreadable: bool
) -> PlaceDataset | None:
    """Returns the chosen photos of one city, or None."""
    tables = [_read_tables(city / role) for role in _ROLES]
    columns = set().union(*tables)
    cells = {
        column: np.concatenate([t.get(column, np.full(len(t["key"]), "")) for t in tables])
        for column in columns
    }
    is_query = np.repeat([True, False], [len(table["key"]) for table in tables])
    folder = city.relative_to(top)
    names = np.array(
        [
            tidy_name((folder / role / "images" / f"{key}.jpg").as_posix(), city)
            for key, role in zip(cells["key"], np.where(is_query, *_ROLES), strict=True)
        ],
        dtype=np.str_,
    )
    tell_unnamed(top, names, source=city)
    chosen = _chosen(cells, options, city)
    if not chosen.any():
        return None
    names, is_query = names[chosen], is_query[chosen]
    cells = {column: values[chosen] for column, values in cells.items()}
    kept = readable(top, names, source=city, skip_unreadable=skip_unreadable)
    positions_m, frame, num_at_zero = _positions(cells, city)
    given = np.isfinite(positions_m).all(axis=1)
    go_on_without(
        names[~given],
        len(names),
        problem=f"No positions for {{}} of {city}{among_them(num_at_zero)}",
        way_out="Fetch raw.csv or postprocessed.csv, with those of the test cities",
        skip_unreadable=skip_unreadable,
    )
    if not (kept & given).any():
        raise ValueError(
            f"None of the {counted(len(names), 'photo')} of {city} has a file and a position"
        )
    times_s = _times(cells, city)
    sequences = _cells(cells, "sequence_id")
    sequence_ids = np.full(len(names), -1)
    sequence_ids[sequences != ""] = np.unique(sequences[sequences != ""], return_inverse=True)[1]
    return PlaceDataset(
        top,
        names,
        positions_m=np.nan_to_num(positions_m),
        headings_deg=whole_turn(_numbers(cells, "ca", city)),
        times_s=None if np.isnan(times_s).all() else times_s,
        sequence_ids=sequence_ids,
        is_query=is_query,
        is_database=~is_query,
        frame=frame,
    ).take(np.flatnonzero(kept & given))


def _read_tables(folder: Path) -> dict[str, NDArray[np.str_]]:
    """Returns the columns of a folder's tables, with rows joined by key; "" if unknown."""
    joined: dict[str, NDArray[np.str_]] = {"key": np.array([], dtype=np.str_)}
    row_of: dict[str, int] | None = None
    for table in _TABLES:
        table_path = folder / table
        if not table_path.is_file():
            continue
        cells = read_csv(table_path)
        if "key" not in cells:
            raise ValueError(
                f"No column `key` in {table_path} (it has: {in_words(cells)}). Fetch "
                "the tables of MSLS again"
            )
        for column in cells.keys() & (_COLUMNS | {"key"}):
            if max(map(len, cells[column]), default=0) > _LONGEST_CELL:
                raise ValueError(
                    f"`{column}` must have at most {_LONGEST_CELL} characters in {table_path}"
                )
        if row_of is None:
            row_of = {key: row for row, key in enumerate(cells["key"])}
            joined["key"] = np.array(list(row_of), dtype=np.str_)
        if len(set(cells["key"])) < len(cells["key"]):
            raise ValueError(f"A key appears more than once in {table_path}. Fetch it again")
        rows = [row_of.get(key, -1) for key in cells["key"]]
        known = np.array(rows, dtype=np.int64) >= 0
        for column in cells.keys() & _COLUMNS:
            values = np.array(cells[column], dtype=np.str_)
            joined[column] = np.full(len(row_of), "", dtype=values.dtype)
            joined[column][np.array(rows, dtype=np.int64)[known]] = values[known]
    return joined


def _chosen(
    cells: dict[str, NDArray[np.str_]], options: dict[str, str], city: Path
) -> NDArray[np.bool_]:
    """Tells which photos are wanted, and logs how many are left out for what they are."""
    left_out = {"panorama": _flags(cells, "pano", city)}
    chosen = ~left_out["panorama"]
    if "subtask" in options:
        _require(cells, options["subtask"], "subtask_index.csv", city)
        chosen &= _flags(cells, options["subtask"], city)
    else:
        left_out["camera-mount photo"] = _flags(cells, "control_panel", city)
        chosen &= ~left_out["camera-mount photo"]
    for what, which in left_out.items():
        if which.any():
            _log.info("%s of %s: left out", counted(which.sum(), what), city)
    if "night" in options:
        _require(cells, "night", "postprocessed.csv", city)
        chosen &= _flags(cells, "night", city) == (options["night"] == "yes")
    if "view_direction" in options:
        _require(cells, "view_direction", "postprocessed.csv", city)
        chosen &= cells["view_direction"] == options["view_direction"]
    return chosen


def _require(cells: dict[str, NDArray[np.str_]], column: str, table: str, city: Path) -> None:
    if column not in cells:
        raise ValueError(f"No column `{column}` in {table} of {city}. Fetch it, or do not choose")


def _positions(
    cells: dict[str, NDArray[np.str_]], city: Path
) -> tuple[NDArray[np.float64], str, int]:
    """Returns (N, 2) metres, NaN if unknown, their frame, and the number of those at 0, 0."""
    degrees, num_at_zero = _pairs(cells, ("lat", "lon"), city)
    given = np.isfinite(degrees).all(axis=1)
    if not given.any():
        metres, num_metres_at_zero = _pairs(cells, ("easting", "northing"), city)
        return metres, "UTM", num_at_zero or num_metres_at_zero
    positions_m = np.full(degrees.shape, np.nan)
    try:
        positions_m[given], zone = metres_from_degrees(*degrees[given].T)
    except ValueError as error:
        raise ValueError(f"{error} (raw.csv of {city})") from None
    return positions_m, f"UTM {zone}", num_at_zero


def _pairs(
    cells: dict[str, NDArray[np.str_]], columns: tuple[str, str], city: Path
) -> tuple[NDArray[np.float64], int]:
    """Returns (N, 2) numbers of two columns, NaN if unknown or 0, 0, and the number of 0, 0."""
    pairs = np.stack([_numbers(cells, column, city) for column in columns], axis=1)
    is_zero = at_zero(pairs, on_earth=True)
    pairs[is_zero] = np.nan
    return pairs, int(is_zero.sum())


def _times(cells: dict[str, NDArray[np.str_]], city: Path) -> NDArray[np.float64]:
    """Returns (N,) seconds since 1970 from `captured_at`, which counts milliseconds."""
    stamps = _numbers(cells, "captured_at", city)
    low, high = _STAMPS_MS
    bad = np.flatnonzero((stamps < low) | (stamps > high))
    if len(bad):
        key, cell = str(cells["key"][bad[0]]), str(_cells(cells, "captured_at")[bad[0]])
        must = f"milliseconds since 1970, {low:g} to {high:g}"
        raise _bad_cell("captured_at", must, cell, key, city)
    return stamps / 1000.0


def _cells(cells: dict[str, NDArray[np.str_]], column: str) -> NDArray[np.str_]:
    return cells.get(column, np.full(len(cells["key"]), ""))


def _numbers(cells: dict[str, NDArray[np.str_]], column: str, city: Path) -> NDArray[np.float64]:
    """Returns the numbers of a column, NaN if missing or not finite."""
    values = np.empty(len(cells["key"]))
    for row, cell in enumerate(_cells(cells, column).tolist()):
        try:
            values[row] = to_number(cell) if cell.strip() else np.nan
        except ValueError:
            raise _bad_cell(column, "a number", cell, cells["key"][row], city) from None
    return np.where(np.isfinite(values), values, np.nan)


def _flags(cells: dict[str, NDArray[np.str_]], column: str, city: Path) -> NDArray[np.bool_]:
    flags = np.zeros(len(cells["key"]), dtype=bool)
    for row, cell in enumerate(_cells(cells, column).tolist()):
        if cell.strip().lower() not in _TRUTHS:
            raise _bad_cell(column, "True or False", cell, cells["key"][row], city)
        flags[row] = _TRUTHS[cell.strip().lower()]
    return flags


def _bad_cell(column: str, must: str, cell: str, key: str, city: Path) -> ValueError:
    return ValueError(f"`{column}` must be {must}. Received: {cell!r} for {key} of {city}")


def _side_by_side(top: Path, parts: list[PlaceDataset]) -> PlaceDataset:
    """Returns the photos of several cities as one set, each city far east of the one before."""
    offsets = [np.array([number * CITY_APART_M, 0.0]) for number in range(len(parts))]
    sequence_ids = [part.known("sequence_ids") for part in parts]
    firsts = np.cumsum([0, *(ids.max() + 1 for ids in sequence_ids)])
    fields = {
        "headings_deg": [part.headings_deg for part in parts],
        "times_s": [part.times_s for part in parts],
        "positions_m": [p.positions_m + offset for p, offset in zip(parts, offsets, strict=True)],
        "sequence_ids": [
            np.where(ids < 0, -1, ids + first)
            for ids, first in zip(sequence_ids, firsts, strict=False)
        ],
        "is_query": [part.is_query for part in parts],
        "is_database": [part.is_database for part in parts],
    }
    for field in ("headings_deg", "times_s"):
        unknown = [np.full(len(part), np.nan) for part in parts]
        fields[field] = [
            nothing if values is None else values
            for values, nothing in zip(fields[field], unknown, strict=True)
        ]
    return PlaceDataset(
        top,
        np.concatenate([part.names for part in parts]),
        frame=f"UTM of each of {len(parts)} cities, put 10000 km apart",
        **{field: np.concatenate(values) for field, values in fields.items()},
    )
