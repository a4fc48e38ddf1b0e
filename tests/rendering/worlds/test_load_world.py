import logging

import cv2
import numpy as np
import pytest

from placevec.rendering.drawing.renderer import Renderer
from placevec.rendering.scenes.camera import Pose
from placevec.rendering.scenes.scene import Scene, Surface
from placevec.rendering.worlds.load_world import find_models, load_world

FLOOR = "v 0 0 0\nv 10 0 0\nv 10 {y} {z}\nv 0 {y} {z}\nf 1 2 3 4\n"
FLAT_Z, FLAT_Y = FLOOR.format(y=10, z=0), FLOOR.format(y=0, z=10)


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_y_up_becomes_z_up_with_north_ahead(tmp_path):
    path = write(tmp_path, "a.obj", "v 1 2 3\nv 4 2 3\nv 1 2 -9\nf 1 2 3\n")
    world = load_world(path, up="y", scale=2.0)
    np.testing.assert_array_equal(world.positions_m, [[[2, -6, 4], [8, -6, 4], [2, 18, 4]]])
    np.testing.assert_array_equal(load_world(path, up="z").positions_m[0, 0], [1, 2, 3])


@pytest.mark.parametrize("text", [FLAT_Z, FLAT_Y])
def test_up_is_where_the_ground_faces(tmp_path, text):
    world = load_world(write(tmp_path, "a.obj", text))
    assert np.ptp(world.bounds_m, axis=0).tolist() == [10, 10, 0]


def test_a_great_box_of_walls_does_not_outvote_the_floors(tmp_path):
    lines = ["v -99 99 -99", "v 99 99 -99", "v 99 99 99", "v -99 99 99", "f 1 2 3 4"]
    for number in range(200):
        low = f"v {number} {{}} {number % 7}"
        lines += [low.format(0), f"v {number + 3} 0 {number % 7}", low.format(3), "f -3 -2 -1"]
    world = load_world(write(tmp_path, "a.obj", "\n".join(lines)))
    assert (np.abs(world.normals[:, 2]) > 0.9).sum() == 200


def test_tiles_become_one_world(tmp_path):
    write(tmp_path, "a/one.obj", FLAT_Z)
    write(tmp_path, "b/two.OBJ", FLAT_Z.replace("v 0", "v 20").replace("v 10", "v 30"))
    write(tmp_path, ".hidden.obj", FLAT_Z)
    for source in (tmp_path, str(tmp_path / "*/*.*"), sorted(tmp_path.glob("*/*"))):
        world = load_world(source)
        assert len(world) == 4 and np.ptp(world.bounds_m[:, 0]) == 30


def test_of_levels_of_detail_the_largest_file_is_taken(tmp_path, caplog):
    fine = FLAT_Z + "f 1 2 3\n" * 20
    write(tmp_path, "l6/level_6_0_0.obj", FLAT_Z)
    write(tmp_path, "l3/level_3_0_0.obj", fine)
    write(tmp_path, "l6/level_6_128_0.obj", FLAT_Z)
    write(tmp_path, "house_lod0.obj", fine)
    write(tmp_path, "house_lod1.obj", FLAT_Z)
    write(tmp_path, "hall3.obj", FLAT_Z)
    with caplog.at_level(logging.INFO):
        _, paths = find_models(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in paths]
    assert sorted(names) == [
        "hall3.obj",
        "house_lod0.obj",
        "l3/level_3_0_0.obj",
        "l6/level_6_128_0.obj",
    ]
    assert "Using the most detailed of 6 models: 4 tiles" in caplog.text


def test_triangles_without_area_are_counted_and_left_out(tmp_path):
    world = load_world(write(tmp_path, "a.obj", FLAT_Z + "f 1 1 2\nf 1 2 2\n"))
    assert len(world) == 2
    assert "2 of 4 triangles without area: left out" in world.problems


def test_positions_far_out_keep_their_millimetres(tmp_path):
    rows = [(448000.001, 5411000.002, 5), (448010.001, 5411000.002, 5), (448000.001, 5411010, 5)]
    text = "".join("v {} {} {}\n".format(*row) for row in rows) + "f 1 2 3\n"
    world = load_world(write(tmp_path, "a.obj", text), up="z")
    assert world.origin_m == (448000.0, 5411000.0, 0.0)
    np.testing.assert_allclose(world.positions_m[0] + np.array(world.origin_m), rows, atol=1e-3)


def test_texture_coordinates_lie_near_zero_and_repeat_the_same(tmp_path):
    text = FLAT_Z.split("f ")[0] + "vt 100.25 -7.5\nvt 101 -7\nvt 100.5 -6\nf 1/1 2/2 3/3\n"
    world = load_world(write(tmp_path, "a.obj", text))
    np.testing.assert_allclose(world.uvs[0], [[0.25, 0.5], [1, 1], [0.5, 2]], atol=1e-5)


def test_transparent_textures_are_cutouts_unless_they_are_a_trace(tmp_path):
    lines = ["mtllib a.mtl", *FLAT_Z.splitlines()[:4]]
    for name, share in (("leaf", 0.5), ("trace", 0.0), ("solid", 0.0)):
        pixels = np.full((64, 64, 4 if name != "solid" else 3), 255, np.uint8)
        pixels[: int(64 * share), :, 3:] = 0
        if name == "trace":
            pixels[0, 0, 3] = 0
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels)
        lines += [f"usemtl {name}", "f 1 2 3"]
    text = "".join(f"newmtl {n}\nmap_Kd {n}.png\n" for n in ("leaf", "trace", "solid"))
    write(tmp_path, "a.mtl", text)
    world = load_world(write(tmp_path, "a.obj", "\n".join(lines)))
    assert world.is_cutout.tolist() == [False, True, False, False]
    assert [texture.shape[2] for texture in world.textures] == [3, 4, 3, 3]


def test_absurd_sizes_are_doubted(tmp_path):
    path = write(tmp_path, "a.obj", FLAT_Z)
    for scale, width in ((1e-3, "0.01 m"), (1e4, "1e+05 m")):
        assert f"is {width} wide" in load_world(path, scale=scale).problems[-1]
    assert not load_world(path).problems


def test_a_box_room_looks_as_it_was_made(tmp_path):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:4, :4], pixels[:4, 4:], pixels[4:, :4] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    cv2.imwrite(str(tmp_path / "wall.png"), pixels[..., ::-1])
    write(tmp_path, "a.mtl", "newmtl m\nmap_Kd WALL.jpg\n")
    text = (
        "mtllib a.mtl\nv -2 0 -5\nv 2 0 -5\nv 2 4 -5\nv -2 4 -5\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
    )
    for order in ("1/1 2/2 3/3 4/4", "4/4 3/3 2/2 1/1"):
        world = load_world(write(tmp_path, "a.obj", f"{text}usemtl m\nf {order}\n"), up="y")
        ones = np.ones((len(world), 3, 3), np.float32)
        wall = Surface(world.textures[1], world.positions_m, world.uvs, ones, is_two_sided=True)
        with Renderer((60, 80)) as renderer:
            renderer.show(Scene([wall], earth=(0, 0, 0), air=(0, 0, 0)))
            photo = renderer.photo(Pose((0, 0, 2.0), 0))
        assert photo[22, 32].tolist() == [255, 0, 0]
        assert photo[22, 48].tolist() == [0, 255, 0]
        assert photo[38, 32].tolist() == [0, 0, 255]


def test_loads_the_same_twice(shared_data):
    first, second = (load_world(shared_data("worlds", "suspended")) for _ in range(2))
    for part in ("positions_m", "uvs", "tints", "texture_of", "is_cutout"):
        np.testing.assert_array_equal(getattr(first, part), getattr(second, part))


@pytest.mark.parametrize("name", ["street-1", "alpine-2", "suspended"])
def test_real_worlds_come_whole_and_upright(shared_data, name):
    world = load_world(shared_data("worlds", name))
    assert len(world) > 14_000 and len(world.textures) > 10
    extent_m = np.ptp(world.bounds_m, axis=0)
    assert 50 < extent_m.max() < 3000 and not world.is_under_roof
    assert all("without area" in problem for problem in world.problems)


def test_refuses_bad_arguments(tmp_path):
    path = write(tmp_path, "a.obj", FLAT_Z)
    with pytest.raises(ValueError, match="up='x'"):
        load_world(path, up="x")
    for scale in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"scale={scale}"):
            load_world(path, scale=scale)
    with pytest.raises(ValueError, match="max_texture_side=0"):
        load_world(path, max_texture_side=0)
    with pytest.raises(FileNotFoundError, match="There is no 3-D model"):
        load_world(tmp_path / "gone.obj")
    with pytest.raises(FileNotFoundError, match="There is no 3-D model"):
        load_world([])
    with pytest.raises(ValueError, match="must end in .obj"):
        load_world(write(tmp_path, "a.fbx", "x"))
    with pytest.raises(ValueError, match="No triangle"):
        load_world(write(tmp_path, "empty.obj", "v 0 0 0\n"))
    with pytest.raises(ValueError, match="No triangle with an area"):
        load_world(write(tmp_path, "flat.obj", "v 0 0 0\nf 1 1 1\n"))
