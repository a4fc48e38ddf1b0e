import numpy as np
import pytest

from placevec.rendering.town.textures.trees import LOOKS, draw_hedge, draw_tree


@pytest.fixture(scope="module")
def trees():
    return [draw_tree(np.random.default_rng(seed)) for seed in range(12)]


def is_fir(tree):
    return np.array_equal(tree["summer"], tree["winter"])


def test_equal_seeds_give_equal_trees_and_other_seeds_others(trees):
    again = draw_tree(np.random.default_rng(1))
    for look in LOOKS:
        np.testing.assert_array_equal(trees[1][look], again[look])
        assert not np.array_equal(trees[1][look], trees[2][look])


def test_trees_stand_on_the_ground_and_are_transparent_around(trees):
    for tree in trees:
        assert set(tree) == set(LOOKS)
        for picture in tree.values():
            alpha = picture[..., 3]
            assert picture.shape == (256, 128, 4) and set(np.unique(alpha)) == {0, 255}
            assert alpha[:, 0].max() == alpha[:, -1].max() == alpha[0].max() == 0
            assert alpha[-1].max() == 255


def test_some_trees_are_firs_and_the_others_shed_their_leaves(trees):
    assert 0 < sum(is_fir(tree) for tree in trees) < 6
    for tree in trees:
        if not is_fir(tree):
            shares = {look: (tree[look][..., 3] > 0).mean() for look in LOOKS}
            assert shares["winter"] < shares["autumn"] < shares["summer"]


def test_leaves_are_green_in_summer_and_red_or_yellow_in_autumn(trees):
    for tree in trees:
        if not is_fir(tree):
            summer, autumn = (tree[look][40:140, 30:98] for look in ("summer", "autumn"))
            red, green, _ = summer[summer[..., 3] > 0][:, :3].mean(axis=0)
            assert green > red
            red, green, _ = autumn[autumn[..., 3] > 0][:, :3].mean(axis=0)
            assert red > green


def test_snow_whitens_bare_branches_and_firs(trees):
    for tree in trees:
        winter, snow = (tree[look][tree[look][..., 3] > 0][:, :3] for look in ("winter", "snow"))
        assert (snow.min(axis=1) > 200).mean() > 0.1 > (winter.min(axis=1) > 200).mean()


def test_hedges_keep_their_leaves_and_change_their_color():
    hedge = draw_hedge(np.random.default_rng(0))
    means = np.array([hedge[look].mean(axis=(0, 1)) for look in LOOKS])
    gaps = np.abs(means[:, None] - means[None]).max(axis=-1)
    assert gaps[~np.eye(len(LOOKS), dtype=bool)].min() > 10
    assert np.ptp(hedge["summer"].mean(axis=2)) > 40
