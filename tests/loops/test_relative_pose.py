import cv2
import numpy as np
import pytest

from placevec.loops.relative_pose import relative_pose

FOV_DEG, SIZE = 70.0, (480, 640)


def draw(path, turn_deg=0.0, shift=(0.0, 0.0, 0.0)):
    """Draws a room of colored dots as a camera sees it: x ahead, y left, z up."""
    rng = np.random.default_rng(0)
    points = rng.uniform([4, -4, -2], [12, 4, 2], (700, 3))
    colors, radii = rng.integers(0, 256, (700, 3)), rng.uniform(0.02, 0.1, (700, 2))
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0],
                     [0, 0, 1]])  # fmt: skip
    seen = (points - shift) @ turn  # in the frame of the camera
    focal = SIZE[1] / 2 / np.tan(np.radians(FOV_DEG) / 2)
    photo = np.full((*SIZE, 3), 127, np.uint8)
    for row in np.argsort(-seen[:, 0]):
        ahead, left, up = seen[row]
        center = (SIZE[1] / 2 - focal * left / ahead, SIZE[0] / 2 - focal * up / ahead)
        axes = tuple(int(each) for each in focal * radii[row] / ahead + 2)
        cv2.ellipse(photo, tuple(int(round(each)) for each in center), axes, 37 * row % 180, 0, 360,
                    colors[row].tolist(), -1)  # fmt: skip
    cv2.imwrite(str(path), photo)
    return path


@pytest.mark.parametrize(
    "turn_deg, shift", [(8.0, (0.5, 0.3, 0.0)), (-8.0, (0.5, -0.3, 0.0)), (0.0, (0.9, 0.0, 0.0))]
)
def test_finds_how_the_second_camera_stood(tmp_path, turn_deg, shift):
    one, other = draw(tmp_path / "1.png"), draw(tmp_path / "2.png", turn_deg, shift)
    found = relative_pose(one, other, (FOV_DEG, FOV_DEG))
    turn = np.degrees(np.arctan2(found.rotation[1, 0], found.rotation[0, 0]))
    assert turn == pytest.approx(turn_deg, abs=2)
    cosine = found.direction @ shift / np.linalg.norm(shift)
    assert np.degrees(np.arccos(min(1, cosine))) < 10 and found.num_points >= 20
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_photos_of_two_places_have_none(tmp_path):
    gray = tmp_path / "gray.png"
    cv2.imwrite(str(gray), np.full((*SIZE, 3), 90, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no photo")
    one = draw(tmp_path / "1.png")
    for other in (gray, tmp_path / "broken.png", tmp_path / "missing.png"):
        assert relative_pose(one, other, (FOV_DEG, FOV_DEG)) is None
