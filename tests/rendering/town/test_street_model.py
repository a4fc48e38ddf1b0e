import numpy as np
import pytest

from placevec.rendering.scenes.weather import plan_visit
from placevec.rendering.town.street_model import StreetModel


@pytest.fixture(scope="module")
def model(town):
    return StreetModel(town, town.streets[0])


def corners(scene):
    return np.concatenate([surface.positions_m for surface in scene.surfaces])


@pytest.mark.parametrize("name", ["day", "night", "rain", "snow"])
def test_equal_visits_give_equal_scenes(town, model, name):
    first = model.visit(plan_visit(name, (1,), 1))
    again = StreetModel(town, town.streets[0]).visit(plan_visit(name, (1,), 1))
    assert len(first.surfaces) == len(again.surfaces)
    for one, other in zip(first.surfaces, again.surfaces, strict=True):
        np.testing.assert_array_equal(one.positions_m, other.positions_m)
        np.testing.assert_array_equal(one.colors, other.colors)
        np.testing.assert_array_equal(one.texture, other.texture)
    np.testing.assert_array_equal(first.sky, again.sky)


def test_another_visit_finds_other_cars_before_the_same_houses(model):
    one, other = (model.visit(plan_visit("day", (seed,), 1)) for seed in (1, 2))
    houses = [
        [s.positions_m for s in scene.surfaces if s.texture.shape == (256, 256, 3)]
        for scene in (one, other)
    ]
    for first, second in zip(*houses, strict=True):
        np.testing.assert_array_equal(first, second)
    assert len(corners(one)) != len(corners(other))


def test_windows_are_lit_at_night_only(model):
    overlays = {
        name: sum(s.is_overlay for s in model.visit(plan_visit(name, (1,), 1)).surfaces)
        for name in ("day", "dusk", "night")
    }
    assert overlays["day"] == 0 < overlays["dusk"] and overlays["night"] > 0


def test_night_is_darker_than_day(model):
    means = {}
    for name in ("day", "night"):
        scene = model.visit(plan_visit(name, (1,), 1))
        means[name] = np.mean([s.colors.mean() for s in scene.surfaces if not s.is_overlay])
    assert means["night"] < 0.85 * means["day"]


def test_textures_are_such_that_any_pipe_takes_them(model):
    for surface in model.visit(plan_visit("night", (1,), 1)).surfaces:
        rows, cols, channels = surface.texture.shape
        assert rows & (rows - 1) == 0 and cols & (cols - 1) == 0 and channels in (3, 4)
        assert surface.colors.shape == (len(surface.positions_m), 4, 3)
        assert 0 <= surface.colors.min() and surface.colors.max() <= 1


def test_nothing_but_roofs_and_trees_reaches_below_the_ground_or_the_sky(model):
    points = corners(model.visit(plan_visit("day", (1,), 1)))
    assert points[..., 2].min() >= 0 and points[..., 2].max() < 30


def test_snow_covers_what_faces_up_and_nothing_else(model):
    scene = model.visit(plan_visit("snow", (1,), 1))
    snow = [s for s in scene.surfaces if s.texture.shape == (64, 64, 3) and s.texture.min() > 200]
    assert snow
    for surface in scene.surfaces[:-1]:  # the ground comes last
        first, second, _, fourth = np.moveaxis(surface.positions_m.astype(float), 1, 0)
        normals = np.cross(second - first, fourth - first)
        up = normals[:, 2] > 0.5 * np.linalg.norm(normals, axis=1)
        assert up.all() if any(surface is each for each in snow) else not up.any()


def test_trees_and_ground_change_with_season_and_weather(model):
    def cutouts(name, day):
        scene = model.visit(plan_visit(name, (1,), day))
        trees = [s.texture for s in scene.surfaces if s.texture.shape == (256, 128, 4)]
        return trees, scene.surfaces[-1]

    (spring, dry), (autumn, also_dry) = cutouts("day", 10), cutouts("day", 220)
    assert len(spring) == len(autumn) > 1
    assert any((one != other).any() for one, other in zip(spring, autumn, strict=True))
    assert dry.texture is also_dry.texture and (dry.light_map != also_dry.light_map).any()
    grounds = [cutouts(name, 10)[1].texture for name in ("overcast", "rain", "snow")]
    assert grounds[0] is dry.texture and grounds[1].mean() < grounds[0].mean() < grounds[2].mean()
    assert cutouts("rain", 11)[1].texture is grounds[1]
