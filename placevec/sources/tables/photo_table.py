"""Writes tables of photos, such as `positions.csv`."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from placevec.sources.tables.rows.csv_file import csv_cell
from placevec.whole_file import whole_file


def write_photo_table(table_path: Path | str, columns: Mapping[str, Sequence]) -> None:
    """Writes a CSV table with a row for each photo, completely or not at all.

    `read_folder` reads it as `positions.csv` in the photos' folder, `read_table` under any name.

    Args:
        table_path: Path. The file, in an existing folder.
        columns: column -> its (N,) values, in the order to write; see `rows.columns` for the
            names that are read back. None and NaN become empty cells, floats are written in their
            shortest form, and text never begins like a formula (see `csv_cell`).

    Raises:
        ValueError: If the column `file` is missing, or columns differ in length.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table_path = Path(folder) / "positions.csv"
    ...     write_photo_table(table_path, {"file": ["a.jpg"], "lat": [52.1], "lon": [0.5]})
    ...     print(table_path.read_text().split())
    ['file,lat,lon', 'a.jpg,52.1,0.5']
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if "file" not in columns or len(set(lengths.values())) != 1:
        raise ValueError(
            f"A table of photos must have a column `file`, and all columns equal lengths. "
            f"Received: {lengths}"
        )
    with (
        whole_file(table_path) as unfinished,
        open(unfinished, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(
                "" if _is_unknown(cell) else csv_cell(cell, is_file=column == "file")
                for column, cell in zip(columns, row, strict=True)
            )


def _is_unknown(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
