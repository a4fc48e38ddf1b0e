"""Reads from the EXIF when a photo was taken."""

import math
import re
from datetime import UTC, datetime
from typing import NamedTuple

from PIL import ExifTags

from placevec.images.metadata.exif_values import number, text, three

_DATE = re.compile(r"(\d{4})[:-](\d{2})[:-](\d{2})")
_DATE_TIME = re.compile(_DATE.pattern + r"[ T](\d{2}):(\d{2}):(\d{2})")
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})|Z")
_OFFSET_TAGS = (
    ExifTags.Base.OffsetTimeOriginal,
    ExifTags.Base.OffsetTimeDigitized,
    ExifTags.Base.OffsetTime,
)
_LARGEST_OFFSET_S = 14 * 3600.0
_OFFSET_STEP_S = 900.0  # All offsets on the Earth are multiples of it.
_CLOCK_ERROR_S = 60.0  # Largest clock error for which the satellites' time shows the offset.


class ExifTime(NamedTuple):
    """The time when a photo was taken.

    Args:
        time_s: float. Seconds since 1970, UTC; NaN if unknown.
        offset_s: float. How far the camera's clock is ahead of UTC, in seconds; NaN if unknown.
        without_offset: bool. Whether `time_s` is a local time that was taken as UTC.
    """

    time_s: float
    offset_s: float
    without_offset: bool


def read_time(camera: dict, gps: dict) -> ExifTime:
    """Returns the time of the satellites, or else that of the camera.

    The camera's time is used if it gives fractions of the same second as the satellites. If no
    offset is given, it follows from the two clocks, if they differ by whole quarters of an hour.

    Args:
        camera: dict. The camera's EXIF tags.
        gps: dict. The GPS tags.
    """
    satellites_s = _satellites_time(gps)
    local_s = _seconds(_DATE_TIME.match(text(camera.get(ExifTags.Base.DateTimeOriginal))))
    fraction_s = _fraction(camera)
    offset_s = _stated_offset(camera)
    if math.isnan(offset_s):
        offset_s = _offset_between(local_s, satellites_s)
    taken_s = local_s + fraction_s - offset_s
    if not math.isnan(satellites_s):
        is_finer = fraction_s > 0 and abs(taken_s - satellites_s) < 1
        return ExifTime(taken_s if is_finer else satellites_s, offset_s, False)
    if math.isnan(offset_s) and not math.isnan(local_s):
        return ExifTime(local_s + fraction_s, math.nan, True)
    return ExifTime(taken_s, offset_s, False)


def _satellites_time(gps: dict) -> float:
    day = _DATE.fullmatch(text(gps.get(ExifTags.GPS.GPSDateStamp)))
    clock = [number(part) for part in three(gps.get(ExifTags.GPS.GPSTimeStamp))]
    seconds = sum(part * unit for part, unit in zip(clock, (3600, 60, 1), strict=True))
    return _seconds(day) + seconds if 0 <= seconds <= 86_400 else math.nan


def _seconds(match: re.Match | None) -> float:
    if match is None:
        return math.nan
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC).timestamp()
    except ValueError:  # such as 0000:00:00, from a camera whose clock was never set
        return math.nan


def _fraction(camera: dict) -> float:
    digits = text(camera.get(ExifTags.Base.SubsecTimeOriginal)).strip()
    return float(f"0.{digits}") if re.fullmatch(r"[0-9]{1,9}", digits) else 0.0


def _stated_offset(camera: dict) -> float:
    for tag in _OFFSET_TAGS:
        match = _OFFSET.fullmatch(text(camera.get(tag)))
        if match:
            sign, hours, minutes = match.groups()
            offset_s = int(hours or 0) * 3600.0 + int(minutes or 0) * 60.0
            if offset_s <= _LARGEST_OFFSET_S:
                return -offset_s if sign == "-" else offset_s
    return math.nan


def _offset_between(local_s: float, satellites_s: float) -> float:
    ahead_s = local_s - satellites_s
    if not abs(ahead_s) <= _LARGEST_OFFSET_S + _CLOCK_ERROR_S:
        return math.nan
    offset_s = round(ahead_s / _OFFSET_STEP_S) * _OFFSET_STEP_S
    return offset_s if abs(ahead_s - offset_s) <= _CLOCK_ERROR_S else math.nan
