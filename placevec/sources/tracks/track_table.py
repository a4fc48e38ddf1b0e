"""A GPS track as a table: a row of time, latitude and longitude for each fix."""

import logging
from pathlib import Path

import numpy as np

from placevec.input_file import shown
from placevec.sources.tables.rows.rows import read_csv
from placevec.sources.tracks.fixes import Piece
from placevec.sources.values.cells import CellReader
from placevec.sources.values.times import settle_times

_log = logging.getLogger(__name__)

_COLUMNS = ("time", "lat", "lon")
_SINCE_1970_S = 1e8  # smaller times count from another zero


def read_track_table(path: Path) -> list[Piece]:
    """Reads the fixes of a CSV table with the columns `time`, `lat` and `lon`.

    A column `altitude_m` is read if it exists; other columns are ignored.

    Args:
        path: Path. The table, as for `read_csv`; times as for `settle_times`.

    Returns:
        One Piece, in the order of the rows. Rows without a time or a position are left out and
        counted in the log.

    Raises:
        ValueError: If a column is missing, a cell cannot be read, or times have no date.
    """
    cells = read_csv(path)
    if not set(_COLUMNS) <= cells.keys():
        raise ValueError(
            f"A track must have the columns {', '.join(_COLUMNS)}. Received: "
            f"{shown(', '.join(cells)) or 'none'} in {shown(path)}. Rename its columns"
        )
    names = [f"row {row}" for row in range(1, len(cells["time"]) + 1)]
    reader = CellReader(path, names)
    times_s = settle_times(reader.times(cells["time"]), np.array(names), path)
    degrees = np.stack([reader.numbers(column, cells[column]) for column in _COLUMNS[1:]], axis=1)
    altitudes_m = reader.numbers("altitude_m", cells.get("altitude_m", [""] * len(names)))
    known = ~np.isnan(times_s) & ~np.isnan(degrees).any(axis=1)
    if not known.all():
        _log.warning(
            "%d of %d rows of %s without a time or position: left out",
            (~known).sum(),
            len(known),
            shown(path),
        )
    if (times_s[known] < _SINCE_1970_S).any():
        raise ValueError(
            f"The times of a track must state their day. Received: {times_s[known].min():g} s in "
            f"{shown(path)}. Write them as ISO 8601 or seconds since 1970"
        )
    return [Piece(times_s[known], degrees[known], altitudes_m[known])]
