import numpy as np
import pytest

from placevec.sources.poses import Poses
from placevec.sources.trajectory import (
    nearest_poses,
    photos_by_stamp,
    read_frame_list,
    seconds_of_stamps,
    up_option,
)


def along_x(count):
    centers = np.zeros((count, 3))
    centers[:, 0] = np.arange(count)
    return Poses(centers, [np.eye(3)] * count)


def test_the_size_of_a_time_stamp_tells_its_unit():
    for unit in (1, 1e3, 1e6, 1e9):
        stamps = np.array([1403636578.5, 1403636579.5, np.nan]) * unit
        np.testing.assert_allclose(
            seconds_of_stamps(stamps), [1403636578.5, 1403636579.5, np.nan], rtol=1e-15
        )
    assert seconds_of_stamps(np.array([12.5, 0.0])).tolist() == [12.5, 0]


def test_the_stamps_of_a_file_have_one_unit():
    """A simulator's nanoseconds pass the size of milliseconds after 100 s."""
    seconds = seconds_of_stamps(np.array([0.0, 9.9e10, 1.0e11, 1.1e11]))
    assert (np.diff(seconds) > 0).all()


def test_the_nearest_pose_equals_that_of_plain_loops(tmp_path):
    generator = np.random.default_rng(0)
    pose_times, times = generator.uniform(0, 10, 40), generator.uniform(-1, 11, 200)
    found = nearest_poses(along_x(40), pose_times, times, within_s=0.1, source=tmp_path)
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
    found = nearest_poses(
        along_x(1), np.array([5.0]), np.array([4.0, 5.0, 6.0]), within_s=0.5, source=tmp_path
    )
    assert found.known.tolist() == [False, True, False]


def test_a_pose_that_stands_twice_is_one_and_two_for_one_time_are_refused(tmp_path, refuses):
    times = np.array([1.0, 1.0])
    same = along_x(2).at(np.array([1, 1]))
    assert nearest_poses(same, times, times, within_s=0.1, source=tmp_path).known.all()
    with refuses(ValueError, "gives two poses for the time 1.0+. Keep one"):
        nearest_poses(along_x(2), times, times, within_s=0.1, source=tmp_path)


@pytest.mark.parametrize("time", [np.nan, np.inf])
def test_refuses_times_that_are_not_finite(tmp_path, refuses, time):
    with refuses(ValueError, "must be finite"):
        nearest_poses(
            along_x(2), np.array([1.0, time]), np.array([1.0]), within_s=0.1, source=tmp_path
        )


def test_lists_photos_in_the_order_of_time(photos, refuses):
    root = photos("b/10.5.png", "b/9.5.jpg", "b/1403636579.5.png")
    names, times_s = photos_by_stamp(root, skip_unreadable=False)
    assert names.tolist() == ["b/9.5.jpg", "b/10.5.png", "b/1403636579.5.png"]
    assert times_s.tolist() == [9.5, 10.5, 1403636579.5]
    photos("nan.png", "view.png")
    with refuses(ValueError, "No time stamps as names of 2 of 5 photos.*first: nan.png"):
        photos_by_stamp(root, skip_unreadable=False)
    assert len(photos_by_stamp(root, skip_unreadable=True)[0]) == 3


def test_reads_lists_with_blanks_or_commas(tmp_path):
    (tmp_path / "list.txt").write_text("# time file\n1.5 rgb/a b.png\n\n2.5,rgb/c.png\n")
    names, stamps = read_frame_list(tmp_path / "list.txt")
    assert names.tolist() == ["rgb/a b.png", "rgb/c.png"]
    assert stamps.tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("# nothing\n", "must name photos. Received: no line"),
        ("1.5\n", "Line 1 of .* must be a time stamp and a file. Received: '1.5'"),
        ("1 a.png\nsoon b.png\n", "Line 2"),
        ("inf a.png\n", "Line 1"),
        ("1 ../a.png\n", "stay inside"),
        ("1 /a.png\n", "stay inside"),
        ("1 " + "a" * 20000, "too long"),
    ],
)
def test_refuses_a_bad_list(tmp_path, refuses, text, match):
    (tmp_path / "list.txt").write_text(text)
    with refuses(ValueError, match):
        read_frame_list(tmp_path / "list.txt")


def test_refuses_an_up_that_is_no_axis(refuses):
    assert up_option({}) is None
    assert up_option({"up": "-y"}).tolist() == [0, -1, 0]
    with refuses(ValueError, "`up` must be one of x, y, z, -x.*up=north"):
        up_option({"up": "north"})
