import numpy as np
import pytest

from placevec.sources.poses.camera_poses import rotations_from_vectors
from placevec.sources.reconstructions.kapture_files import Rigid, read_kapture_files


def test_a_motion_after_another_is_both_in_turn():
    rng = np.random.default_rng(0)
    one, other = (
        Rigid(rotations_from_vectors(rng.normal(size=(1, 3)))[0], rng.normal(size=3))
        for _ in range(2)
    )
    both, point = one.after(other), rng.normal(size=3)
    halfway = other.rotation @ point + other.translation
    np.testing.assert_allclose(
        both.rotation @ point + both.translation, one.rotation @ halfway + one.translation
    )


def test_reads_only_what_is_there(tmp_path):
    (tmp_path / "sensors.txt").write_text("c, , camera, SIMPLE_PINHOLE, 640, 480, 320, 320, 240\n")
    (tmp_path / "records_camera.txt").write_text("0, c, a\\b.jpg\n")
    kapture = read_kapture_files(tmp_path)
    assert kapture.records == [(0, "c", "a/b.jpg")]
    assert kapture.fields_of_view_deg == {"c": pytest.approx(90)}
    assert kapture.trajectories == kapture.rigs == kapture.fixes == {}


def test_refuses_missing_sensors(tmp_path):
    with pytest.raises(FileNotFoundError, match="sensors.txt does not exist"):
        read_kapture_files(tmp_path)


def test_pythons_own_numbers_are_none_of_a_file(tmp_path):
    (tmp_path / "sensors.txt").write_text("c, , camera, SIMPLE_PINHOLE, 6_40, 480, 320, 9, 9\n")
    (tmp_path / "records_camera.txt").write_text("0, c, a.jpg\n")
    with pytest.raises(ValueError, match="Line 1 of .* must hold a number. Received: '6_40'"):
        read_kapture_files(tmp_path)
