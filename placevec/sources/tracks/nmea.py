"""NMEA 0183: the sentences that GPS receivers write."""

import logging
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from placevec.counted import counted
from placevec.input_file import open_text, shown
from placevec.sources.tracks.fixes import Piece

_log = logging.getLogger(__name__)

_LARGEST_FILE = 2_000_000_000  # bytes
_LONGEST_LINE = 1000  # characters
_SENTENCE = re.compile(r"\$([A-Z]{2}(RMC|GGA|GNS),[^*$]*)(?:\*([0-9A-Fa-f]{2}))?\s*$")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(\.\d{1,9})?")
_DATE = re.compile(r"(\d\d)(\d\d)(\d\d)")
_ANGLE = re.compile(r"(\d{1,3})([0-5]\d(?:\.\d{1,12})?)")
_DAY_S = 86_400.0
_HALF_DAY_S = _DAY_S / 2
_FIRST_YEAR = 80  # as two digits: 1980, when GPS time begins


class _Fix(NamedTuple):
    clock_s: float  # since midnight
    day_s: float  # midnight, since 1970; NaN if the sentence does not say
    lat_deg: float
    lon_deg: float
    altitude_m: float


def read_nmea(path: Path) -> list[Piece]:
    """Reads the fixes in the sentences RMC, GGA and GNS of any talker.

    RMC has the date, GGA and GNS have the altitude; sentences of one time make one fix. A GGA
    without an RMC of the same time gets the day of the sentences around it, or the next day after
    midnight. Sentences with a wrong checksum or without a fix are left out and counted in the log.
    Anything before the `$` is ignored.

    Args:
        path: Path. The file.

    Returns:
        One Piece, in the order of the file.

    Raises:
        ValueError: If there is no fix, or no sentence has a date.
        OSError: If it cannot be opened.
    """
    left_out: Counter[str] = Counter()
    fixes = list(_fixes(path, left_out))
    for what, count in left_out.items():
        _log.warning(
            "%s %s in %s: left out",
            counted(count, "sentence"),
            what,
            shown(path),
        )
    if not fixes:
        told = "; ".join(f"{count} {what}" for what, count in left_out.items())
        raise ValueError(
            f"{shown(path)} must hold NMEA sentences with fixes (RMC, GGA, GNS). Received: "
            f"{told or 'none'}"
        )
    if all(math.isnan(fix.day_s) for fix in fixes):
        raise ValueError(
            f"{shown(path)} must hold RMC sentences, which have the date. Received: times of day "
            "only (GGA, GNS). Record RMC too"
        )
    return [_merge(fixes)]


def _fixes(path: Path, left_out: Counter[str]) -> Iterator[_Fix]:
    with open_text(path, max_bytes=_LARGEST_FILE, errors="replace") as file:
        while line := file.readline(_LONGEST_LINE):
            match = _SENTENCE.search(line)
            if match is None:
                continue
            body, kind, checksum = match.groups()
            if checksum is not None and _checksum(body) != int(checksum, 16):
                left_out["with a wrong checksum"] += 1
                continue
            fields = body.split(",")
            fix = _fix_of_rmc(fields) if kind == "RMC" else _fix_of_gga(fields)
            if fix is None:
                left_out["without a fix"] += 1
            else:
                yield fix


def _fix_of_rmc(fields: list[str]) -> _Fix | None:
    if len(fields) < 10 or fields[2] != "A":
        return None
    date = _DATE.fullmatch(fields[9])
    day_s = math.nan
    if date:
        day, month, year = map(int, date.groups())
        year += 1900 if year >= _FIRST_YEAR else 2000
        try:
            day_s = datetime(year, month, day, tzinfo=UTC).timestamp()
        except ValueError:
            return None
    return _checked(_Fix(_clock_s(fields[1]), day_s, *_degrees(fields[3:7]), math.nan))


def _fix_of_gga(fields: list[str]) -> _Fix | None:
    if len(fields) < 10 or fields[6] in ("", "0") or not fields[6].strip("N"):
        return None
    try:
        altitude_m = float(fields[9])
    except ValueError:
        altitude_m = math.nan
    if not math.isfinite(altitude_m):
        altitude_m = math.nan
    return _checked(_Fix(_clock_s(fields[1]), math.nan, *_degrees(fields[2:6]), altitude_m))


def _checked(fix: _Fix) -> _Fix | None:
    return None if any(map(math.isnan, (fix.clock_s, fix.lat_deg, fix.lon_deg))) else fix


def _checksum(body: str) -> int:
    total = 0
    for each in body:
        total ^= ord(each)
    return total


def _clock_s(text: str) -> float:
    match = _TIME.fullmatch(text)
    if match is None:
        return math.nan
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(fraction or 0)


def _degrees(fields: list[str]) -> tuple[float, float]:
    """Returns latitude and longitude of `ddmm.mm,N,dddmm.mm,E`, or NaN if they are not valid."""
    found = []
    for text, letter, letters, highest in zip(
        fields[::2], fields[1::2], ("NS", "EW"), (90, 180), strict=True
    ):
        match = _ANGLE.fullmatch(text)
        degrees = int(match[1]) + float(match[2]) / 60 if match else math.nan
        if len(letter) != 1 or letter not in letters or not degrees <= highest:
            degrees = math.nan
        found.append(-degrees if letter == letters[1] else degrees)
    return found[0], found[1]


def _merge(fixes: list[_Fix]) -> Piece:
    """Makes one fix from the sentences of each time, with the position of the first."""
    first = next(fix for fix in fixes if not math.isnan(fix.day_s))
    day_s, last_s = first.day_s, first.clock_s
    if fixes[0].clock_s > first.clock_s + _HALF_DAY_S:
        day_s -= _DAY_S  # fixes before the first date are from the evening before
    last_s = fixes[0].clock_s
    rows: list[list[float]] = []
    for fix in fixes:
        if not math.isnan(fix.day_s):
            day_s = fix.day_s
        elif fix.clock_s < last_s - _HALF_DAY_S:
            day_s += _DAY_S
        last_s = fix.clock_s
        time_s = day_s + fix.clock_s
        if rows and rows[-1][0] == time_s:
            if math.isnan(rows[-1][3]):
                rows[-1][3] = fix.altitude_m
        else:
            rows.append([time_s, fix.lat_deg, fix.lon_deg, fix.altitude_m])
    numbers = np.array(rows)
    return Piece(numbers[:, 0], numbers[:, 1:3], numbers[:, 3])
