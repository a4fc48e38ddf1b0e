import numpy as np
import pytest

from placevec.rendering.scenes.sky import draw_sky, draw_snow
from placevec.rendering.scenes.weather import WEATHERS

DRAWN = {
    "snow": lambda rng: draw_snow(rng, (64, 32)),
    "sky": lambda rng: draw_sky(rng, WEATHERS["day"], np.random.default_rng(0), (32, 128)),
}


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_equal_seeds_give_equal_pictures_and_other_seeds_others(name):
    first, again, other = (DRAWN[name](np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.dtype == np.uint8 and first.ndim == 3
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


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
