from dataclasses import replace

import numpy as np
import pytest

from placevec.rendering.drawing.develop import develop
from placevec.rendering.scenes.weather import Weather

PLAIN = Weather("it", 12.0, noise=0.0, gamma=1.0, bloom=0.0)
GRAY = np.full((48, 64, 3), 100, np.uint8)


def rng():
    return np.random.default_rng(0)


def test_keeps_a_plain_photo_but_for_exposure_and_darker_corners():
    photo = develop(GRAY, PLAIN, rng())
    assert photo.shape == GRAY.shape and photo.dtype == np.uint8
    assert 91 <= photo[24, 32].min() and photo[24, 32].max() <= 108
    assert photo[0, 0].mean() == pytest.approx(0.8 * photo[24, 32].mean(), abs=2)


def test_gamma_darkens_the_shadows():
    dark = develop(GRAY, replace(PLAIN, gamma=1.5), rng())[24, 32].mean()
    expected = develop(GRAY, PLAIN, rng())[24, 32].mean() * (100 / 255) ** 0.5
    assert dark == pytest.approx(expected, abs=2)


def test_noise_has_the_deviation_asked_for():
    photo = develop(GRAY, replace(PLAIN, noise=5.0), rng()).astype(float)
    clean = develop(GRAY, PLAIN, rng()).astype(float)
    assert (photo - clean).std() == pytest.approx(5.0, rel=0.15)
    assert abs((photo - clean).mean()) < 0.6


def test_bloom_shines_into_the_dark():
    photo = np.zeros((48, 64, 3), np.uint8)
    photo[20:28, 28:36] = 255
    shining = develop(photo, replace(PLAIN, bloom=0.8), rng())
    assert shining[24, 40].min() > 2 and develop(photo, PLAIN, rng())[24, 40].max() == 0


def test_equal_seeds_give_equal_photos():
    weather = replace(PLAIN, noise=3.0)
    np.testing.assert_array_equal(develop(GRAY, weather, rng()), develop(GRAY, weather, rng()))


def test_develops_photos_larger_than_the_grain():
    assert develop(np.zeros((600, 520, 3), np.uint8), PLAIN, rng()).shape == (600, 520, 3)
