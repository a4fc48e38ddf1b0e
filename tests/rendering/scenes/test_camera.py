from dataclasses import astuple

import pytest

from placevec.rendering.scenes.camera import Jitter, Pose, camera_of, scaled

JITTER = Jitter(along_m=1.0, across_m=0.5, height_m=0.2, heading_deg=8.0, tilt_deg=2.0)


def test_half_a_jitter_is_half_in_all():
    assert astuple(scaled(JITTER, 0.5)) == pytest.approx((0.5, 0.25, 0.1, 4.0, 1.0))


def test_a_camera_is_where_its_pose_is():
    camera = camera_of(Pose((3.0, 4.0, 5.0), -90.0, 1.0, 2.0))
    assert (camera.east_m, camera.north_m, camera.heading_deg) == (3.0, 4.0, 270.0)
