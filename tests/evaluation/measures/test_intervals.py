import math

import numpy as np
import pytest

from placevec.evaluation.measures.intervals import compare_shares, lower_bound, wilson


def test_the_interval_holds_the_share():
    rng = np.random.default_rng(0)
    found = rng.random((200, 2)) < [0.7, 0.5]
    comparison = compare_shares(found, np.arange(200))
    for model, interval in enumerate(comparison.intervals):
        assert interval.share == found[:, model].mean()
        assert interval.low < interval.share < interval.high
        spread = math.sqrt(interval.share * (1 - interval.share) / 200)
        assert interval.high - interval.low == pytest.approx(2 * 1.96 * spread, rel=0.1)


def test_places_are_resampled_and_not_photos():
    """A hundred photos of each of six places say as much as six photos."""
    place_found = np.array([True, True, True, True, False, False])
    wide = compare_shares(np.repeat(place_found, 100)[:, None], np.repeat(np.arange(6), 100))
    narrow = compare_shares(np.repeat(place_found, 100)[:, None], np.arange(600))
    width = [each.intervals[0].high - each.intervals[0].low for each in (wide, narrow)]
    assert width[0] > 5 * width[1]


def test_models_are_compared_on_the_same_resamples():
    """A model that finds all that another finds and one more is never worse."""
    found = np.zeros((50, 2), bool)
    found[:25] = True
    found[25, 0] = True
    comparison = compare_shares(found, np.arange(50))
    assert (comparison.resampled[:, 0] >= comparison.resampled[:, 1]).all()
    assert comparison.better(0, 1) > 0.7
    assert comparison.better(0, 1) + comparison.better(1, 0) == pytest.approx(1)


def test_a_share_of_one_has_the_interval_of_wilson():
    interval = compare_shares(np.ones((20, 1), bool), np.arange(20)).intervals[0]
    assert interval == wilson(1.0, 20)
    assert 0.8 < interval.low < 0.9 and interval.high == 1


def test_wilson_equals_its_formula_by_hand():
    z, share, count = 1.959963984540054, 0.3, 40
    center = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * 0.7 / count + z * z / (4 * count**2)) / (1 + z * z / count)
    interval = wilson(share, count)
    assert (interval.low, interval.high) == pytest.approx((center - half, center + half))


@pytest.mark.parametrize("count, precision", [(59, 0.95), (299, 0.99)])
def test_matches_without_an_error_carry_what_their_number_says(count, precision):
    assert lower_bound(count, count) == pytest.approx(0.05 ** (1 / count))
    assert lower_bound(count, count) >= precision > lower_bound(count - 1, count - 1)


def test_nothing_right_carries_nothing():
    assert lower_bound([0, 0], [0, 5]).tolist() == [0, 0]


def test_refuses_no_query_and_other_lengths():
    with pytest.raises(ValueError, match="at least one query"):
        compare_shares(np.zeros((0, 1)), [])
    with pytest.raises(ValueError, match="one row for each"):
        compare_shares(np.zeros((3, 1)), [0, 1])
