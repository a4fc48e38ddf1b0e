"""What was collected so far: a line of JSON for each photo, from which positions.csv is written."""

import contextlib
import fcntl
import json
import math
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from placevec.sources.files import tidy_name
from placevec.sources.folder import POSITIONS_FILE
from placevec.sources.photo_table import write_photo_table

LEDGER_FILE = "collected.jsonl"
COLUMNS = (
    "file", "lat", "lon", "heading_deg", "time", "altitude_m", "place", "sequence", "fov_deg",
    "position_kind", "attribution", "licence", "source", "source_id",
)  # fmt: skip
"""Columns of positions.csv; the last five are kept beside each photo and not read back."""


class Ledger:
    """The rows of the photos in a folder; entered, it is the only one that writes there.

    A photo is written whole before its line, and a line is read back only where it is whole, so
    that a kill at any moment loses at most a line, which costs no second download.

    Args:
        folder: Path. Made when the block is entered.

    Raises:
        FileExistsError: If the folder has a positions.csv of another origin.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._path = folder / LEDGER_FILE
        self._lock = threading.Lock()
        self._rows = _read(self._path)
        if (folder / POSITIONS_FILE).exists() and not self._path.exists():
            raise FileExistsError(
                f"{folder / POSITIONS_FILE} was not written by `placevec collect`. Give another "
                "folder: --out DIR"
            )

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = open(self._path, "a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise FileExistsError(
                f"Another `placevec collect` is at work in {self.folder}. Wait for it"
            ) from None
        self._rows = _read(self._path)
        if self._file.seek(0, 2) and not self._ends_in_newline():
            self._file.write(b"\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.closing(self._file):
            self._write_table()

    @property
    def names(self) -> set[str]:
        """Names of the photos that have a line and are there."""
        return {name for name in self._rows if self.holds(name)}

    def path(self, name: str) -> Path:
        """Returns where a photo stands or will stand."""
        return self.folder / name

    def holds(self, name: str) -> bool:
        """Returns whether a photo is there; it was written as a whole or not at all."""
        return self.path(name).is_file()

    def add(self, row: dict[str, object]) -> None:
        """Writes the line of a photo that is there."""
        line = json.dumps({column: _plain(row.get(column)) for column in COLUMNS}) + "\n"
        with self._lock:
            self._rows[str(row["file"])] = json.loads(line)
            self._file.write(line.encode())
            self._file.flush()

    def _ends_in_newline(self) -> bool:
        self._file.seek(-1, 2)
        return self._file.read(1) == b"\n"

    def _write_table(self) -> None:
        rows = [self._rows[name] for name in sorted(self.names)]
        if rows:
            columns = {column: [row.get(column) for row in rows] for column in COLUMNS}
            write_photo_table(self.folder / POSITIONS_FILE, columns)


def _read(path: Path) -> dict[str, dict]:
    """Reads the whole lines of a ledger; the last one of each photo counts."""
    rows = {}
    if path.is_file():
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                with contextlib.suppress(ValueError, RecursionError, TypeError, KeyError):
                    row = json.loads(line)
                    rows[tidy_name(str(row["file"]), path)] = row
    return rows


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
