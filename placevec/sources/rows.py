"""The rows of a table of photos, CSV or Parquet, converted column by column."""

import csv
import difflib
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np

from placevec.sources.files import tidy_name
from placevec.sources.utm import metres_from_degrees

log = logging.getLogger(__name__)

# The columns that a table may have, and how else people call them.
COLUMNS = {
    "file": ("filename", "name", "path", "image", "img", "photo"),
    "lat": ("latitude",),
    "lon": ("longitude", "lng", "long"),
    "east": ("easting", "utm_east", "x"),
    "north": ("northing", "utm_north", "y"),
    "heading_deg": ("heading", "bearing", "northdeg", "yaw", "compass"),
    "time": ("timestamp", "time_s", "captured_at", "datetime", "date"),
    "place": ("place_id", "location"),
    "sequence": ("sequence_id", "seq", "drive", "traverse"),
    "altitude_m": ("altitude", "alt", "elevation"),
    "fov_deg": ("fov", "hfov", "field_of_view"),
    "role": ("subset", "type"),
}
ROLES = ("", "query", "database", "both")
TABLE_SUFFIXES = (".csv", ".parquet")
_POSITIONS = (("east", "north"), ("lat", "lon"))  # the first that is there is read
_LONGEST_HEADER = 65_536  # characters
_LONGEST_TEXT = 1000  # characters of a place or a sequence
_CHUNK = 65_536  # rows that are held as text at a time


@dataclass(frozen=True, eq=False)
class PhotoRows:
    """The rows of a table, columns converted one by one, positions not yet in metres.

    Args:
        source: Path. The table.
        names: (N,) str. File names relative to the table's folder, all different.
        positions: (N, 2) float64 or None. East and north in metres, or latitude and longitude;
            NaN where not given.
        in_degrees: bool. Whether `positions` are latitude and longitude.
        headings_deg: (N,) float64 or None. In [0, 360); NaN where not given.
        times_s: (N,) float64 or None. Seconds since 1970, UTC; NaN where not given.
        place_ids: (N,) int64 or None. -1 where not given.
        sequence_ids: (N,) int64 or None. -1 where not given.
        altitudes_m: (N,) float64 or None. NaN where not given.
        fields_of_view_deg: (N,) float64 or None. NaN where not given.
        roles: (N,) str. One of `ROLES`.
    """

    source: Path
    names: np.ndarray
    positions: np.ndarray | None
    in_degrees: bool
    headings_deg: np.ndarray | None
    times_s: np.ndarray | None
    place_ids: np.ndarray | None
    sequence_ids: np.ndarray | None
    altitudes_m: np.ndarray | None
    fields_of_view_deg: np.ndarray | None
    roles: np.ndarray

    def metres(self, zone: str | None = None) -> tuple[np.ndarray, str]:
        """Returns the positions in metres east and north, and their frame.

        Args:
            zone: str or None. UTM zone for latitudes and longitudes. Defaults to that of their
                median.

        Returns:
            positions_m, (N, 2) float64, NaN where not given, and `"local"` or `"UTM 31U"`.

        Raises:
            ValueError: If a latitude or longitude is out of range.
        """
        if not self.in_degrees:
            return self.positions, "local"
        given = ~np.isnan(self.positions).any(axis=1)
        if not given.any():
            return self.positions, "local"
        self._refuse_out_of_range(given)
        positions_m = np.full_like(self.positions, np.nan)
        positions_m[given], zone = metres_from_degrees(*self.positions[given].T, zone=zone)
        return positions_m, f"UTM {zone}"

    def _refuse_out_of_range(self, given: np.ndarray) -> None:
        limits = (("lat", -80, 84), ("lon", -180, 180))
        for (column, low, high), values in zip(limits, self.positions.T, strict=True):
            bad = np.flatnonzero(given & ~((values >= low) & (values <= high)))
            if len(bad):
                raise ValueError(
                    f"`{column}` must lie in [{low}, {high}] degrees. Received: "
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
    chunks = _parquet_chunks(table_path) if _is_parquet(table_path) else _csv_chunks(table_path)
    columns: dict[str, list[np.ndarray]] = {}
    for cells in chunks:
        if not columns:
            _refuse_missing_columns(cells, table_path)
            _warn_of_near_columns(cells, table_path)
        for column, values in _convert(cells, table_path).items():
            columns.setdefault(column, []).append(values)
    found = {column: np.concatenate(parts) for column, parts in columns.items()}
    del columns
    names = found["file"]
    if not len(names):
        raise ValueError(f"A table needs at least one row. Received: none in {table_path}")
    _refuse_repeated(names, table_path)
    pair = next((pair for pair in _POSITIONS if pair[0] in found), None)
    return PhotoRows(
        source=table_path,
        names=names,
        positions=None if pair is None else np.stack([found[column] for column in pair], axis=1),
        in_degrees=pair == ("lat", "lon"),
        headings_deg=whole_turn(found["heading_deg"]) if "heading_deg" in found else None,
        times_s=_known(found.get("time")),
        place_ids=_identities(found.get("place")),
        sequence_ids=_identities(found.get("sequence")),
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
        ValueError: If it is no such file, a column stands twice or a line has other cells than
            the first.
    """
    columns: dict[str, list[str]] = {}
    for cells in _csv_chunks(table_path):
        for column, values in cells.items():
            columns.setdefault(column, []).extend(values)
    return columns


def read_columns(table_path: Path) -> list[str]:
    """Returns the names of a table's columns.

    Args:
        table_path: Path. A `.csv` or `.parquet` file.

    Raises:
        ValueError: If it is no such file.
    """
    if _is_parquet(table_path):
        import pyarrow
        from pyarrow import parquet

        try:
            return parquet.read_schema(table_path).names
        except (pyarrow.ArrowException, OSError) as error:
            raise _no_parquet(table_path, error) from None
    try:
        with open(table_path, newline="", encoding="utf-8-sig") as file:
            header_line = file.readline(_LONGEST_HEADER)
    except UnicodeDecodeError as error:
        raise ValueError(f"{table_path} is no CSV file in UTF-8: {error}") from None
    separator = max(",;\t", key=header_line.count)
    return [column.strip() for column in next(csv.reader([header_line], delimiter=separator), [])]


def whole_turn(headings_deg: np.ndarray) -> np.ndarray | None:
    """Returns headings within [0, 360), or None where none is known."""
    if np.isnan(headings_deg).all():
        return None
    turned = np.mod(headings_deg, 360.0)
    return np.where(turned == 360.0, 0.0, turned)  # np.mod(-1e-20, 360) is 360


@dataclass(frozen=True)
class _CellReader:
    """Turns the cells of a column into an array; an error names the photo of the row."""

    source: Path
    names: Sequence[str]

    def numbers(self, column: str, cells: Sequence) -> np.ndarray:
        values = np.empty(len(cells))
        for row, cell in enumerate(cells):
            try:
                values[row] = math.nan if _is_empty(cell) else float(cell)
            except (TypeError, ValueError):
                raise self._error(column, "be a number", row, cell) from None
        values[np.isinf(values)] = np.nan
        return values

    def times(self, cells: Sequence) -> np.ndarray:
        known: dict = {}
        values = np.empty(len(cells))
        for row, cell in enumerate(cells):
            if cell not in known:
                try:
                    known[cell] = math.nan if _is_empty(cell) else _seconds(cell)
                except (TypeError, ValueError, OverflowError):
                    must = "be ISO 8601, such as 2014-06-30T12:00:00Z, or seconds since 1970"
                    raise self._error("time", must, row, cell) from None
            values[row] = known[cell]
        return values

    def texts(self, column: str, cells: Sequence) -> np.ndarray:
        texts = ["" if _is_empty(cell) else str(cell).strip() for cell in cells]
        for row, text in enumerate(texts):
            if len(text) > _LONGEST_TEXT:
                must = f"have at most {_LONGEST_TEXT} characters"
                raise self._error(column, must, row, f"{text[:40]}...")
        return np.array(texts, np.str_)

    def roles(self, cells: Sequence) -> np.ndarray:
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
        for row, text in enumerate(texts):
            if text not in ROLES:
                must = "be `query`, `database` or empty (both)"
                raise self._error("role", must, row, text)
        return np.array(texts, dtype=np.str_)

    def _error(self, column: str, must: str, row: int, cell: object) -> ValueError:
        return ValueError(
            f"`{column}` must {must}. Received: {cell!r} for {self.names[row]} in {self.source}"
        )


def _is_parquet(table_path: Path) -> bool:
    return table_path.suffix.lower() == ".parquet"


def _csv_chunks(table_path: Path) -> Iterator[dict[str, list[str]]]:
    """Yields the cells of a CSV file by column, so many rows at a time; at least once."""
    try:
        with open(table_path, newline="", encoding="utf-8-sig") as file:
            header_line = file.readline(_LONGEST_HEADER)
            if len(header_line) == _LONGEST_HEADER:
                raise ValueError(f"{table_path} is no CSV file: its first line has no end")
            separator = max(",;\t", key=header_line.count)
            file.seek(0)
            lines = csv.reader(file, delimiter=separator)
            header = [column.strip() for column in next(lines, [])]
            if any(len(column.splitlines()) > 1 for column in header):
                raise ValueError(f"A column's name must stand on one line in {table_path}")
            if len(set(header)) < len(header):
                raise ValueError(f"Each column must stand once in {table_path}. Received: {header}")
            cells = {column: [] for column in header}
            yield cells
            for row in lines:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(header):
                    raise ValueError(
                        f"Line {lines.line_num} of {table_path} must have {len(header)} cells, as "
                        f"the first line has. Received: {len(row)}"
                    )
                for values, cell in zip(cells.values(), row, strict=True):
                    values.append(cell)
                if len(values) == _CHUNK:
                    yield cells
                    cells = {column: [] for column in header}
            yield cells
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table_path} is no CSV file in UTF-8: {error}") from None


def _parquet_chunks(table_path: Path) -> Iterator[dict[str, list]]:
    """Yields the cells of a Parquet file as `_csv_chunks` does; others than ours are left empty."""
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(table_path) as file:
            present = file.schema_arrow.names
            yield {column: [] for column in present}
            wanted = [column for column in COLUMNS if column in present]
            for batch in file.iter_batches(_CHUNK, columns=wanted):
                yield {column: batch.column(column).to_pylist() for column in wanted}
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _no_parquet(table_path, error) from None


def _refuse_missing_columns(cells: dict[str, list], table_path: Path) -> None:
    pair = next((pair for pair in _POSITIONS if pair[0] in cells or pair[1] in cells), ())
    for column in ("file", *pair):
        if column not in cells:
            raise ValueError(_missing_column(column, cells, table_path))


def _convert(cells: dict[str, list], table_path: Path) -> dict[str, np.ndarray]:
    """Returns the known columns as arrays, identities as texts."""
    names = [tidy_name(str(cell or ""), table_path) for cell in cells["file"]]
    reader = _CellReader(table_path, names)
    kinds = {"time": reader.times, "role": reader.roles}
    kinds |= {column: partial(reader.texts, column) for column in ("place", "sequence")}
    unread = _POSITIONS[1] if _POSITIONS[0][0] in cells else ()
    values = {"file": np.array(names, dtype=np.str_)}
    for column in COLUMNS:
        if column in cells and column not in ("file", *unread):
            values[column] = kinds.get(column, partial(reader.numbers, column))(cells[column])
    return values


def _known(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None or np.isnan(values).all() else values


def _identities(texts: np.ndarray | None) -> np.ndarray | None:
    """Returns whole numbers as they are, other texts by their rank; -1 where there is none."""
    if texts is None:
        return None
    different, rank = np.unique(texts, return_inverse=True)
    try:
        numbers = [int(text) if text else -1 for text in different.tolist()]
        return np.array(numbers, dtype=np.int64)[rank]
    except (ValueError, OverflowError):
        return rank - int(different[0] == "")


def _no_parquet(table_path: Path, error: Exception) -> ValueError:
    return ValueError(f"{table_path} is no whole Parquet file: {str(error).splitlines()[0]}")


def _is_empty(cell: object) -> bool:
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in ("", "nan"))


def _seconds(cell: object) -> float:
    """Returns seconds since 1970 of an ISO time, a number or a date of a Parquet column."""
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).timestamp()
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC).timestamp()
    try:
        seconds = float(cell)
    except ValueError:
        text = cell.strip()
        return _seconds(datetime.fromisoformat(f"{text}-01" if len(text) == 7 else text))
    if not abs(seconds) < 1e11:
        raise ValueError("milliseconds")
    return seconds


def _refuse_repeated(names: np.ndarray, table_path: Path) -> None:
    unique, first, counts = np.unique(names, return_index=True, return_counts=True)
    repeated = counts > 1
    if repeated.any():
        name = names[first[repeated].min()]
        rows = np.flatnonzero(names == name)[:2] + 1
        raise ValueError(
            f"{repeated.sum()} files stand more than once in {table_path} (first: {name}, rows "
            f"{rows[0]} and {rows[1]}). Give each photo one row"
        )


def _missing_column(column: str, cells: dict[str, list], table_path: Path) -> str:
    near = _nearest(column, cells)
    way_out = f"Rename `{near}` to `{column}`" if near else f"Add the column `{column}`"
    return f"No column `{column}` in {table_path} (it has: {', '.join(cells) or 'none'}). {way_out}"


def _nearest(column: str, present: Sequence[str]) -> str | None:
    """Returns the unknown column that most likely means `column`."""
    unknown = {name.lower(): name for name in present if name not in COLUMNS}
    for alias in (column, *COLUMNS[column]):
        if alias in unknown:
            return unknown[alias]
    close = difflib.get_close_matches(column, unknown, n=1, cutoff=0.7)
    return unknown[close[0]] if close else None


def _warn_of_near_columns(cells: dict[str, list], table_path: Path) -> None:
    for column in ("heading_deg", "time", "place", "role"):
        near = None if column in cells else _nearest(column, cells)
        if near:
            log.warning(
                "Column `%s` of %s is not read. If it is the %s, rename it to `%s`",
                near,
                table_path,
                column.removesuffix("_deg"),
                column,
            )
