import numpy as np
import pytest
from panda3d import core

from placevec.rendering.drawing.nodes import make_texture
from placevec.rendering.worlds.formats.panda_nodes import read_bam
from placevec.rendering.worlds.load_world import load_world
from placevec.rendering.worlds.model import UnreadableModelError
from tests.rendering.worlds.conftest import WALL


def card(texture=None, color=None):
    """A card 4 m wide and high, 5 m ahead."""
    maker = core.CardMaker("wall")
    maker.set_frame(-2, 2, 0, 4)
    root = core.NodePath("root")
    path = root.attach_new_node(maker.generate())
    path.set_y(5)
    if texture is not None:
        path.set_texture(texture)
    if color is not None:
        path.set_color(*color, 1)
    return root


def written(root, path):
    root.write_bam_file(core.Filename.from_os_specific(str(path)))
    return path


def test_says_the_same_as_obj(write, wall, tmp_path):
    write("wall.png", WALL)
    texture = make_texture(WALL, False)
    texture.set_filename("wall.png")
    world = load_world(written(card(texture), tmp_path / "b.bam"))
    expected = load_world(wall, up="y")
    corners, wanted = (
        np.unique(np.concatenate([w.positions_m, w.uvs], axis=2).reshape(-1, 5), axis=0)
        for w in (world, expected)
    )
    np.testing.assert_allclose(corners, wanted, atol=1e-6)
    np.testing.assert_allclose(world.normals, expected.normals, atol=1e-6)
    np.testing.assert_array_equal(world.textures[1], expected.textures[1])


def test_a_color_of_a_node_tints_its_triangles(tmp_path):
    model = read_bam(written(card(color=(1, 0.5, 0)), tmp_path / "b.bam"))
    np.testing.assert_allclose(model.tints, np.tile([1, 0.5, 0], (2, 3, 1)), atol=1e-6)
    assert len(model.textures) == 1


def test_textures_outside_the_folder_are_not_taken(write, tmp_path):
    secret = write("secret.png", WALL)
    (tmp_path / "model").mkdir()
    texture = core.TexturePool.load_texture(core.Filename.from_os_specific(str(secret)))
    model = read_bam(written(card(texture), tmp_path / "model" / "b.bam"))
    assert len(model.textures) == 1 and "no texture" in model.problems[0]


def test_refuses_what_is_no_bam(write):
    for content in (b"", b"not a bam", b"pbj\0\n\r" + bytes(30)):
        with pytest.raises(UnreadableModelError, match="cannot be read as bam"):
            read_bam(write("b.bam", content))
