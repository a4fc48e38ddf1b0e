from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from placevec.sources.values.times import parse_time, settle_times

NOON = datetime(2014, 6, 30, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "2014-06-30T12:00:00Z", "2014-06-30 12:00:00", "2014-06-30T14:00:00+02:00",
        "2014-06-30 14:00:00 +0200", "20140630T120000Z", "20140630_120000", "20140630_1200",
        "20140630120000", "201406301200", "2014063012", "2014:06:30 12:00:00",
        "2014/06/30 12:00:00", "2014.06.30 12:00", "2014-06-30 12:00:00 UTC",
        "2014-06-30T12:00:00.000000000Z",
    ],
)  # fmt: skip
def test_reads_every_spelling_whose_year_is_first(text):
    assert parse_time(text) == NOON


@pytest.mark.parametrize(
    ("text", "date"),
    [("2014", (2014, 1, 1)), ("201406", (2014, 6, 1)), ("2014-06", (2014, 6, 1)),
     ("2014/06", (2014, 6, 1)), ("20140630", (2014, 6, 30)), ("19081231", (1908, 12, 31))],
)  # fmt: skip
def test_a_day_a_month_and_a_year_begin_with_their_first_second(text, date):
    assert parse_time(text) == datetime(*date, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    ["", "noon", "30.06.2014", "06/30/2014", "12:00:00", "20141399", "201413", "2014-13-01",
     "0001-01-01", "9999-12-31", "0000-00-00", "1404129600", "41820"],
)  # fmt: skip
def test_reads_nothing_else(text):
    assert np.isnan(parse_time(text))


def settled(*numbers, dates=()):
    times = np.array([*((number, 1) for number in numbers), *((date, 0) for date in dates)], float)
    names = np.array([f"{i}.jpg" for i in range(len(times))])
    return settle_times(times, names, Path("t.csv")).tolist()


def test_compact_dates_are_never_seconds():
    january = datetime(2014, 1, 1, tzinfo=UTC).timestamp()
    assert settled(20140630, 2014) == [NOON - 43200, january]
    assert settled(20140630120000) == [NOON]
    assert settled(2014063012) == [NOON]
    assert settled(20140630, np.nan, dates=[5.0])[::2] == [NOON - 43200, 5.0]


def test_seconds_count_from_1970_or_from_a_zero_of_their_own():
    assert settled(NOON, NOON + 0.25, dates=[3.0]) == [NOON, NOON + 0.25, 3.0]
    assert settled(0, 0.5, 2014) == [0, 0.5, 2014]
    assert settled(86_400.5, 90_000) == [86_400.5, 90_000]


@pytest.mark.parametrize(
    ("numbers", "likely"),
    [
        ([41820, 41821.5], "a day number of a spreadsheet"),
        ([NOON * 1e3], "milliseconds"), ([NOON * 1e6], "microseconds"), ([NOON * 1e9], "nanosec"),
        ([2014.5, 2015.25], "a year"), ([735780.5], "MATLAB"), ([2456839.0], "Julian"),
        ([2014181, 2014182], "day of the year"), ([2014, 41820], "a year"),
        ([2014, NOON], "a year"), ([20140630, 20141399], "compact date"), ([6e9], "not the time"),
        ([5, 2e7], "not the time"), ([140630], "two digits"), ([300614, 300615], "two digits"),
        ([120000, 235959], "without its date"), ([6302014], "year is last"),
        ([122014], "year is last"),
    ],
    ids=str,
)  # fmt: skip
def test_refuses_numbers_of_other_spellings_and_names_them(refuses, numbers, likely):
    with refuses(ValueError, "seconds since 1970.*jpg in t.csv.*ISO 8601"):
        settled(*numbers)
    with refuses(ValueError, likely):
        settled(*numbers)


def test_refuses_seconds_from_zero_beside_dates(refuses):
    with refuses(ValueError, "`time` must be ISO 8601.*Received: 0.5 for 0.jpg"):
        settled(0.5, dates=[NOON])
