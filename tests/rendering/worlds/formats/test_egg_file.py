from pathlib import Path

import numpy as np
import pytest

from placevec.rendering.worlds.formats.egg_file import read_egg
from placevec.rendering.worlds.load_world import load_world
from placevec.rendering.worlds.model import UnreadableModelError

EGG = """<CoordinateSystem> { Z-up }
<Texture> wall { "wall.png" }
<VertexPool> p {
  <Vertex> 0 { -2 5 0 <UV> { 0 0 } }
  <Vertex> 1 { 2 5 0 <UV> { 1 0 } }
  <Vertex> 2 { 2 5 4 <UV> { 1 1 } }
  <Vertex> 3 { -2 5 4 <UV> { 0 1 } }
}
<Group> g {
  <Polygon> { <TRef> { wall } <VertexRef> { 0 1 2 3 <Ref> { p } } }
}
"""


def surface(world):
    """Corners with their texture coordinates, in an order that no cutting of quads changes."""
    corners = np.concatenate([world.positions_m, world.uvs], axis=2).reshape(-1, 5)
    return np.unique(corners, axis=0)


def test_says_the_same_as_obj(write, wall):
    world, expected = load_world(write("b.egg", EGG)), load_world(wall, up="y")
    np.testing.assert_allclose(surface(world), surface(expected), atol=1e-6)
    np.testing.assert_array_equal(world.textures[1], expected.textures[1])
    assert len(world) == 2 and (world.texture_of == 1).all()
    np.testing.assert_allclose(world.normals, expected.normals, atol=1e-6)


def test_turns_y_up_to_z_up(write, wall):
    text = EGG.replace("Z-up", "Y-up")
    for row in ("-2 5 0", "2 5 0", "2 5 4", "-2 5 4"):
        x, y, z = row.split()
        text = text.replace(f"{{ {row} ", f"{{ {x} {z} -{y} ")
    world, expected = load_world(write("b.egg", text)), load_world(wall, up="y")
    np.testing.assert_allclose(surface(world), surface(expected), atol=1e-6)


def test_other_files_are_not_entered(write):
    write("secret.egg", EGG)
    model = read_egg(write("model/b.egg", EGG + '<File> { "../secret.egg" }\n'))
    assert len(model.positions) == 2
    assert any("refers to '../secret.egg': left out" in line for line in model.problems)
    assert any("There is no texture 'wall.png'" in line for line in model.problems)


@pytest.mark.parametrize("text", ["<Polygon> {", "<VertexPool> p { <Vertex> 0 { x } }", "\x00\x01"])
def test_refuses_what_cannot_be_read(write, text, capfd):
    with pytest.raises(UnreadableModelError, match="cannot be read as egg"):
        read_egg(write("b.egg", text))
    assert capfd.readouterr() == ("", "")


VERTICES = "<VertexPool> p { <Vertex> 0 { 0 0 0 } <Vertex> 1 { 1 0 0 } <Vertex> 2 { 1 1 0 } }"


@pytest.mark.parametrize(
    "text",
    [
        VERTICES + "<Polygon> { <VertexRef> { 0 1 7 <Ref> { p } } }",
        VERTICES + "<Polygon> { <VertexRef> { -1 1 2 <Ref> { p } } }",
        VERTICES + "<Polygon> { <VertexRef> { 0 1 2 <Ref> { q } } }",
        VERTICES.replace("0 0 0", "0 0") + "<Polygon> { <VertexRef> { 0 1 2 <Ref> { p } } }",
        VERTICES + "<Group> { " * 20_000,
        VERTICES + f"<Polygon> {{ <VertexRef> {{ {'0 1 2 ' * 400} <Ref> {{ p }} }} }}",
    ],
    ids=["missing", "negative", "pool", "flat", "deep", "many"],
)
def test_damaged_vertices_and_endless_polygons_are_one_line(write, text, capfd):
    with pytest.raises(UnreadableModelError, match=r"a\.egg cannot be read as egg") as refusal:
        read_egg(write("a.egg", text.encode()))
    assert str(refusal.value).isprintable()
    assert capfd.readouterr().err == ""


def test_a_relative_path_is_that_of_now(write, wall, monkeypatch, tmp_path):
    """Panda3D would take the folder in which the process began."""
    write("a.egg", EGG.encode())
    monkeypatch.chdir(tmp_path)
    assert len(read_egg(Path("a.egg")).positions) == 2
