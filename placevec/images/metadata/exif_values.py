"""Reads the values of EXIF tags, which any program may have written."""

import math
from typing import Any


def number(value: Any) -> float:
    """Returns a finite number; NaN if there is none, also for x / 0."""
    try:
        converted = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return math.nan
    return converted if math.isfinite(converted) else math.nan


def three(values: object) -> tuple:
    """Returns three values, or three NaN if there are not exactly three."""
    return values if isinstance(values, tuple) and len(values) == 3 else (math.nan,) * 3


def text(value: object) -> str:
    """Returns a text without null characters and blanks at its ends; `""` for other values."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
