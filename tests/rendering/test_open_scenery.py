import numpy as np
import pytest

from placevec.rendering import open_scenery

TOWN = {"num_streets": 2, "street_length_m": 120.0}


@pytest.fixture(scope="module")
def town():
    return open_scenery("town", seed=1, **TOWN)


def test_distances_are_kept(line_model):
    near_town = open_scenery("town", seed=1, near_m=3.0, far_m=30.0, **TOWN)
    for scenery in (near_town, line_model(near_m=3.0, far_m=30.0)):
        rng = np.random.default_rng(0)
        part, camera = scenery.sample(rng)
        for _ in range(20):
            near, far = (
                draw(part, camera, rng) for draw in (scenery.sample_near, scenery.sample_far)
            )
            assert np.hypot(near.east_m - camera.east_m, near.north_m - camera.north_m) <= 3
            assert np.hypot(far.east_m - camera.east_m, far.north_m - camera.north_m) > 30


def test_a_camera_stands_and_looks_as_told(town, line_model):
    for scenery in (town, line_model()):
        _, camera = scenery.camera_at((1010.0, 1020.0, 2.5), 400.0, 5.0, -2.0)
        assert (camera.east_m, camera.north_m) == pytest.approx((1010, 1020))
        assert camera.heading_deg == pytest.approx(40)
        pose = camera.pose
        assert (pose.position_m[2], pose.pitch_deg, pose.roll_deg) == (2.5, 5.0, -2.0)


def test_refuses_bad_settings(tmp_path):
    with pytest.raises(ValueError, match="num_streets=0"):
        open_scenery("town", num_streets=0)
    with pytest.raises(ValueError, match="street_length_m=50"):
        open_scenery("town", street_length_m=50)
    with pytest.raises(ValueError, match="near_m=30.0, far_m=25.0"):
        open_scenery("town", near_m=30.0)
