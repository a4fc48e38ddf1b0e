import math

import numpy as np
import pytest

from placevec.sources.poses.camera_poses import (
    WORLD_AXES,
    Poses,
    find_up,
    on_the_ground,
    rotations_from_quaternions,
    rotations_from_vectors,
)

# Cameras in a world with z up: columns right, down, forward.
NORTH = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=float)
EAST = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], dtype=float)


def standing(*rotations):
    return Poses(np.zeros((len(rotations), 3)), np.array(rotations))


def turned(vector, quaternion):
    """Turns a vector by a quaternion x, y, z, w: q v q*, the product of quaternions written out."""
    x, y, z, w = quaternion

    def times(p, q):
        (a, b, c, d), (e, f, g, h) = p, q
        return (
            d * e + a * h + b * g - c * f,
            d * f - a * g + b * h + c * e,
            d * g + a * f - b * e + c * h,
            d * h - a * e - b * f - c * g,
        )

    return times(times((x, y, z, w), (*vector, 0)), (-x, -y, -z, w))[:3]


def test_a_quaternion_turns_as_its_product_does():
    quaternions = np.random.default_rng(0).normal(size=(20, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    rotations = rotations_from_quaternions(quaternions)
    for rotation, quaternion in zip(rotations, quaternions, strict=True):
        for axis in range(3):
            unit = [float(axis == other) for other in range(3)]
            np.testing.assert_allclose(rotation[:, axis], turned(unit, quaternion), atol=1e-12)


def test_a_quarter_turn_about_z_takes_x_to_y():
    half = math.sqrt(0.5)
    rotation = rotations_from_quaternions(np.array([[0, 0, half, half]]))[0]
    np.testing.assert_allclose(rotation @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_a_vector_turns_about_itself_by_its_length():
    quarter = rotations_from_vectors(np.array([[0, 0, math.pi / 2], [0, 0, 0], [1e308, 1e308, 0]]))
    np.testing.assert_allclose(quarter[0] @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(quarter[1], np.eye(3))
    assert np.isnan(quarter[2]).all()


def test_a_pose_from_world_to_camera_is_turned_back():
    rotations = rotations_from_vectors(np.random.default_rng(0).normal(size=(5, 3)))
    translations = np.random.default_rng(1).normal(size=(5, 3))
    poses = Poses.from_world_to_camera(rotations, translations)
    for row in range(5):
        point = rotations[row] @ poses.centers[row] + translations[row]
        np.testing.assert_allclose(point, 0, atol=1e-12)
        ahead = rotations[row] @ poses.rotations[row][:, 2]
        np.testing.assert_allclose(ahead, [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("length", "known"), [(0, False), (0.5, False), (0.95, True), (1.05, True), (np.nan, False)]
)
def test_a_quaternion_that_is_no_rotation_is_unknown(length, known):
    rotation = rotations_from_quaternions(np.array([[0, 0, 0, length]]))
    assert Poses(np.zeros((1, 3)), rotation).known.tolist() == [known]
    if known:
        np.testing.assert_allclose(rotation[0], np.eye(3))


@pytest.mark.parametrize(
    ("center", "rotation"),
    [
        ([np.inf, 0, 0], NORTH),
        ([0, 1e300, 0], NORTH),
        ([0, 0, 0], 2 * NORTH),
        ([0, 0, 0], NORTH * [1, 1, -1]),
        ([0, 0, 0], np.full((3, 3), np.nan)),
        ([0, 0, 0], np.full((3, 3), 1e200)),
    ],
)
def test_a_pose_that_no_camera_has_is_unknown(center, rotation):
    poses = Poses([[1, 2, 3], center], [NORTH, rotation])
    assert poses.known.tolist() == [True, False]
    assert np.isnan(poses.centers[1]).all() and np.isnan(poses.rotations[1]).all()


def test_headings_are_counted_from_north_to_the_east():
    up = WORLD_AXES["z"]
    positions, headings_deg, heights = on_the_ground(
        Poses([[3, 4, 5], [6, 7, 8]], [NORTH, EAST]), up
    )
    assert headings_deg.tolist() == [0, 90]
    assert positions.tolist() == [[3, 4], [6, 7]]
    assert heights.tolist() == [5, 8]


def test_a_world_of_the_first_camera_has_north_ahead():
    # As in KITTI: x right, y down, z ahead. The second camera has turned right.
    right = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], dtype=float)
    positions, headings_deg, heights = on_the_ground(
        Poses([[1, 2, 3], [1, 2, 3]], [np.eye(3), right]), WORLD_AXES["-y"]
    )
    assert headings_deg.tolist() == [0, 90]
    assert positions[0].tolist() == [1, 3]
    assert heights[0] == -2


@pytest.mark.parametrize("up", WORLD_AXES)
def test_east_and_north_and_up_are_right_handed_in_every_world(up):
    east, north = np.zeros((2, 3))
    positions, _, heights = on_the_ground(Poses(np.eye(3), [NORTH] * 3), WORLD_AXES[up])
    east, north = positions.T  # each coordinate of three points along the world's axes
    np.testing.assert_allclose(np.cross(east, north), heights, atol=1e-12)
    np.testing.assert_allclose(heights, WORLD_AXES[up], atol=1e-12)


def test_headings_equal_those_of_plain_loops():
    generator = np.random.default_rng(1)
    quaternions = generator.normal(size=(50, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    poses = standing(*rotations_from_quaternions(quaternions))
    _, headings_deg, _ = on_the_ground(poses, WORLD_AXES["z"])
    for heading_deg, quaternion in zip(headings_deg, quaternions, strict=True):
        east, north, _ = turned((0, 0, 1), quaternion)
        expected = 90 - math.degrees(math.atan2(north, east))
        assert abs((heading_deg - expected + 180) % 360 - 180) < 1e-9
        assert 0 <= heading_deg < 360


@pytest.mark.parametrize("tilt_deg", [0.0, 0.5, 5.0])
def test_a_camera_that_looks_straight_down_has_no_heading(tilt_deg):
    tilt = math.radians(tilt_deg)
    down = np.array(
        [[1, 0, 0], [0, -math.cos(tilt), math.sin(tilt)], [0, -math.sin(tilt), -math.cos(tilt)]]
    )
    _, headings_deg, _ = on_the_ground(standing(down), WORLD_AXES["z"])
    if tilt_deg < 1:
        assert np.isnan(headings_deg).all()
    else:
        np.testing.assert_allclose(headings_deg, 0, atol=1e-9)


def test_up_is_against_the_mean_of_the_cameras_down_axes():
    np.testing.assert_allclose(find_up(standing(NORTH, EAST)), [0, 0, 1])
    np.testing.assert_allclose(find_up(standing(np.eye(3))), [0, -1, 0])
    tilt = math.radians(20)
    nods = [
        np.array([[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]])
        for a in (tilt, -tilt)
    ]
    np.testing.assert_allclose(find_up(standing(*nods)), [0, -1, 0], atol=1e-12)


def test_unknown_poses_have_no_say_in_what_is_up():
    unknown = np.full((3, 3), np.nan)
    np.testing.assert_allclose(find_up(standing(NORTH, unknown, EAST)), [0, 0, 1])


def test_refuses_cameras_that_point_every_way(refuses):
    flipped = NORTH * [-1, -1, 1]
    with refuses(ValueError, "held level on the average.*Received: 0.00.*up=z"):
        find_up(standing(NORTH, flipped))


def test_a_mounted_camera_moves_with_its_body():
    # The body stands at (1, 2, 3) and its x axis points along the world's y.
    body = Poses([[1, 2, 3]], [[[0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    camera = body.mounted(EAST, np.array([0.5, 0, 0]))
    assert camera.centers.tolist() == [[1, 2.5, 3]]
    _, headings_deg, _ = on_the_ground(camera, WORLD_AXES["z"])
    assert headings_deg.tolist() == [0]


def test_a_row_of_minus_one_is_an_unknown_pose():
    poses = Poses([[1, 2, 3], [4, 5, 6]], [NORTH, EAST]).at(np.array([1, -1]))
    assert poses.known.tolist() == [True, False]
    assert poses.centers[0].tolist() == [4, 5, 6]
