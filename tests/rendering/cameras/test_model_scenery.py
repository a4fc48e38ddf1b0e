from types import SimpleNamespace

import numpy as np

from placevec.rendering import PhotoStream
from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.scenes.weather import plan_visit

VISIT = plan_visit("day", (1,), 0)


def test_a_model_is_streamed_like_the_town(line_model):
    with PhotoStream(line_model(seed=3), (24, 32)) as stream:
        photos, labels = stream.draw_groups(16)
        _, path = stream.draw_path(3, start=99)
    gaps = np.abs(labels[:, 0] - labels[0, 0])
    assert photos.shape == (16, 24, 32, 3)
    assert (gaps[1:6] <= 10).all() and (gaps[6:] > 25).all()
    assert path[:, 0].tolist() == [99, 0, 1]


def test_cameras_are_sought_once_and_only_when_they_are_asked_for():
    asked = []
    world = SimpleNamespace(name="line", scene=lambda visit: "as it is")
    model = ModelScenery(world, lambda each: asked.append(each) or asked)
    assert model.scene("line", VISIT) == "as it is" and not asked
    assert model.viewpoints is model.viewpoints and asked == [world]


def test_textures_change_with_the_visit_if_that_is_asked_for():
    restyled = SimpleNamespace(scene=lambda visit: "restyled")
    world = SimpleNamespace(
        name="line", scene=lambda visit: "as it is", restyled={VISIT.seed: restyled}.get
    )
    for changes, expected in ((False, "as it is"), (True, "restyled")):
        model = ModelScenery(world, list, randomize_textures=changes)
        assert model.scene("line", VISIT) == expected
