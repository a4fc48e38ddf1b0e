import importlib.util
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def panda_render():
    path = Path(__file__).resolve().parents[2] / "PandaRender.py"
    spec = importlib.util.spec_from_file_location("PandaRender", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["TrainRenderer", "TestRenderer", "NetVLADRenderer"])
def test_step_returns_the_old_shapes(panda_render, name):
    with getattr(panda_render, name)() as renderer:
        im_batch, label_batch = renderer.step(3)
    assert im_batch.shape == (3, 240, 320, 3) and im_batch.dtype == np.float32
    assert 20 < im_batch.mean() < 230 and im_batch.max() <= 255
    assert label_batch.shape == (3, 4)


def test_the_old_samplers_return_x_y_z_yaw_roll_pitch(panda_render):
    with panda_render.NetVLADRenderer() as renderer:
        x, y, z, yaw, roll, pitch = renderer.mc_default()
        near, far = renderer.mc_near(x, y, z), renderer.mc_far(x, y, z)
    assert np.hypot(near[0] - x, near[1] - y) <= 10 < 25 < np.hypot(far[0] - x, far[1] - y)
    assert 1 < z < 3 and 0 <= yaw < 360 and abs(roll) < 5 and abs(pitch) < 10


def test_a_path_goes_on_from_step_to_step(panda_render):
    with panda_render.TestRenderer() as renderer:
        first, second = renderer.step(2)[1], renderer.step(2)[1]
    steps = np.diff(np.concatenate([first, second])[:, :2], axis=0)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 1.0, atol=0.01)


def test_a_step_without_a_number_is_one_photo(panda_render):
    with panda_render.TestRenderer() as renderer:
        im, label = renderer.step()
        after = renderer.step(1)[1][0]
    assert im.shape == (240, 320, 3) and label.shape == (4,)
    assert np.hypot(*(after - label)[:2]) == pytest.approx(1.0, abs=0.01)


def test_a_closed_renderer_can_draw_again(panda_render):
    renderer = panda_render.TrainRenderer(queue_warning=False)
    renderer.step(1)
    renderer.destroy()
    assert renderer.step(1)[0].shape == (1, 240, 320, 3)
    renderer.destroy()
