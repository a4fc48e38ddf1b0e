import numpy as np

from placevec.rendering.town.textures.facades import SIZE, draw_facade


def test_equal_seeds_give_equal_facades_and_other_seeds_others():
    first, again, other = (draw_facade(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.albedo, again.albedo)
    np.testing.assert_array_equal(first.glow, again.glow)
    assert not np.array_equal(first.albedo, other.albedo)


def test_a_facade_lets_light_out_of_its_windows_only():
    facade = draw_facade(np.random.default_rng(3))
    assert facade.albedo.shape == (SIZE, SIZE, 3) and facade.glow.shape == (SIZE, SIZE, 4)
    lit = facade.glow[..., 3] > 0
    assert 0.005 < lit.mean() < 0.5
    assert not facade.glow[~lit].any()


def test_facades_differ_in_size():
    rng = np.random.default_rng(0)
    facades = [draw_facade(rng) for _ in range(24)]
    assert all(6 <= facade.width_m <= 13 for facade in facades)
    assert len({round(facade.height_m) for facade in facades}) > 2


def test_walls_are_of_natural_colors_and_differ():
    rng = np.random.default_rng(0)
    walls = np.array([draw_facade(rng).wall for _ in range(60)], float)
    saturation = 1 - walls.min(axis=1) / walls.max(axis=1)
    assert np.median(saturation) < 0.35 and saturation.max() < 0.7
    red, green, blue = walls[saturation > 0.3].T
    assert (red >= green).all() and (green >= blue - 12).all()  # strong colors are warm
    gaps = np.abs(walls[:, None] - walls[None]).max(axis=-1)
    assert np.median(gaps) > 40
