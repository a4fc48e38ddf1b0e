"""Reads CSV files in chunks and within limits, and writes them so that no cell is a formula."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placevec.counted import counted
from placevec.input_file import bounded_lines, open_text, shown
from placevec.whole_file import whole_file

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 65_536
"""Rows that are in memory as text at a time."""
MOST_ROWS = 50_000_000
"""Tables with more rows are refused."""

_MAX_BYTES = 20_000_000_000
_LONGEST_LINE = 1_000_000  # characters
_LONGEST_HEADER = 65_536  # characters
_LONGEST_SHOWN = 300  # characters of an error
# A spreadsheet runs `@SUM(1)`; `@585001.41@4477241.39@.jpg` is a name with a position.
_FORMULA = re.compile(r"[=+\-\t\r]|@(?![-+]?[\d.])")


def csv_columns(table_path: Path) -> list[str]:
    """Returns the names in the first line of a CSV file.

    Raises:
        ValueError: If it is not a CSV file.
    """
    try:
        with open_text(table_path, max_bytes=_MAX_BYTES, newline="") as file:
            header_line = file.readline(_LONGEST_HEADER)
    except UnicodeDecodeError as error:
        raise _no_csv(table_path, error) from None
    separator = _separator(header_line)
    return [column.strip() for column in next(csv.reader([header_line], delimiter=separator), [])]


def csv_chunks(table_path: Path) -> Iterator[dict[str, list[str]]]:
    """Yields the cells of a CSV file by column, a number of rows at a time; at least once.

    Args:
        table_path: Path. A file in UTF-8, separated by comma, semicolon, tab or vertical bar.

    Yields:
        Column -> its cells, in the order of the file; empty lines are left out.

    Raises:
        ValueError: If it is not a CSV file, a column appears twice, a line has another count of
            cells than the first, or a limit is exceeded: 20 GB, 50 million rows, 1,000,000
            characters in a line, 131,072 in a cell.
    """
    try:
        with open_text(table_path, max_bytes=_MAX_BYTES, newline="") as file:
            header_line = file.readline(_LONGEST_HEADER)
            if len(header_line) == _LONGEST_HEADER:
                raise ValueError(
                    f"{shown(table_path)} is not a CSV file: its first line has no end"
                )
            file.seek(0)
            whole_lines = bounded_lines(file, table_path, longest=_LONGEST_LINE)
            lines = csv.reader(whole_lines, delimiter=_separator(header_line))
            yield from _chunks(lines, table_path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise _no_csv(table_path, error) from None


def in_words(columns: Iterable[str]) -> str:
    """Returns the names of columns as text for an error."""
    return shown(", ".join(columns), longest=_LONGEST_SHOWN) or "none"


def refuse_repeated_columns(columns: Sequence[str], table_path: Path) -> None:
    """Refuses a table that has two columns with the same name."""
    repeated = [column for column, count in Counter(columns).items() if count > 1]
    if repeated:
        raise ValueError(
            f"Each column must appear once in {table_path}. Received: {shown(repeated[0])!r} "
            f"{columns.count(repeated[0])} times. Rename or remove the others"
        )


def refuse_many_rows(count: int, table_path: Path) -> None:
    """Refuses a table with more than `MOST_ROWS` rows."""
    if count > MOST_ROWS:
        raise ValueError(
            f"{shown(table_path)} must have at most {MOST_ROWS:,} rows. Received: more. Split it"
        )


def csv_cell(value: object, *, is_file: bool = False) -> object:
    """Returns a value as it is written to a CSV file, so that no spreadsheet runs it as a formula.

    Text that begins like a formula gets the prefix `./` if it names a file, else a blank. The
    readers of this package remove both, so that they get the same text back.

    Args:
        value: A cell. Numbers do not change.
        is_file: bool. Whether it is the name of a file. Defaults to `False`.

    Example:

    >>> csv_cell("=1+1.jpg", is_file=True), csv_cell("-route"), csv_cell(-1.5)
    ('./=1+1.jpg', ' -route', -1.5)
    """
    if isinstance(value, str) and _FORMULA.match(value):
        return f"./{value}" if is_file else f" {value}"
    return value


def frame_csv(table: "pd.DataFrame", files: Sequence[str]) -> str:
    """Returns a pandas table as CSV, with file names that no spreadsheet runs as a formula.

    Args:
        table: DataFrame.
        files: sequence of str. The columns of file names.
    """
    import pandas as pd

    cells = {}
    for name in files:  # names may not be UTF-8, so they stay objects
        names = [csv_cell(each, is_file=True) for each in table[name]]
        cells[name] = pd.Series(names, index=table.index, dtype=object)
    return table.assign(**cells).to_csv(index=False, lineterminator="\n")


def write_frame(path: Path, table: "pd.DataFrame", files: Sequence[str]) -> None:
    """Writes a pandas table as `frame_csv`, completely or not at all; names keep their bytes.

    Args:
        path: Path. The file.
        table: DataFrame.
        files: sequence of str. The columns of file names.

    Raises:
        OSError: If it cannot be written.
    """
    with whole_file(path) as unfinished:
        text = frame_csv(table, files)
        unfinished.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def _separator(header_line: str) -> str:
    return max(",;\t|", key=header_line.count)


def _chunks(lines: Any, table_path: Path) -> Iterator[dict[str, list[str]]]:
    header = [column.strip() for column in next(lines, [])]
    if any(len(column.splitlines()) > 1 for column in header):
        raise ValueError(f"A column's name must be on one line in {table_path}")
    refuse_repeated_columns(header, table_path)
    cells = {column: [] for column in header}
    yield cells
    count = 0
    for row in lines:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise ValueError(
                f"Line {lines.line_num} of {table_path} must have {counted(len(header), 'cell')}, "
                f"as the first line has. Received: {len(row)}"
            )
        for values, cell in zip(cells.values(), row, strict=True):
            values.append(cell)
        if len(values) == CHUNK:
            count += CHUNK
            refuse_many_rows(count, table_path)
            yield cells
            cells = {column: [] for column in header}
    yield cells


def _no_csv(table_path: Path, error: Exception) -> ValueError:
    way_out = ". Save it as UTF-8" if isinstance(error, UnicodeDecodeError) else ""
    return ValueError(f"{shown(table_path)} is not a UTF-8 CSV file: {shown(error)}{way_out}")
