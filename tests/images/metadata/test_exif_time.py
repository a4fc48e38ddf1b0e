import math

import pytest
from PIL import ExifTags

from placevec.images.metadata.exif_time import read_time

TAGS = ExifTags.Base
LOCAL = {TAGS.DateTimeOriginal: "2024:05:06 14:30:15"}
STAMP = {ExifTags.GPS.GPSDateStamp: "2024:05:06", ExifTags.GPS.GPSTimeStamp: (12.0, 30.0, 15.0)}
NOON = 1714998615.0  # 12:30:15 UTC


def test_the_satellites_go_before_the_camera_and_tell_its_offset():
    assert read_time(LOCAL, STAMP) == (NOON, 7200, False)
    assert read_time({}, STAMP)[::2] == (NOON, False)


@pytest.mark.parametrize(
    ("tag", "offset", "ahead_s"),
    [
        (TAGS.OffsetTimeOriginal, "+02:00", 7200),
        (TAGS.OffsetTimeDigitized, "+2:00", 7200),
        (TAGS.OffsetTime, "+0200", 7200),
        (TAGS.OffsetTime, "Z", 0),
        (TAGS.OffsetTimeOriginal, "-05:30", -19800),
    ],
)
def test_an_offset_counts_from_utc(tag, offset, ahead_s):
    assert read_time(LOCAL | {tag: offset}, {}) == (NOON + 7200 - ahead_s, ahead_s, False)


@pytest.mark.parametrize("offset", ["", "   :  ", "+99:00", "02:00", None, 2])
def test_a_time_without_an_offset_is_taken_for_utc(offset):
    time_s, offset_s, without_offset = read_time(LOCAL | {TAGS.OffsetTimeOriginal: offset}, {})
    assert (time_s, without_offset) == (NOON + 7200, True)
    assert math.isnan(offset_s)


def test_what_was_never_set_is_unknown():
    for text in ("0000:00:00 00:00:00", "    :  :     :  :  ", "2024:13:06 00:00:00", ""):
        time_s, _, without_offset = read_time({TAGS.DateTimeOriginal: text}, {})
        assert math.isnan(time_s) and not without_offset
