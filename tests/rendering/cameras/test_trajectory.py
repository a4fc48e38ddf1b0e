import numpy as np
import pytest

from placevec.config import ModelRenderConfig
from placevec.places import PlaceDataset
from placevec.rendering import render
from placevec.rendering.cameras.pose_files import open_trajectory
from placevec.rendering.cameras.trajectory import along_trajectory
from placevec.rendering.drawing.renderer import Renderer
from placevec.rendering.scenes.camera import Pose
from placevec.rendering.scenes.weather import plan_visit


def poses(points, **fields):
    points = np.array(points, float)
    names = [f"{i:03d}" for i in range(len(points))]
    altitudes = {"altitudes_m": points[:, 2]} if points.shape[1] == 3 else {}
    return PlaceDataset(".", names, positions_m=points[:, :2], **altitudes, **fields)


@pytest.fixture
def world(shapes):
    """A field with a house of two floors' height and a bridge at 6 m."""
    return shapes.world(
        shapes.floor((-60, -60), (60, 60)),
        shapes.box((10, -5, -1), (20, 5, 7)),
        shapes.box((-40, -10, 5.5), (-20, 10, 6)),
    )


def test_poses_are_taken_as_they_are(world):
    found = along_trajectory(
        world, poses([(0, 0, 3), (0, 4, 9), (0, 12, 3)], headings_deg=[10, 20, np.nan])
    )
    assert [camera.pose.position_m for camera in found.cameras] == [
        (0, 0, 3),
        (0, 4, 9),
        (0, 12, 3),
    ]
    assert [camera.heading_deg for camera in found.cameras] == [10, 20, 0]
    assert found.places.tolist() == [0, 0, 1] and found.rejected == {}


def test_without_altitude_cameras_stand_on_the_level_they_came_from(world):
    along = np.stack([np.arange(-50.0, 5, 5), np.zeros(11)], axis=1)
    found = along_trajectory(world, poses(along))
    assert {camera.heading_deg for camera in found.cameras} == {90.0}
    np.testing.assert_allclose([c.pose.position_m[2] for c in found.cameras], 1.7, atol=1e-4)


def test_origin_and_scale_take_the_models_frame_into_the_world(shapes):
    world = shapes.world(shapes.floor((-60, -60), (60, 60)), origin_m=(1000.0, 2000.0, 30.0))
    found = along_trajectory(world, poses([(100_300, 200_400, 3_200)]), scale=0.01)
    np.testing.assert_allclose(found.cameras[0].pose.position_m, (3, 4, 2), atol=1e-6)


def test_a_way_back_comes_to_the_same_places(world):
    out = [(0, y, 2.0) for y in range(0, 50, 5)]
    numbers = along_trajectory(world, poses(out + out[::-1])).places
    assert numbers.tolist() == numbers[::-1].tolist() and numbers.max() == 4


def test_poses_under_ground_and_in_solids_are_counted_and_left_out(world):
    points = [(0, 0, 2), (0, 0, -5), (15, 0, 3), (9.9, 0, 3), (0, 5, 2)]
    found = along_trajectory(world, poses(points))
    assert len(found.cameras) == 2
    assert found.rejected == {"under the ground": 1, "inside a solid": 1, "too near a wall": 1}


@pytest.mark.parametrize("field_of_view_deg", [75.0, 140.0])
@pytest.mark.parametrize("pipe", ["software"])
def test_a_wall_as_near_as_cameras_come_is_drawn(shapes, pipe, field_of_view_deg):
    world = shapes.world(
        shapes.floor((-60, -60), (60, 60)), shapes.box((-30, 0.31, -1), (30, 3, 60))
    )
    found = along_trajectory(world, poses([(0, 0, 1.7)], headings_deg=[0]))
    with Renderer((24, 32), field_of_view_deg, pipe=pipe) as renderer:
        renderer.show(world.scene(plan_visit("day", seed=(1,), day=0)))
        depth_m = renderer.depth(found.cameras[0].pose)
    assert (np.abs(depth_m - 0.31) < 0.02).mean() > 0.9  # the rest sees the floor


def test_refuses_a_trajectory_that_is_elsewhere(world):
    with pytest.raises(ValueError, match="Received: 2 poses, none of them there .under the ground"):
        along_trajectory(world, poses([(0, 0, -5), (1, 0, -5)]))
    with pytest.raises(ValueError, match="needs positions"):
        along_trajectory(world, PlaceDataset(".", ["a"], place_ids=[0]))


def test_a_tum_file_needs_no_photos_and_keeps_pitch_and_roll(tmp_path):
    lines, expected = [], []
    for i, (heading, pitch, roll) in enumerate([(30, 10, 5), (200, -20, -8), (359, 0, 0)]):
        matrix = Pose((i, 2 * i, 1.5), heading, pitch, roll).matrix()
        w = np.sqrt(max(0.0, 1 + np.trace(matrix[:3, :3]))) / 2
        r = matrix[:3, :3]
        q = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]) / (4 * w)
        lines.append(" ".join(f"{v:.9f}" for v in (i, i, 2 * i, 1.5, *q, w)))
        expected.append((heading, pitch, roll))
    (tmp_path / "way.txt").write_text("\n".join(lines))
    dataset, turns = open_trajectory(f"tum:{tmp_path / 'way.txt'},up=z")
    np.testing.assert_allclose(dataset.positions_m, [(0, 0), (1, 2), (2, 4)], atol=1e-6)
    np.testing.assert_allclose(dataset.altitudes_m, 1.5)
    got = np.stack([dataset.headings_deg, turns.pitch_deg, turns.roll_deg], axis=1)
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_a_kitti_file_has_y_down_and_z_north(tmp_path):
    (tmp_path / "00.txt").write_text("1 0 0 3  0 1 0 -2  0 0 1 7\n")
    dataset, turns = open_trajectory(f"kitti:{tmp_path / '00.txt'}")
    assert dataset.positions_m.tolist() == [[3, 7]] and dataset.altitudes_m.tolist() == [2]
    assert (dataset.headings_deg[0], turns.pitch_deg[0], turns.roll_deg[0]) == (0, 0, 0)


def test_a_table_needs_no_photos(tmp_path):
    text = "file,east,north,altitude_m,heading_deg,pitch_deg\na,1,2,3,40,5\nb,2,2,,50,\n"
    (tmp_path / "way.csv").write_text(text)
    dataset, turns = open_trajectory(f"table:{tmp_path / 'way.csv'}")
    assert dataset.altitudes_m[0] == 3 and np.isnan(dataset.altitudes_m[1])
    assert turns.pitch_deg.tolist() == [5, 0] and turns.roll_deg.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("tum:0 1 2 3 0 0 0 0", "must be the pose of a camera. Received: 1 of 1"),
        ("table:file,lat,lon\na,5,5\n", "needs `east,north` in each row"),
        ("table:file,east,north,roll_deg\na,5,5,x\n", "`roll_deg` must hold degrees"),
    ],
)
def test_refuses_poses_that_are_none(tmp_path, text, match):
    reader, _, content = text.partition(":")
    (tmp_path / "way.csv").write_text(content)
    with pytest.raises(ValueError, match=match):
        open_trajectory(f"{reader}:{tmp_path / 'way.csv'}")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"trajectory": "tum:a", "num_photos": 9}, "`num_photos` has no effect along the traj"),
        ({"trajectory": "tum:a", "cameras": "fly"}, "`cameras` has no effect along the trajectory"),
        ({"height_m": (5, 9)}, "`height_m` has no effect where cameras walk"),
        ({"cameras": "fly", "eye_height_m": 2.0}, "`eye_height_m` has no effect where cameras fly"),
    ],
)
def test_refuses_settings_that_mean_nothing(tmp_path, settings, match):
    with pytest.raises(ValueError, match=match):
        render(tmp_path / "a.obj", ModelRenderConfig(out=tmp_path / "out", **settings))
