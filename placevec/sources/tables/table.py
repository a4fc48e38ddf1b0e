"""Reads a table of photos: CSV or Parquet with a row for each photo."""

from pathlib import Path

import numpy as np

from placevec.counted import counted
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import readable, tell_unnamed
from placevec.sources.missing import go_on_without
from placevec.sources.tables.folder import POSITIONS_FILE
from placevec.sources.tables.points import read_points
from placevec.sources.tables.rows.columns import why_no_places
from placevec.sources.tables.rows.rows import TABLE_SUFFIXES, read_columns, read_rows
from placevec.sources.tables.splits import SPLITS_FILE
from placevec.sources.values.null_island import among_them
from placevec.sources.values.roles import roles_of


def read_table(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads a CSV or Parquet table with a row for each photo.

    Columns: `file`, relative to the table's folder; the position as `east,north` in metres or
    `lat,lon` in degrees (WGS84; converted to metres of one UTM zone), and/or `place`, equal for
    photos of one place; optionally `utm_zone` of `east,north`, `heading_deg` (clockwise from
    north), `time` (see `settle_times`), `sequence` (equal for photos of one drive), `altitude_m`,
    `fov_deg` (horizontal field of view), `role` (`query`, `database`, `both`; without it, photos
    below a folder `query` or `queries` are queries, those below `database` are the database, and
    all others are both). `place` and `sequence` are texts (see `number_identities`). Other columns
    are ignored, and those with a name similar to a known one are logged. A CSV file is UTF-8,
    separated by comma, semicolon or tab. The points that photos see come from `points.npz` beside
    the table (see `write_points`).

    Args:
        path: Path. The table, or a folder that holds exactly one or one named `images`.
        skip_unreadable: bool. Leave out photos without a file or position and log how many they
            are. Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name; its root is the table's folder.

    Raises:
        FileNotFoundError: If the table does not exist, or photos are missing or empty.
        ValueError: If a column is missing, a file is named twice, a value cannot be read or is
            out of range, or a position is missing; 0, 0 counts as missing.
    """
    table_path = find_table(Path(path).expanduser())
    rows = read_rows(table_path)
    if rows.positions is None and rows.place_ids is None:
        raise ValueError(
            "A table needs `lat,lon`, `east,north` or `place`. Received: "
            f"{why_no_places(read_columns(table_path), table_path)}"
        )
    count = len(rows.names)
    kept = readable(
        table_path.parent, rows.names, source=table_path, skip_unreadable=skip_unreadable
    )
    tell_unnamed(table_path.parent, rows.names, source=table_path)
    positions_m, frame = (None, "local") if rows.positions is None else rows.metres()
    if positions_m is not None:
        given = ~np.isnan(positions_m).any(axis=1)
        go_on_without(
            rows.names[~given],
            count,
            problem=f"No positions for {{}} in {table_path}{among_them(rows.num_at_zero)}",
            way_out="Fill in `lat,lon` or `east,north`",
            skip_unreadable=skip_unreadable,
        )
        kept &= given
    if not kept.any():
        raise ValueError(
            f"None of the {counted(count, 'photo')} of {table_path} has a file and a position"
        )
    dataset = PlaceDataset(
        table_path.parent,
        rows.names,
        points_seen=read_points(table_path.parent, rows.names),
        positions_m=None if positions_m is None else np.nan_to_num(positions_m),
        headings_deg=rows.headings_deg,
        times_s=rows.times_s,
        place_ids=rows.place_ids,
        sequence_ids=rows.sequence_ids,
        altitudes_m=rows.altitudes_m,
        fields_of_view_deg=rows.fields_of_view_deg,
        frame=frame,
        **roles_of(rows.names, rows.roles),
    )
    kept = np.flatnonzero(kept)
    return dataset.take(kept[np.argsort(rows.names[kept])])


def recognize_table(path: Path) -> str:
    """Names the table of photos at a path, or returns `""`, also if `read_folder` reads it."""
    if (path / POSITIONS_FILE).is_file():
        return ""
    try:
        table_path = find_table(path)
        cells = read_columns(table_path)
    except (ValueError, OSError):
        return ""
    where = next((pair for pair in (("lat", "lon"), ("east", "north")) if pair[0] in cells), ())
    if "file" not in cells or not (where or "place" in cells):
        return ""
    return f"{table_path.name} with the columns file, {', '.join(where or ('place',))}"


def find_table(path: Path) -> Path:
    """Returns the table at a path: the file itself, or the one that a folder holds."""
    if path.is_file():
        if path.suffix.lower() not in TABLE_SUFFIXES:
            raise ValueError(f"A table is a .csv or .parquet file. Received: {path}")
        return path
    if not path.is_dir():
        what = "is a pipe or a device" if path.exists() else "does not exist"
        raise FileNotFoundError(f"{path} {what}. Give a .csv or .parquet file")
    for suffix in TABLE_SUFFIXES:
        if (path / f"images{suffix}").is_file():
            return path / f"images{suffix}"
    there = (p for p in path.iterdir() if p.suffix.lower() in TABLE_SUFFIXES and p.is_file())
    tables = sorted(p for p in there if p.name != SPLITS_FILE)
    if len(tables) != 1:
        found = ", ".join(p.name for p in tables[:5]) or "none"
        raise FileNotFoundError(
            f"{path} must hold one table, .csv or .parquet. Received: {found}. Name the file itself"
        )
    return tables[0]
