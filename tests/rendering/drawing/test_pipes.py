import numpy as np
import pytest
from panda3d import core

from placevec.rendering.drawing.pipes import Canvas, choose_pipe


def test_an_empty_picture_has_the_color_of_the_air():
    canvas = Canvas("software", (6, 10))
    root = core.NodePath("root")
    camera = root.attach_new_node(core.Camera("camera", core.PerspectiveLens()))
    pixels = canvas.draw(camera, (1.0, 0.0, 0.0)).copy()
    canvas.close()
    assert pixels.shape == (6, 10, 4) and pixels.dtype == np.uint8
    assert (pixels[..., :3] == [0, 0, 255]).all()  # blue, green, red


def test_a_pipe_that_is_asked_for_is_taken():
    assert choose_pipe("software") == "software" and choose_pipe("opengl") == "opengl"
    assert choose_pipe("auto") in ("software", "opengl")


def test_refuses_an_unknown_pipe():
    with pytest.raises(ValueError, match="`pipe` must be one of auto, software, opengl"):
        choose_pipe("vulkan")
