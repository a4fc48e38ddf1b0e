import logging

import numpy as np
import pytest

from placevec.rendering.drawing.renderer import Renderer
from placevec.rendering.scenes.camera import Pose
from placevec.rendering.scenes.scene import Scene, Surface
from placevec.rendering.town.mesh import Mesh, upright

SIZE = (60, 80)
WHITE = np.full((8, 8, 3), 255, np.uint8)


def surface(mesh, texture=WHITE, **options):
    quads = mesh.quads()["it"]
    colors = np.repeat(quads.tints[:, None], 4, axis=1)
    return Surface(texture, quads.positions_m, quads.uvs, colors, **options)


def box_at(x, y, z=1.2, side=1.0, color=(1.0, 0.0, 0.0)):
    mesh = Mesh()
    north = np.array([0.0, 1.0])
    mesh.add_box("it", np.array([x, y]), north, np.array([side] * 3), color, z)
    return surface(mesh)


def photograph(surfaces, pose, **options):
    with Renderer(SIZE, **options) as renderer:
        renderer.show(Scene(surfaces, earth=(0, 0, 0), air=(0, 0, 0)))
        return renderer.photo(pose)


def is_color(pixel, color):
    return np.abs(pixel.astype(int) - color).max() <= 2


def center_of(photo, channel=0):
    rows, cols = np.nonzero(photo[..., channel] > 128)
    assert len(rows) > 4
    return rows.mean(), cols.mean()


@pytest.mark.parametrize(
    ("heading_deg", "x", "y"), [(0, 0, 10), (90, 10, 0), (180, 0, -10), (270, -10, 0)]
)
def test_a_box_ahead_stands_in_the_middle(heading_deg, x, y):
    photo = photograph([box_at(x, y)], Pose((0, 0, 1.7), heading_deg))
    row, col = center_of(photo)
    assert abs(row - 29.5) < 1 and abs(col - 39.5) < 1


def test_what_is_to_the_right_appears_to_the_right():
    _, col = center_of(photograph([box_at(10, -4)], Pose((0, 0, 1.7), 90)))
    assert col > 50


def test_what_is_high_appears_high():
    row, _ = center_of(photograph([box_at(0, 10, z=4)], Pose((0, 0, 1.7), 0)))
    assert row < 20


def test_looking_up_lowers_the_picture():
    row, _ = center_of(photograph([box_at(0, 10)], Pose((0, 0, 1.7), 0, pitch_deg=10)))
    assert row > 35


def test_positive_roll_lowers_the_right_side_of_the_camera():
    row, col = center_of(photograph([box_at(4, 10)], Pose((0, 0, 1.7), 0, roll_deg=20)))
    assert row < 26 and col < 62


def test_a_field_of_view_of_90_degrees_ends_at_45_degrees():
    wall = Mesh()
    wall.add("it", upright(np.array([9.0, 10.0]), np.array([30.0, 10.0]), 0, 5))
    photo = photograph([surface(wall)], Pose((0, 0, 1.7), 0), field_of_view_deg=90)
    assert np.flatnonzero(photo[30, :, 0] > 128).min() == pytest.approx(39.5 + 0.9 * 40, abs=1.1)


def test_textures_are_neither_mirrored_nor_upside_down():
    texture = np.zeros((8, 8, 3), np.uint8)
    texture[:4, :4], texture[:4, 4:], texture[4:, :4] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    wall = Mesh()
    wall.add("it", upright(np.array([-2.0, 5.0]), np.array([2.0, 5.0]), 0, 3.4))
    photo = photograph([surface(wall, texture)], Pose((0, 0, 1.7), 0))
    assert is_color(photo[22, 32], (255, 0, 0))
    assert is_color(photo[22, 48], (0, 255, 0))
    assert is_color(photo[38, 32], (0, 0, 255))


def test_walls_show_their_front_only():
    wall = Mesh()
    wall.add("it", upright(np.array([-2.0, 5.0]), np.array([2.0, 5.0]), 0, 3.4))
    assert photograph([surface(wall)], Pose((0, 0, 1.7), 0)).max() == 255
    assert photograph([surface(wall)], Pose((0, 10, 1.7), 180)).max() == 0


def test_the_nearer_thing_hides_the_farther_one():
    near, far = box_at(0, 5), box_at(0, 9, side=1.2, z=1.1, color=(0, 0, 1))
    for surfaces in ([near, far], [far, near]):
        assert is_color(photograph(surfaces, Pose((0, 0, 1.7), 0))[30, 40], (255, 0, 0))


def test_cutouts_let_things_behind_show_through():
    texture = np.zeros((8, 8, 4), np.uint8)
    texture[:, :4] = 255
    wall = Mesh()
    wall.add("it", upright(np.array([-2.0, 5.0]), np.array([2.0, 5.0]), 0, 3.4))
    cutout = surface(wall, texture, is_cutout=True)
    photo = photograph([cutout, box_at(0, 9, side=3, z=0.2)], Pose((0, 0, 1.7), 0))
    assert is_color(photo[30, 34], (255, 255, 255))
    assert is_color(photo[30, 46], (255, 0, 0))


def test_an_overlay_covers_the_wall_it_lies_on():
    wall = Mesh()
    wall.add("it", upright(np.array([-2.0, 9.0]), np.array([2.0, 5.0]), 0, 3.4))
    light = np.full((8, 8, 4), (0, 255, 0, 255), np.uint8)
    surfaces = [surface(wall, light, is_cutout=True, is_overlay=True), surface(wall)]
    photo = photograph(surfaces, Pose((0, 0, 1.7), 0))
    assert (photo[25:35, 38:42] == (0, 255, 0)).all()


def test_a_light_map_darkens_its_texture():
    mesh = Mesh()
    corners = np.array([(-9, 0, 0), (9, 0, 0), (9, 30, 0), (-9, 30, 0)])
    mesh.add("it", corners, cells=(3, 3))
    light_map = np.zeros((8, 8, 3), np.uint8)
    light_map[:, 4:] = 255
    photo = photograph([surface(mesh, light_map=light_map)], Pose((0, 0, 1.7), 0))
    assert photo[45, 20].max() < 10 and photo[45, 60].min() > 245


def test_haze_fades_what_is_far_more_than_what_is_near():
    near, far = box_at(-1.5, 4), box_at(10, 60, side=8)
    levels = []
    with Renderer(SIZE) as renderer:
        renderer.show(Scene([near, far], earth=(0, 0, 0), air=(0, 0, 1), haze=0.02))
        photo = renderer.photo(Pose((0, 0, 1.7), 0))
        for x, distance in ((-1.5, 3.5), (10, 56)):
            col = int(39.5 + 40 * x / distance / np.tan(np.deg2rad(37.5)))
            levels.append(photo[28, col].astype(int))
    assert levels[0][0] > 215 and levels[0][2] < 40
    assert levels[1][0] == pytest.approx(255 * np.exp(-0.02 * 56), abs=25)
    assert levels[1][2] == pytest.approx(255 * (1 - np.exp(-0.02 * 56)), abs=25)


def test_can_be_opened_again_and_draws_the_same():
    first = photograph([box_at(0, 10)], Pose((0, 0, 1.7), 5))
    second = photograph([box_at(0, 10)], Pose((0, 0, 1.7), 5))
    np.testing.assert_array_equal(first, second)


def test_two_renderers_side_by_side_draw_what_each_shows():
    with Renderer(SIZE) as one, Renderer((30, 40)) as other:
        one.show(Scene([box_at(0, 10)]))
        other.show(Scene([box_at(0, 10, color=(0, 1, 0))]))
        pose = Pose((0, 0, 1.7), 0)
        assert is_color(one.photo(pose)[30, 40], (255, 0, 0))
        assert is_color(other.photo(pose)[15, 20], (0, 255, 0))


def test_draws_any_size():
    for size in ((1, 1), (33, 57), (64, 16)):
        with Renderer(size, oversize=1) as renderer:
            renderer.show(Scene([]))
            poses = [Pose((0, 0, 1.7), 0)] * 2
            photos = renderer.photos(poses)
        assert photos.shape == (2, *size, 3) and photos.dtype == np.uint8


def test_prints_nothing(capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        photograph([box_at(0, 10)], Pose((0, 0, 1.7), 0))
    assert capfd.readouterr() == ("", "")


def test_refuses_bad_sizes_and_angles():
    with pytest.raises(ValueError, match=r"image_size=\(0, 80\)"):
        Renderer((0, 80))
    with pytest.raises(ValueError, match="field_of_view_deg=200"):
        Renderer(SIZE, field_of_view_deg=200)
    with pytest.raises(ValueError, match="`oversize` must be a positive integer"):
        Renderer(SIZE, oversize=0)


def test_refuses_to_draw_before_it_is_open_and_has_a_scene():
    renderer = Renderer(SIZE)
    with pytest.raises(RuntimeError, match="must be open"):
        renderer.show(Scene([]))
    with renderer, pytest.raises(RuntimeError, match="Call `show` first"):
        renderer.photo(Pose((0, 0, 1.7), 0))
    renderer.close()
