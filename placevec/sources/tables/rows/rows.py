"""The rows of a table of photos, CSV or Parquet, converted column by column."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.frame import grid_of
from placevec.sources.files import tidy_name
from placevec.sources.tables.rows.columns import (
    COLUMNS,
    POSITION_COLUMNS,
    refuse_columns,
    warn_of_near_columns,
)
from placevec.sources.tables.rows.csv_file import csv_chunks, csv_columns
from placevec.sources.tables.rows.identities import number_identities
from placevec.sources.tables.rows.parquet_file import parquet_chunks, parquet_columns
from placevec.sources.values.cells import CellReader
from placevec.sources.values.null_island import at_zero
from placevec.sources.values.times import settle_times
from placevec.sources.values.utm import metres_from_degrees, refuse_hemisphere_letters

# The minimum and the maximum value of each column.
LIMITS = {
    "heading_deg": (-360.0, 720.0, "degrees"),
    "altitude_m": (-12_000.0, 100_000.0, "metres"),
    "fov_deg": (0.001, 360.0, "degrees"),
}
TABLE_SUFFIXES = (".csv", ".parquet")
_MOST_BYTES = 8_000_000_000  # of a column in memory


@dataclass(frozen=True, eq=False)
class PhotoRows:
    """The rows of a table with converted columns; positions may still be in degrees.

    Args:
        source: Path. The table.
        names: (N,) str. File names relative to the table's folder, all different.
        positions: (N, 2) float64 or None. East and north in metres, or latitude and longitude;
            NaN if not given, or 0, 0 (see `at_zero`).
        in_degrees: bool. Whether `positions` are latitude and longitude.
        num_at_zero: int. Number of positions that are 0, 0 and count as not given.
        zones: (N,) str or None. UTM zones of `positions` in metres, such as `"31U"`; `""` if not
            given.
        headings_deg: (N,) float64 or None. In [0, 360); NaN if not given.
        times_s: (N,) float64 or None. Seconds since 1970, UTC; NaN if not given.
        place_ids: (N,) int64 or None. -1 if not given.
        sequence_ids: (N,) int64 or None. -1 if not given.
        altitudes_m: (N,) float64 or None. NaN if not given.
        fields_of_view_deg: (N,) float64 or None. NaN if not given.
        roles: (N,) str. One of `ROLES`.
    """

    source: Path
    names: NDArray[np.str_]
    positions: NDArray[np.float64] | None
    in_degrees: bool
    num_at_zero: int
    zones: NDArray[np.str_] | None
    headings_deg: NDArray[np.float64] | None
    times_s: NDArray[np.float64] | None
    place_ids: NDArray[np.int64] | None
    sequence_ids: NDArray[np.int64] | None
    altitudes_m: NDArray[np.float64] | None
    fields_of_view_deg: NDArray[np.float64] | None
    roles: NDArray[np.str_]

    def metres(self, zone: str | None = None) -> tuple[NDArray[np.float64], str]:
        """Returns the positions in metres east and north, and their frame.

        Args:
            zone: str or None. UTM zone for latitudes and longitudes. Defaults to that of their
                median.

        Returns:
            positions_m, (N, 2) float64, NaN if not given, and `"local"` or `"UTM 31U"`.

        Raises:
            ValueError: If a latitude or longitude is out of range, or the positions in metres are
                in more than one UTM zone.
        """
        positions = self.positions
        if positions is None:
            raise ValueError(f"{self.source} must hold positions. Received: none")
        given = ~np.any(np.isnan(positions), axis=1)
        if not given.any():
            return positions, "local"
        if not self.in_degrees:
            return positions, self._frame(positions, given)
        self._refuse_out_of_range(positions, given)
        positions_m = np.full_like(positions, np.nan)
        positions_m[given], zone = metres_from_degrees(*positions[given].T, zone=zone)
        return positions_m, f"UTM {zone}"

    def _frame(self, positions: NDArray[np.float64], given: NDArray[np.bool_]) -> str:
        if self.zones is None:
            return "local"
        zones, first = np.unique(self.zones[given], return_index=True)
        if len({grid_of(f"UTM {zone}") for zone in zones.tolist()}) > 1:
            names = self.names[given][first]
            received = ", ".join(
                f"{zone or '(none)'} of {name}" for zone, name in zip(zones, names, strict=True)
            )
            raise ValueError(
                f"The photos of {self.source} must be in one UTM zone. Received: zone "
                f"{shown(received)}. Make one table for each zone, or give `lat,lon`"
            )
        refuse_hemisphere_letters(self.zones, positions, self.names, self.source)
        return f"UTM {zones[0]}" if zones[0] else "local"

    def _refuse_out_of_range(
        self, positions: NDArray[np.float64], given: NDArray[np.bool_]
    ) -> None:
        limits = (("lat", -80, 84), ("lon", -180, 180))
        for (column, low, high), values in zip(limits, positions.T, strict=True):
            bad = np.flatnonzero(given & ~((values >= low) & (values <= high)))
            if len(bad):
                raise ValueError(
                    f"`{column}` must be in [{low}, {high}] degrees. Received: "
                    f"{values[bad[0]]:g} for {self.names[bad[0]]} in {self.source}. Are `lat` and "
                    "`lon` swapped, or are these metres (`east,north`)?"
                )


def read_rows(table_path: Path) -> PhotoRows:
    """Reads the rows of a table without looking for the photos.

    Args:
        table_path: Path. A `.csv` or `.parquet` file.

    Returns:
        PhotoRows, in the table's order.

    Raises:
        ValueError: If a column is missing, a file is named twice, or a value cannot be read.
    """
    is_parquet = _is_parquet(table_path)
    chunks = parquet_chunks(table_path, COLUMNS) if is_parquet else csv_chunks(table_path)
    return convert_rows(chunks, table_path)


def convert_rows(chunks: Iterable[dict[str, list]], table_path: Path) -> PhotoRows:
    """Converts the cells of a table.

    Args:
        chunks: iterable of dict of column -> its cells, for consecutive parts of the rows.
        table_path: Path. The table, for messages.

    Returns:
        PhotoRows, in the order of the cells.

    Raises:
        ValueError: As `read_rows`.
    """
    columns: dict[str, list[NDArray[Any]]] = {}
    for cells in chunks:
        if not columns:
            refuse_columns(list(cells), table_path)
            warn_of_near_columns(list(cells), table_path)
        for column, values in _convert(cells, table_path).items():
            columns.setdefault(column, []).append(values)
    for column, parts in columns.items():
        _refuse_long(column, parts, table_path)
    found = {column: np.concatenate(parts) for column, parts in columns.items()}
    del columns
    names = found.get("file", np.empty(0))
    if not len(names):
        raise ValueError(f"A table needs at least one row. Received: none in {table_path}")
    _refuse_repeated(names, table_path)
    pair = next((pair for pair in POSITION_COLUMNS if pair[0] in found), None)
    positions, is_zero = None, np.zeros(len(names), dtype=bool)
    if pair is not None:
        positions = np.stack([found[column] for column in pair], axis=1)
        is_zero = at_zero(positions, on_earth=pair[0] == "lat" or "utm_zone" in found)
        positions[is_zero] = np.nan
    times = settle_times(found["time"], names, table_path) if "time" in found else None
    return PhotoRows(
        source=table_path,
        names=names,
        positions=positions,
        in_degrees=pair == ("lat", "lon"),
        num_at_zero=int(is_zero.sum()),
        zones=found.get("utm_zone"),
        headings_deg=whole_turn(found["heading_deg"]) if "heading_deg" in found else None,
        times_s=_known(times),
        place_ids=number_identities(found["place"]) if "place" in found else None,
        sequence_ids=number_identities(found["sequence"]) if "sequence" in found else None,
        altitudes_m=_known(found.get("altitude_m")),
        fields_of_view_deg=_known(found.get("fov_deg")),
        roles=found.get("role", np.full(len(names), "")),
    )


def read_csv(table_path: Path) -> dict[str, list[str]]:
    """Reads the cells of a CSV file, UTF-8, separated by comma, semicolon or tab.

    Args:
        table_path: Path. The file.

    Returns:
        Column -> its cells, in the order of the file; empty lines are left out.

    Raises:
        ValueError: If it is not a CSV file, a column appears twice or a line has another count of
            cells than the first.
    """
    columns: dict[str, list[str]] = {}
    for cells in csv_chunks(table_path):
        for column, values in cells.items():
            columns.setdefault(column, []).extend(values)
    return columns


def read_columns(table_path: Path) -> list[str]:
    """Returns the names of a table's columns.

    Args:
        table_path: Path. A `.csv` or `.parquet` file.

    Raises:
        ValueError: If it is not such a file.
    """
    return parquet_columns(table_path) if _is_parquet(table_path) else csv_columns(table_path)


def whole_turn(headings_deg: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Returns headings within [0, 360), or None if none is known."""
    if np.isnan(headings_deg).all():
        return None
    turned = np.mod(headings_deg, 360.0)
    return np.where(turned == 360.0, 0.0, turned)  # np.mod(-1e-20, 360) is 360


def _is_parquet(table_path: Path) -> bool:
    return table_path.suffix.lower() == ".parquet"


def _convert(cells: dict[str, list], table_path: Path) -> dict[str, NDArray[Any]]:
    """Returns the known columns as arrays; identities as texts, times as for `settle_times`."""
    names = [tidy_name("" if cell is None else str(cell), table_path) for cell in cells["file"]]
    reader = CellReader(table_path, names)
    kinds = {"time": reader.times, "role": reader.roles, "utm_zone": reader.zones}
    kinds |= {column: partial(reader.texts, column) for column in ("place", "sequence")}
    kinds |= {
        column: partial(reader.limited_numbers, column, low=low, high=high, meaning=unit)
        for column, (low, high, unit) in LIMITS.items()
    }
    unread = ("lat", "lon") if "east" in cells else ("utm_zone",)
    values: dict[str, NDArray[Any]] = {"file": np.array(names, dtype=np.str_)}
    for column in COLUMNS:
        if column in cells and column not in ("file", *unread):
            values[column] = kinds.get(column, partial(reader.numbers, column))(cells[column])
    return values


def _known(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    return None if values is None or np.isnan(values).all() else values


def _refuse_long(column: str, parts: Sequence[NDArray[Any]], table_path: Path) -> None:
    """Refuses texts that do not fit into memory, because each needs as much as the longest."""
    rows, longest = sum(map(len, parts)), max(part.itemsize for part in parts)
    if rows * longest > _MOST_BYTES:
        raise ValueError(
            f"`{column}` of {shown(table_path)} must take at most {_MOST_BYTES:,} bytes, rows "
            f"times the longest text. Received: {rows * longest:,}. Shorten the longest texts"
        )


def _refuse_repeated(names: NDArray[np.str_], table_path: Path) -> None:
    unique, first, counts = np.unique(names, return_index=True, return_counts=True)
    repeated = counts > 1
    if repeated.any():
        name = names[first[repeated].min()]
        rows = np.flatnonzero(names == name)[:2] + 1
        raise ValueError(
            f"{counted(repeated.sum(), 'file appears', 'files appear')} more than once in "
            f"{table_path} (first: {name}, rows {rows[0]} and {rows[1]}). Give each photo one row"
        )
