import numpy as np
import pytest

from placevec.sources.poses.camera_poses import Poses
from placevec.sources.poses.time_stamps import Stamps
from placevec.sources.poses.trajectory import (
    Track,
    nearest_rows,
    poses_in_time,
    read_track,
    up_option,
)


def along_x(count):
    centers = np.zeros((count, 3))
    centers[:, 0] = np.arange(count)
    return Poses(centers, [np.eye(3)] * count)


def nearest(poses, pose_times_s, times_s, *, within_s, source):
    track = Track(source, Stamps(pose_times_s, whole=False), poses)
    return poses.at(nearest_rows(track, pose_times_s, times_s, within_s=within_s))


def test_the_nearest_pose_equals_that_of_plain_loops(tmp_path):
    generator = np.random.default_rng(0)
    pose_times, times = generator.uniform(0, 10, 40), generator.uniform(-1, 11, 200)
    found = nearest(along_x(40), pose_times, times, within_s=0.1, source=tmp_path)
    unknown = 0
    for time, center in zip(times, found.centers, strict=True):
        best = min(range(40), key=lambda row: abs(pose_times[row] - time))
        if abs(pose_times[best] - time) <= 0.1:
            assert center[0] == best
        else:
            assert np.isnan(center[0])
            unknown += 1
    assert 20 < unknown < 180


def test_one_pose_alone_is_found(tmp_path):
    found = nearest(
        along_x(1), np.array([5.0]), np.array([4.0, 5.0, 6.0]), within_s=0.5, source=tmp_path
    )
    assert found.known.tolist() == [False, True, False]


def test_a_pose_that_stands_twice_is_one_and_two_for_one_time_are_refused(tmp_path, refuses):
    times = np.array([1.0, 1.0])
    same = along_x(2).at(np.array([1, 1]))
    assert nearest(same, times, times, within_s=0.1, source=tmp_path).known.all()
    with refuses(ValueError, "gives two poses for the time 1.0+. Keep one"):
        nearest(along_x(2), times, times, within_s=0.1, source=tmp_path)


@pytest.mark.parametrize("time", [np.nan, np.inf])
def test_refuses_times_that_are_not_finite(tmp_path, refuses, time):
    track = Track(tmp_path, Stamps(np.array([1.0, time]), False), along_x(2))
    with refuses(ValueError, "must be finite"):
        poses_in_time(track, Stamps(np.array([1.0]), False), within_s=0.1, unit=None)


def test_refuses_an_up_that_is_no_axis(refuses):
    assert up_option({}) is None
    assert up_option({"up": "-y"}).tolist() == [0, -1, 0]
    with refuses(ValueError, "`up` must be one of x, y, z, -x.*up=north"):
        up_option({"up": "north"})


def test_reads_the_states_of_euroc_as_its_makers_wrote_them(shared_data):
    path = shared_data("formats", "euroc_csv", "V102_groundtruth_first2000.csv")
    track = read_track(path, w_first=True, exactly=False)
    assert len(track.stamps.values) == 2000 and track.poses.known.all() and track.stamps.whole
    np.testing.assert_allclose(track.poses.centers[0], [0.515356, 1.996773, 0.971104])
    # The body's x axis points up in the Vicon room while the vehicle stands on the ground.
    assert track.poses.rotations[0, 2, 0] > 0.9
