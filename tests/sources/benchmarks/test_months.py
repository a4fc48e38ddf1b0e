from pathlib import Path

import numpy as np
import pytest

from placevec.sources.benchmarks.months import seconds_of_months


def test_a_month_begins_with_its_first_second():
    seconds = seconds_of_months(np.array([1970, 2000, 1969]), np.array([1, 3, 12]), Path("t.csv"))
    # 30 years of 365 days, 7 leap days up to 1999, then January and February of a leap year.
    assert seconds.tolist() == [0.0, (30 * 365 + 7 + 31 + 29) * 86400.0, -31 * 86400.0]


def test_refuses_a_year_that_is_no_year_of_photos(refuses):
    for year in (20, 201406):  # of 2012 and 20140612, taken for years and months
        with refuses(ValueError, f"Received: year {year}, month 12"):
            seconds_of_months(np.array([year]), np.array([12]), Path("t.csv"))


@pytest.mark.parametrize("month", [0, 13])
def test_refuses_a_thirteenth_month(month, refuses):
    with refuses(ValueError, rf"t.csv .*Received: year 2009, month {month}"):
        seconds_of_months(np.array([2009]), np.array([month]), Path("t.csv"))
