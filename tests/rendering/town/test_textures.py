import numpy as np
import pytest

from placevec.rendering.town.textures import (
    draw_awning,
    draw_noise,
    draw_person,
    draw_roof,
    draw_sky,
    draw_snow,
    draw_wall,
    draw_words,
    rgb_from_hsv,
)
from placevec.rendering.weather import WEATHERS

GRAY = np.array([128, 128, 128])
DRAWN = {
    "wall": lambda rng: draw_wall(rng, "brick", GRAY, (64, 32)),
    "roof": lambda rng: draw_roof(rng, (64, 32)),
    "words": lambda rng: draw_words(rng, GRAY.astype(np.uint8), (32, 128)),
    "awning": lambda rng: draw_awning(rng, (32, 128)),
    "snow": lambda rng: draw_snow(rng, (64, 32)),
    "person": lambda rng: draw_person(rng, (64, 32)),
    "sky": lambda rng: draw_sky(rng, WEATHERS["day"], np.random.default_rng(0), (32, 128)),
}


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_equal_seeds_give_equal_pictures_and_other_seeds_others(name):
    first, again, other = (DRAWN[name](np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.uint8 and first.ndim == 3
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("hsv", "rgb"),
    [((0, 1, 1), (255, 0, 0)), ((1 / 3, 1, 1), (0, 255, 0)), ((0.2, 0, 0.5), (128, 128, 128))],
)
def test_colors_are_rgb(hsv, rgb):
    np.testing.assert_array_equal(rgb_from_hsv(*hsv), rgb)


@pytest.mark.parametrize("style", ["plaster", "brick", "stone", "boards", "panels"])
def test_walls_keep_their_mean_color(style):
    wall = draw_wall(np.random.default_rng(0), style, np.array([200, 120, 60]), (256, 256))
    np.testing.assert_allclose(wall.mean(axis=(0, 1)), [200, 120, 60], rtol=0.15)


def test_noise_has_mean_0_and_deviation_about_1():
    noise = draw_noise(np.random.default_rng(0), (256, 256), 4)
    assert abs(noise.mean()) < 0.1 and 0.5 < noise.std() < 1.2


@pytest.mark.parametrize("has_umbrella", [False, True])
def test_people_are_transparent_around_them(has_umbrella):
    for seed in range(5):
        person = draw_person(np.random.default_rng(seed), has_umbrella=has_umbrella)
        alpha = person[..., 3]
        assert set(np.unique(alpha)) == {0, 255}
        assert alpha[:, 0].max() == 0 and alpha[-1].max() == 255  # they stand on the ground


def test_the_sky_is_brighter_by_day_and_paler_at_the_horizon():
    skies = {
        name: draw_sky(np.random.default_rng(0), WEATHERS[name], np.random.default_rng(0))
        for name in ("day", "night")
    }
    assert skies["day"].mean() > skies["night"].mean() + 80
    assert skies["day"][-20].mean() > skies["day"][0].mean() + 20


def test_only_a_skyline_stands_on_the_horizon():
    skies = [
        draw_sky(np.random.default_rng(0), WEATHERS["overcast"], skyline)
        for skyline in (None, np.random.default_rng(0), np.random.default_rng(1))
    ]
    np.testing.assert_array_equal(skies[0][:-13], skies[1][:-13])
    assert skies[1][-1].mean() < skies[0][-1].mean() - 10
    assert skies[0][-1].min() > skies[1][-1].max()  # clouds alone
    assert (skies[1] != skies[2]).any()


def test_snow_is_nearly_white():
    snow = draw_snow(np.random.default_rng(0))
    assert snow.min() > 200 and 1 < snow.std() < 15
