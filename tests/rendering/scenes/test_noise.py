import numpy as np

from placevec.rendering.scenes.noise import draw_noise


def test_noise_has_mean_0_and_deviation_about_1():
    noise = draw_noise(np.random.default_rng(0), (256, 256), 4)
    assert abs(noise.mean()) < 0.1 and 0.5 < noise.std() < 1.2


def test_equal_seeds_give_equal_noise_and_other_seeds_other():
    first, again, other = (
        draw_noise(np.random.default_rng(seed), (16, 24), 3) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape == (16, 24) and not np.array_equal(first, other)
