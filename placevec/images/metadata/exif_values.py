"""The values of EXIF tags, which any program may have written."""

import math
from typing import Any


def number(value: Any) -> float:
    """Returns a number, NaN for none, for one that is not finite and for x / 0."""
    try:
        converted = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return math.nan
    return converted if math.isfinite(converted) else math.nan


def three(values: object) -> tuple:
    """Returns three values, of NaN if there are not exactly three."""
    return values if isinstance(values, tuple) and len(values) == 3 else (math.nan,) * 3


def text(value: object) -> str:
    """Returns a text without its zeros and blanks, `""` for other values."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
