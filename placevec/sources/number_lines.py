"""Text files with a row of numbers in each line."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_LONGEST_LINE = 10_000  # characters


def read_numbers(path: Path, columns: int) -> np.ndarray:
    """Reads the first numbers of every line.

    Args:
        path: Path. A text file; numbers are parted by blanks or commas.
        columns: int. How many numbers a line has at least; those behind them are left alone.

    Returns:
        (N, columns) float64.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line has fewer numbers or something else, or there is no line.
    """
    numbers = array("d")
    for number, line in text_lines(path):
        cells = line.replace(",", " ").split()[:columns]
        try:
            row = [float(cell) for cell in cells]
        except ValueError:
            row = []
        if len(row) < columns:
            raise ValueError(
                f"Line {number} of {path} must hold {columns} numbers. Received: {line[:80]!r}"
            )
        numbers.extend(row)
    if not numbers:
        raise ValueError(f"{path} must hold {columns} numbers a line. Received: no line")
    return np.array(numbers).reshape(-1, columns)


def first_numbers(path: Path) -> list[float]:
    """Returns the numbers of the first line; none where it holds something else.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no text.
    """
    _, line = next(text_lines(path), (0, ""))
    try:
        return [float(cell) for cell in line.replace(",", " ").split()]
    except ValueError:
        return []


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the number and text of every line but comments, which begin with #, and empty ones.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no text in UTF-8, or a line is longer than 10,000 characters.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. Give the file's own path")
    with open(path, encoding="utf-8-sig") as file:
        number = 0
        try:
            while line := file.readline(_LONGEST_LINE + 1):
                number += 1
                if len(line) > _LONGEST_LINE:
                    raise ValueError(f"Line {number} of {path} is too long for a row of numbers")
                if line.strip() and not line.lstrip().startswith("#"):
                    yield number, line.strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is no text in UTF-8: {error}") from None
