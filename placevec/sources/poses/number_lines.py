"""Text files with a row of numbers in each line."""

import re
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import open_text, shown

_LONGEST_LINE = 10_000  # characters
_LARGEST_FILE = 2**31  # bytes
_SEPARATOR = re.compile(r"\s*[,;]\s*|\s+")
_NOT_FINITE = re.compile(r"[-+]?1\.#[A-Z]+\d*")  # as C on Windows writes it: -1.#IND, 1.#INF
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")


def read_numbers(
    path: Path, columns: int, *, exactly: bool = True, lines_count: bool = False
) -> NDArray[np.float64]:
    """Reads the numbers of every line.

    A first line of names and all lines that begin with # are skipped; a # inside a line has no
    meaning. `-1.#IND` and the like are NaN.

    Args:
        path: Path. A text file; numbers are separated by spaces, tabs, commas or semicolons.
        columns: int. Count of numbers per line.
        exactly: bool. Refuse lines with more numbers. `False`: numbers after the first `columns`
            are not read, but every line must have as many cells as the first. Defaults to `True`.
        lines_count: bool. Refuse empty lines and comments between the numbers, because the number
            of a line says which photo it belongs to. Defaults to `False`.

    Returns:
        (N, columns) float64.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If a line has another count of numbers or contains something else, numbers have
            decimal commas, or the file has no line.
    """
    numbers, width, last = array("d"), columns if exactly else 0, 0
    for number, line in text_lines(path):
        cells = _cells(line)
        if not numbers and not any(map(_is_number, cells)):
            continue
        if lines_count and last and number > last + 1:
            raise ValueError(
                f"Line {last + 1} of {shown(path)} must hold {columns} numbers, because lines are "
                "counted. Received: an empty line or a comment"
            )
        width, last = width or max(len(cells), columns), number
        problem = _problem(line, cells, columns, width)
        if problem:
            raise ValueError(
                f"Line {number} of {shown(path)} must hold {width} numbers. Received: {problem}"
            )
        numbers.extend(map(float, cells[:columns]))
    if not numbers:
        raise ValueError(f"{shown(path)} must hold {columns} numbers per line. Received: no line")
    return np.array(numbers).reshape(-1, columns)


def first_numbers(path: Path) -> list[float]:
    """Returns the numbers of the first data line, or none if it has something else.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not text.
    """
    rows = (_cells(line) for _, line in text_lines(path))
    cells = next((cells for cells in rows if any(map(_is_number, cells))), [])
    return [float(cell) for cell in cells] if all(map(_is_number, cells)) else []


def starts_are_whole(path: Path) -> bool:
    """Returns whether the first numbers of all lines have no decimal point.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not text.
    """
    starts = (_cells(line)[0] for _, line in text_lines(path))
    return not any("." in start and _is_number(start) for start in starts)


def has_decimal_commas(line: str) -> bool:
    """Returns whether a line has commas inside numbers, because its separators are others."""
    cells = re.split(r"[\s;]+", line)
    return len(cells) > 1 and any(map(_DECIMAL_COMMA.fullmatch, cells))


def column_names(path: Path) -> list[str]:
    """Returns the names of the columns, from the last line of names above the first numbers.

    Args:
        path: Path. A text file, as `read_numbers` reads it.

    Returns:
        list of str, in lower case, without units such as `[m]`; empty if the file names none.
    """
    names: list[str] = []
    for _, line in _all_lines(path):
        cells = _SEPARATOR.split(line.lstrip("# \t").strip(",; \t").lower())
        if not line.startswith("#") and any(map(_is_number, cells)):
            break
        names = [cell for cell in cells if cell and not cell.startswith("[")]
    return names


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the number and text of every line, except empty lines and comments (#).

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not UTF-8 text, or a line is longer than 10,000 characters.
    """
    return ((number, line) for number, line in _all_lines(path) if not line.startswith("#"))


def _all_lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.exists():
        raise FileNotFoundError(f"{shown(path)} does not exist. Give the file's own path")
    with open_text(path, max_bytes=_LARGEST_FILE) as file:
        number = 0
        try:
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE:
                    raise ValueError(
                        f"Line {number} of {shown(path)} is too long for a row of numbers"
                    )
                if line.strip():
                    yield number, line.strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{shown(path)} is not UTF-8 text: {error}") from None


def _cells(line: str) -> list[str]:
    line = _NOT_FINITE.sub("nan", line)
    return _SEPARATOR.split(line.partition("#")[0].strip(",; \t"))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _problem(line: str, cells: list[str], columns: int, width: int) -> str:
    """Says why a line is not a row of `width` numbers, or returns `""`."""
    received = repr(shown(line, longest=80))
    if has_decimal_commas(line):
        return f"decimal commas, {received}. Write decimal points"
    bad = [cell for cell in cells[:columns] if not _is_number(cell)]
    if bad:
        return f"{shown(bad[0], longest=40)!r} for a number, in {received}"
    return "" if len(cells) == width else f"{len(cells)}, {received}"
