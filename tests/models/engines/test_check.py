import numpy as np
import pytest

from placevec.models.engines.check import check_photos, compare, cpu_name

pytestmark = pytest.mark.one_backend


def unit_means(photos):
    means = np.asarray(photos, np.float32).mean(axis=(1, 2))
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def test_equal_ways_differ_by_nothing():
    found = compare(unit_means, unit_means, check_photos((32, 48), 3))
    assert found["largest_difference"] == 0
    assert found["least_cosine"] == pytest.approx(1, abs=1e-6)


def test_finds_the_photo_that_is_off_most():
    """One number of the last photo is off by a half."""
    last = check_photos((32, 48), 3)[-1]

    def off(photos):
        found = unit_means(photos)
        found[(photos == last).all(axis=(1, 2, 3)), 0] += 0.5
        return found

    found = compare(off, unit_means, check_photos((32, 48), 3))
    assert found["largest_difference"] == pytest.approx(0.5, abs=1e-6)
    right, wrong = unit_means(last[None])[0], off(last[None])[0]
    assert found["least_cosine"] == pytest.approx(right @ wrong / np.linalg.norm(wrong), abs=1e-6)


@pytest.mark.parametrize(
    "broken", [lambda p: unit_means(p) * np.nan, lambda p: unit_means(p)[:, :2]]
)
def test_what_is_no_descriptor_is_infinitely_off(broken):
    found = compare(broken, unit_means, check_photos((32, 48), 3))
    assert found["largest_difference"] == float(np.finfo(np.float32).max)


@pytest.mark.parametrize("channels", [1, 3])
def test_photos_are_the_same_ones_each_time_and_use_the_range(channels):
    photos = check_photos((33, 47), channels)
    assert photos.shape == (8, 33, 47, channels)
    assert photos.dtype == np.uint8
    np.testing.assert_array_equal(photos, check_photos((33, 47), channels))
    assert photos.std() > 20
    assert np.abs(photos[0].astype(int) - photos[1]).mean() > 10


def test_names_the_processor():
    assert cpu_name()


def test_local_features_are_compared_too():
    photos = check_photos((16, 24), 3)[:2]
    unit = np.ones((1, 4), np.float32) / 2
    cells = np.ones((1, 2, 3, 1), np.float32)
    found = compare(lambda _: (unit, cells + 0.25), lambda _: (unit, cells), photos)
    assert found == {"largest_difference": 0.25, "least_cosine": 1.0}
    found = compare(lambda _: unit, lambda _: (unit, cells), photos)
    assert found["least_cosine"] == -1.0
