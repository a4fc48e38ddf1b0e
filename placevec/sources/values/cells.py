"""Converts the cells of a table of photos to numbers, times and texts."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown
from placevec.places.frame import parse_zone
from placevec.sources.values.times import TIME_FORMS, parse_time, seconds_of_date, why_no_time

ROLES = ("", "query", "database", "both")
_LONGEST_TEXT = 1000  # characters of a place or a sequence
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")


def to_number(cell: Any) -> float:
    """Returns a cell as a number.

    Args:
        cell: str or number. Text must be digits with a decimal point.

    Raises:
        ValueError: If it is other text. Python's own `1_000` is not a number in a file.
        TypeError: If it is neither text nor a number.
    """
    if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):
        raise ValueError(f"{cell!r} is not a number")
    return float(cell)


def to_whole_number(text: str) -> int:
    """Returns digits, with or without a sign, as a whole number.

    Raises:
        ValueError: If it is other text.
    """
    if "_" in text:
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


@dataclass(frozen=True)
class CellReader:
    """Converts the cells of a column to an array; an error names the photo of the row.

    Args:
        source: Path. The table.
        names: sequence of str. The photos, one per row.
    """

    source: Path
    names: Sequence[str]

    def numbers(self, column: str, cells: Sequence) -> NDArray[np.float64]:
        """Returns (N,) float64, NaN for empty and infinite cells."""
        values = np.empty(len(cells))
        for row, cell in enumerate(cells):
            try:
                values[row] = math.nan if _is_empty(cell) else to_number(cell)
            except (TypeError, ValueError):
                has_comma = isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell)
                must = "be a number" + (" with a decimal point, not a comma" if has_comma else "")
                raise self._error(column, must, row, cell) from None
        values[np.isinf(values)] = np.nan
        return values

    def limited_numbers(
        self, column: str, cells: Sequence, low: float, high: float, meaning: str
    ) -> NDArray[np.float64]:
        """Returns numbers as `numbers` does, and refuses those outside [low, high]."""
        values = self.numbers(column, cells)
        bad = np.flatnonzero((values < low) | (values > high))
        if len(bad):
            must = f"be in [{low:,g}, {high:,g}] {meaning}; an empty cell means unknown"
            raise self._error(column, must, bad[0], cells[bad[0]])
        return values

    def times(self, cells: Sequence) -> NDArray[np.float64]:
        """Returns (N, 2) float64, as for `settle_times`."""
        known: dict = {}
        values = np.empty((len(cells), 2))
        for row, cell in enumerate(cells):
            if cell not in known:
                known[cell] = self._time(row, cell)
            values[row] = known[cell]
        return values

    def texts(self, column: str, cells: Sequence) -> NDArray[np.str_]:
        """Returns (N,) str, `""` for empty cells."""
        texts = ["" if _is_empty(cell) else str(cell).strip() for cell in cells]
        for row, text in enumerate(texts):
            if len(text) > _LONGEST_TEXT:
                must = f"have at most {_LONGEST_TEXT} characters"
                raise self._error(column, must, row, f"{text[:40]}...")
            if "\0" in text:
                raise self._error(column, "be text without null characters", row, text)
        return np.array(texts, np.str_)

    def zones(self, cells: Sequence) -> NDArray[np.str_]:
        """Returns (N,) str, UTM zones such as `"31U"`, `""` for empty cells."""
        known: dict = {}
        for row, cell in enumerate(cells):
            if cell not in known:
                whole = isinstance(cell, float) and cell.is_integer()
                text = "" if _is_empty(cell) else str(int(cell) if whole else cell)
                zone = parse_zone(re.sub(r"\.0$|\s", "", text).upper())
                if text and zone is None:
                    must = "be 1 to 60 and the letter of a band from C to X, such as 31U"
                    raise self._error("utm_zone", must, row, cell)
                known[cell] = f"{zone[0]}{zone[1]}" if zone else ""
        return np.array([known[cell] for cell in cells], dtype=np.str_)

    def roles(self, cells: Sequence) -> NDArray[np.str_]:
        """Returns (N,) str, each of `ROLES`."""
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
        for row, text in enumerate(texts):
            if text not in ROLES:
                must = "be `query`, `database` or empty (both)"
                raise self._error("role", must, row, text)
        return np.array(texts, dtype=np.str_)

    def _time(self, row: int, cell: object) -> tuple[float, bool]:
        """Returns a time and whether it is a number, whose unit depends on the whole column."""
        if _is_empty(cell):
            return math.nan, False
        must = f"be {TIME_FORMS}"
        try:
            if isinstance(cell, date):
                seconds, is_number = seconds_of_date(cell), False
            else:
                seconds, is_number = to_number(cell), True
        except TypeError:
            seconds, is_number = math.nan, False
        except ValueError:
            seconds, is_number = (parse_time(cell) if isinstance(cell, str) else math.nan), False
            must = why_no_time(str(cell))
        if not math.isfinite(seconds):
            raise self._error("time", must, row, cell)
        return seconds, is_number

    def _error(self, column: str, must: str, row: int, cell: object) -> ValueError:
        return ValueError(
            f"`{column}` must {must}. Received: {shown(repr(cell), longest=100)} for "
            f"{shown(self.names[row])} in {shown(self.source)}"
        )


def _is_empty(cell: object) -> bool:
    if isinstance(cell, float):
        return math.isnan(cell)
    return cell is None or (isinstance(cell, str) and cell.strip() in ("", "nan", "NaN"))
