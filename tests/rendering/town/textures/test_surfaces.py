import numpy as np
import pytest

from placevec.rendering.town.textures.surfaces import (
    draw_awning,
    draw_person,
    draw_roof,
    draw_wall,
    draw_words,
    rgb_from_hsv,
)

GRAY = np.array([128, 128, 128])
DRAWN = {
    "wall": lambda rng: draw_wall(rng, "brick", GRAY, (64, 32)),
    "roof": lambda rng: draw_roof(rng, (64, 32)),
    "words": lambda rng: draw_words(rng, GRAY.astype(np.uint8), (32, 128)),
    "awning": lambda rng: draw_awning(rng, (32, 128)),
    "person": lambda rng: draw_person(rng, (64, 32)),
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


@pytest.mark.parametrize("has_umbrella", [False, True])
def test_people_are_transparent_around_them(has_umbrella):
    for seed in range(5):
        person = draw_person(np.random.default_rng(seed), has_umbrella=has_umbrella)
        alpha = person[..., 3]
        assert set(np.unique(alpha)) == {0, 255}
        assert alpha[:, 0].max() == 0 and alpha[-1].max() == 255  # they stand on the ground
