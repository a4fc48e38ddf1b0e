"""Files of JSON lines that only grow. A kill at any moment loses at most the last line."""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from placevec.folder_lock import hold
from placevec.input_file import open_text, parse_json
from placevec.whole_file import named_errors

_MOST_BYTES = 20_000_000_000
_LONGEST_LINE = 1_000_000  # characters


class JsonLines:
    """A file of JSON objects, one per line. Inside a `with` block, only this object writes to it.

    Args:
        path: Path. The file. Its folder must exist when the block begins.
    """

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._file = open(self._path, "a+b", opener=_open_no_link)
        try:
            folder = self._path.parent
            hold(
                self._file.fileno(),
                f"Another `placevec collect` is at work in {folder}. Wait for it",
            )
        except BaseException:
            self._file.close()
            raise
        if self._file.seek(0, 2) and not self._ends_in_newline():
            self._file.write(b"\n")
        return self

    def __exit__(self, *error: object) -> None:
        with named_errors(self._path):  # Closing writes what a full disk refused before.
            self._file.close()

    def read(self) -> Iterator[dict]:
        """Yields the objects of the complete lines; none if there is no file."""
        if not self._path.is_file():
            return
        with open_text(self._path, max_bytes=_MOST_BYTES, errors="replace") as file:
            while line := file.readline(_LONGEST_LINE):
                with contextlib.suppress(ValueError):
                    value = parse_json(line, self._path.name)
                    if isinstance(value, dict):
                        yield value

    def add(self, value: dict) -> None:
        """Writes an object. Several threads may call it.

        Raises:
            OSError: If it cannot be written, such as on a full disk; the message names the file.
        """
        line = json.dumps(value).encode() + b"\n"
        with self._lock, named_errors(self._path):
            self._file.write(line)
            self._file.flush()

    def _ends_in_newline(self) -> bool:
        self._file.seek(-1, 2)
        return self._file.read(1) == b"\n"


def _open_no_link(path: str, flags: int) -> int:
    """Opens a file for writing, but never follows a link to a file elsewhere."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)
