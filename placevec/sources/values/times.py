"""Times of photos in the formats of tables and file names."""

import logging
import math
import re
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

TIME_FORMS = "ISO 8601, such as 2014-06-30T12:00:00Z, or seconds since 1970"

# The date before a time: 2014/06/30, and 2014:06:30 in EXIF.
_YEAR_FIRST = re.compile(r"(\d{4})([-/:.])(\d{2})(?:\2(\d{2})(.*))?")
_YEAR_LAST = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{2,4}\b.*")
_COMPACT = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2}))?)?)?)?)?")
_YEARS = (1800, 2200)
_COMPACT_YEARS = (1900, 2100)
_SINCE_1970_S = (1e8, 4.2e9)  # 1973 to 2103
LONGEST_FROM_ZERO_S = 1e7  # 115 days; a compact date of 8 digits is larger
# Numbers that mean a day, and their names.
_DAY_NUMBERS = (
    (1900, 2101, "a year"),
    (20_000, 80_000, "a day number of a spreadsheet, or seconds since midnight"),
    (690_000, 790_000, "a day number of MATLAB"),
    (2_400_000, 2_500_000, "a Julian day"),
    (1_900_001, 2_100_366, "a year and a day of the year"),
)
_FRACTIONS = ((1e17, "nanoseconds"), (1e14, "microseconds"), (1e11, "milliseconds"))


def parse_time(text: str) -> float:
    """Reads a time that states its date.

    ISO 8601 and its compact forms from `2014` to `20140630120000`, `20140630_120000`, and dates
    whose year is first, `2014/06/30` and `2014:06:30`. A time without an offset is UTC.

    Args:
        text: str. The time.

    Returns:
        Seconds since 1970, UTC; NaN if the text is none of these.

    Example:

    >>> parse_time("20140630_120000") == parse_time("2014-06-30T14:00:00+02:00") == 1404129600
    True
    >>> parse_time("30.06.2014")
    nan
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return _seconds_of_compact(text)
    text = re.sub(r"\s*(UTC|GMT)$", "+00:00", text)
    text = re.sub(r"(?<=\d) (?=[+-]\d{2}:?\d{2}$)", "", text)
    text = re.sub(r"^(\d{8})_(?=\d{4,6}$)", r"\1T", text)
    match = _YEAR_FIRST.fullmatch(text)
    if match:
        year, _, month, day, rest = match.groups()
        text = f"{year}-{month}-{day or '01'}{rest or ''}"
    try:
        return seconds_of_date(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return math.nan


def seconds_of_date(value: date | datetime) -> float:
    """Returns the seconds since 1970 of a date or a time, which is UTC if it has no offset."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not _YEARS[0] <= value.year <= _YEARS[1]:
        return math.nan
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def settle_times(
    times: NDArray[np.float64], names: NDArray[np.str_], source: Path
) -> NDArray[np.float64]:
    """Converts the numbers among the times of a table to seconds; all have one format.

    Numbers are compact dates if all of them can be, else seconds since 1970, else seconds from
    their own zero. Numbers that more likely mean a day, or that mean different things, are refused.

    Args:
        times: (N, 2) float64. A time, NaN if unknown, and 1 if it is a number, 0 if it had a date.
        names: (N,) str. The photos.
        source: Path. The table, for messages.

    Returns:
        (N,) float64. Seconds since 1970, UTC; NaN if unknown.

    Raises:
        ValueError: If the numbers have another format.
    """
    seconds = times[:, 0].copy()
    rows = np.flatnonzero((times[:, 1] == 1) & ~np.isnan(seconds))
    if not len(rows):
        return seconds
    has_dates = bool((times[~np.isnan(seconds), 1] == 0).any())
    numbers, first, which = np.unique(seconds[rows], return_index=True, return_inverse=True)
    sizes = np.abs(numbers)
    if not any(math.isnan(_seconds_of_number(number)) for number in numbers.tolist()):
        _log.info("Times in %s, such as %.0f, are read as compact dates", source, numbers[0])
        numbers = np.array([_seconds_of_number(number) for number in numbers.tolist()])
    elif (sizes >= _SINCE_1970_S[0]).all() and (sizes <= _SINCE_1970_S[1]).all():
        pass
    elif has_dates or sizes.max() >= LONGEST_FROM_ZERO_S or all(map(_states_a_day, numbers)):
        outside = (sizes < _SINCE_1970_S[0]) | (sizes > _SINCE_1970_S[1])
        bad = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"`time` must be {TIME_FORMS}. Received: {numbers[bad]:.15g} for "
            f"{names[rows[first[bad]]]} in {source}, {_likely(numbers[bad])}. Write the times as "
            "ISO 8601, or as seconds that begin near 0"
        )
    seconds[rows] = numbers[which]
    return seconds


def why_no_time(text: str) -> str:
    """Says what text is that `parse_time` does not read, as far as possible."""
    if _YEAR_LAST.fullmatch(text.strip()):
        return "be ISO 8601, 2014-06-30, because day and month of other dates cannot be told apart"
    if re.match(r"\s*\d{1,2}:\d{2}", text):
        return f"be {TIME_FORMS}, with its date"
    return f"be {TIME_FORMS}"


def _seconds_of_compact(digits: str) -> float:
    match = _COMPACT.fullmatch(digits)
    if match is None:
        return math.nan
    year, month, day, *clock = (int(part or 0) for part in match.groups())
    if not _COMPACT_YEARS[0] <= year <= _COMPACT_YEARS[1]:
        return math.nan
    parts = [month if match.group(2) else 1, day if match.group(3) else 1, *clock]
    try:
        return datetime(year, *parts, tzinfo=UTC).timestamp()
    except ValueError:
        return math.nan


def _seconds_of_number(number: float) -> float:
    is_whole = 0 < number < 1e15 and number == int(number)
    return _seconds_of_compact(f"{number:.0f}") if is_whole else math.nan


def _states_a_day(number: float) -> bool:
    return bool(_meaning(number)) or not math.isnan(_seconds_of_number(number))


def _meaning(number: float) -> str:
    """Says which day or time of day a number may mean, or returns `""`."""
    for low, high, what in _DAY_NUMBERS:
        if low <= number < high:
            return what
    return _meaning_of_digits(int(number)) if number == int(number) else ""


def _meaning_of_digits(number: int) -> str:
    """Says what the digits of a number may mean, two or four at a time."""
    if not 10_000 <= number < LONGEST_FROM_ZERO_S:
        return ""
    first, last_four = divmod(number, 10_000)
    if _COMPACT_YEARS[0] <= last_four <= _COMPACT_YEARS[1] and (
        first <= 12 or (first // 100 <= 31 and 1 <= first % 100 <= 31)
    ):
        return "a date whose year is last"
    middle, last = divmod(last_four, 100)
    if not 100_000 <= number < 1_000_000:
        return ""
    if 1 <= middle <= 12 and 1 <= last <= 31:
        return "a date whose year has two digits"
    return "a time without its date" if first < 24 and middle < 60 and last < 60 else ""


def _likely(number: float) -> str:
    """Says what a number that is not seconds most likely is."""
    for least, unit in _FRACTIONS:
        if abs(number) >= least:
            return f"which may be {unit}"
    if meaning := _meaning(number):
        return f"which may be {meaning}"
    if not math.isnan(_seconds_of_number(number)):
        return "a compact date among times of another format"
    return "which is not the time of a photo"
