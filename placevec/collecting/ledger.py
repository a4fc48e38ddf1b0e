"""Records what was collected: a line of JSON per photo, from which positions.csv is written."""

import contextlib
import math
from pathlib import Path
from typing import Self

from placevec.collecting.json_lines import JsonLines
from placevec.sources.files import tidy_name
from placevec.sources.tables.folder import POSITIONS_FILE
from placevec.sources.tables.photo_table import write_photo_table
from placevec.whole_file import make_folder

LEDGER_FILE = "collected.jsonl"
COLUMNS = (
    "file", "lat", "lon", "heading_deg", "time", "altitude_m", "place", "sequence", "fov_deg",
    "position_kind", "attribution", "licence", "source", "source_id",
)  # fmt: skip
"""Columns of positions.csv. The last five are kept for each photo but not read back."""


class Ledger:
    """The rows of the photos in a folder. Inside a `with` block, only this object writes there.

    A photo is written completely before its line, and only complete lines are read back. A kill at
    any moment therefore loses at most one line, and no photo is downloaded twice. positions.csv is
    written at the beginning and at the end of the block.

    Args:
        folder: Path. It is made when the block begins.

    Raises:
        FileExistsError: If the folder has a positions.csv that something else wrote.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._lines = JsonLines(folder / LEDGER_FILE)
        self._rows = self._read()
        if (folder / POSITIONS_FILE).exists() and not (folder / LEDGER_FILE).exists():
            raise FileExistsError(
                f"{folder / POSITIONS_FILE} was not written by `placevec collect`. Give another "
                "folder: --out DIR"
            )

    def __enter__(self) -> Self:
        make_folder(self.folder)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._lines)
            self._rows = self._read()
            self._write_table()
            self._leave = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        with self._leave:
            self._write_table()

    @property
    def names(self) -> set[str]:
        """Names of the photos that exist and have a line."""
        return {name for name in self._rows if self.holds(name)}

    def path(self, name: str) -> Path:
        """Returns the path of a photo, whether or not it exists yet."""
        return self.folder / name

    def holds(self, name: str) -> bool:
        """Returns whether a photo exists. A photo is written completely or not at all."""
        return self.path(name).is_file()

    def add(self, row: dict[str, object]) -> None:
        """Writes the line of a photo. The photo must exist."""
        plain = {column: _plain(row.get(column)) for column in COLUMNS}
        self._rows[str(row["file"])] = plain
        self._lines.add(plain)

    def _read(self) -> dict[str, dict]:
        """Reads the rows. The last line of each photo counts."""
        rows = {}
        for row in self._lines.read():
            with contextlib.suppress(ValueError, KeyError):
                rows[tidy_name(str(row["file"]), self.folder / LEDGER_FILE)] = row
        return rows

    def _write_table(self) -> None:
        rows = [self._rows[name] for name in sorted(self.names)]
        if rows:
            columns = {column: [row.get(column) for row in rows] for column in COLUMNS}
            write_photo_table(self.folder / POSITIONS_FILE, columns)


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
