import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.sources import open_places
from placevec.sources.recordings.tum import read_tum, recognize_tum

# Level cameras in a world with z up that look north and east: x y z w.
NORTH = "-0.7071068 0 0 0.7071068"
EAST = "-0.5 0.5 -0.5 0.5"
RUN = f"# time x y z qx qy qz qw\n10.001 1 2 3 {NORTH}\n11.0 4 5 6 {EAST}\n"


@pytest.fixture
def run(photos):
    def write(text=RUN, *names):
        root = photos(*(names or ("rgb/10.0.png", "rgb/11.01.png")))
        (root / "groundtruth.txt").write_text(text)
        return root

    return write


def test_reads_positions_headings_heights_and_times(run):
    dataset = read_tum(run())
    assert dataset.names.tolist() == ["10.0.png", "11.01.png"]
    assert dataset.root.name == "rgb"
    np.testing.assert_allclose(dataset.positions_m, [[1, 2], [4, 5]], atol=1e-6)
    np.testing.assert_allclose(dataset.headings_deg, [0, 90], atol=1e-5)
    np.testing.assert_allclose(dataset.altitudes_m, [3, 6], atol=1e-6)
    assert dataset.times_s.tolist() == [10.0, 11.01]
    assert dataset.sequence_ids.tolist() == [0, 0]
    assert dataset.frame == "SLAM metres"


def test_a_camera_that_turns_about_the_vertical_turns_its_heading(run):
    lines, expected = [], []
    for step in range(16):
        # First the camera is set upright, looking north; then it is turned left about z.
        left = math.radians(22.5 * step)
        z, w = math.sin(left / 2), math.cos(left / 2)
        x0, w0 = -math.sqrt(0.5), math.sqrt(0.5)
        lines.append(f"{step} 0 0 0 {w * x0} {z * x0} {z * w0} {w * w0}")
        expected.append(-22.5 * step % 360)
    root = run("\n".join(lines), *(f"rgb/{step}.png" for step in range(16)))
    dataset = read_tum(root)
    order = np.argsort(dataset.times_s)
    np.testing.assert_allclose(dataset.headings_deg[order], expected, atol=1e-4)


def test_the_list_of_photos_goes_before_their_names(run):
    root = run(RUN, "rgb/one.png", "rgb/two.png", "rgb/three.png")
    (root / "rgb.txt").write_text("# time file\n11.0 rgb/two.png\n10.0 rgb/one.png\n")
    dataset = read_tum(root)
    assert dataset.names.tolist() == ["rgb/one.png", "rgb/two.png"]
    np.testing.assert_allclose(dataset.headings_deg, [0, 90], atol=1e-5)


def test_takes_trajectory_and_photos_from_two_places(photos):
    root = photos("photos/1000000000000000000.png", "photos/1100000000000000000.png")
    (root / "track.txt").write_text(RUN.replace("10.001", "1e18").replace("11.0", "11e17"))
    dataset = open_places(f"tum:{root}/track.txt,images={root}/photos")
    assert dataset.times_s.tolist() == [1e9, 1.1e9]


def test_up_is_named_where_the_cameras_do_not_tell_it(run, refuses):
    upside_down = "0 0.7071068 0.7071068 0"
    root = run(RUN.replace(EAST, upside_down))
    with refuses(ValueError, "held level on the average.*up=z"):
        read_tum(root)
    dataset = read_tum(f"{root},up=z")
    np.testing.assert_allclose(dataset.altitudes_m, [3, 6])
    np.testing.assert_allclose(read_tum(f"{root},up=-z").altitudes_m, [-3, -6])


def test_refuses_or_skips_photos_without_a_pose_in_time(run, refuses, caplog):
    root = run(RUN, "rgb/10.0.png", "rgb/10.5.png", "rgb/11.0.png")
    with refuses(ValueError, r"No pose for 1 of 3 photos.*10.5.png\). None is within 0.02 s"):
        read_tum(root)
    assert len(read_tum(root, skip_unreadable=True)) == 2
    assert "No pose for 1 of 3" in caplog.text
    assert len(read_tum(f"{root},within_s=0.6")) == 3


@pytest.mark.parametrize(
    ("pose", "flaw"),
    [
        ("0 0 0 0 0 0 0", "a quaternion of length 0, not 1"),
        ("0 0 0 0 0 0 2", "a quaternion of length 2, not 1"),
        ("nan 0 0 0 0 0 1", "a number that is not finite"),
        ("0 0 inf 0 0 0 1", "a number that is not finite"),
        ("0 0 1e10 0 0 0 1", r"a coordinate beyond 1e\+09"),
    ],
)
def test_a_pose_that_is_none_counts_as_missing_and_its_flaw_is_told(run, refuses, pose, flaw):
    root = run(f"10 1 2 3 {NORTH}\n11.0 {pose}\n")
    with refuses(ValueError, f"No pose for 1 of 2.*The first bad pose is number 2: {flaw}"):
        read_tum(root)
    assert read_tum(root, skip_unreadable=True).names.tolist() == ["10.0.png"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no line"),
        ("10 1 2 3 0 0 0\n", "Line 1 of .*groundtruth.txt must hold 8 numbers"),
        (f"10.0 1 2 3 {NORTH}\n10.0 1 2 4 {NORTH}\n", "two poses for the time 10.0"),
        (f"inf 1 2 3 {NORTH}\n", "must be finite"),
        (
            f"99.0 1 2 3 {NORTH}\n",
            r"No pose for 2 of 2.*10.000 to 11.010 s, the poses of 99.000 to",
        ),
        (f"10.0 1 2 3 {NORTH} 7\n", "must hold 8 numbers. Received: 9"),
        ("10,0 0,5 2,5 0,0 0,0 0,0 0,0 1,0\n", "decimal commas.*Write decimal points"),
    ],
)
def test_refuses_a_bad_trajectory(run, refuses, text, match):
    root = run(text)
    for skip_unreadable in (False, True):
        with refuses(ValueError, match):
            read_tum(root, skip_unreadable=skip_unreadable)


def test_refuses_a_folder_without_a_trajectory(photos, refuses):
    with refuses(FileNotFoundError, "must hold one of groundtruth.txt,.*FILE,images=DIR"):
        read_tum(photos("rgb/1.png"))


def test_refuses_or_skips_missing_photos(run, refuses):
    root = run()
    (root / "rgb.txt").write_text("10.0 rgb/10.0.png\n11.0 rgb/absent.png\n")
    with refuses(FileNotFoundError, "Missing or empty: 1 of 2.*rgb/absent.png"):
        read_tum(root)
    assert len(read_tum(root, skip_unreadable=True)) == 1


def test_is_recognized(run):
    root = run()
    assert (
        recognize_tum(root) == "groundtruth.txt with a time and a pose in each line, beside photos"
    )
    assert open_places(str(root)).frame == "SLAM metres"
    (root / "groundtruth.txt").write_text("1 2 3\n")
    assert recognize_tum(root) == ""


EDITS = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=6)


@given(EDITS, st.integers(0, 999), st.binary(max_size=60))
def test_damaged_files_end_in_one_line(run, survives, damage, edits, length, noise):
    root = run()
    for name, text in (("groundtruth.txt", RUN), ("rgb.txt", "10 rgb/10.0.png\n11 rgb/11.01.png")):
        for content in (damage(text.encode(), edits, length), noise):
            (root / name).write_bytes(content)
            survives(read_tum, root)
            recognize_tum(root)
            survives(lambda path: read_tum(path, skip_unreadable=True), f"{root},up=z")
        (root / name).write_text(text)


def test_runs_of_one_map_are_sequences_of_one_set(photos, refuses):
    root = photos("a/rgb/10.0.png", "a/rgb/11.01.png", "b/rgb/10.0.png", "b/rgb/11.01.png")
    for folder, text in (("a", RUN), ("b", RUN.replace("4 5 6", "7 8 9"))):
        (root / folder / "groundtruth.txt").write_text(text)
    with refuses(ValueError, "different origins. Received: 2 runs.*a, b.*same_world=yes"):
        read_tum(root)
    both = open_places(f"tum:{root},same_world=yes")
    assert both.names.tolist() == [f"{folder}/rgb/{name}" for folder in "ab"
                                   for name in ("10.0.png", "11.01.png")]  # fmt: skip
    assert both.sequence_ids.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(both.positions_m[2], both.positions_m[0])
    np.testing.assert_allclose(both.positions_m[3] - both.positions_m[1], [3, 3])
    np.testing.assert_allclose(both.headings_deg, [0, 90, 0, 90], atol=1e-3)
    assert "groundtruth.txt" in recognize_tum(root)
    assert len(read_tum(root / "a")) == 2


def test_the_columns_names_tell_whether_w_stands_first(run, refuses, caplog):
    w_first = "# timestamp tx ty tz qw qx qy qz\n10.0 1 2 3 0.5 -0.5 0.5 -0.5\n"
    root = run(w_first, "rgb/10.0.png")
    assert read_tum(root).headings_deg.tolist() == pytest.approx([90])
    assert "wxyz, as its columns' names say" in caplog.text
    run(w_first.replace("# ", "").replace(" ", ","), "rgb/10.0.png")
    assert read_tum(root).headings_deg.tolist() == pytest.approx([90])
    run(w_first.replace("qw qx qy qz", "qz qy qx qw"), "rgb/10.0.png")
    with refuses(ValueError, "a quaternion, w first or last. Received: timestamp, tx, .*qz, qy"):
        read_tum(root)


def test_a_path_alone_says_why_its_trajectory_is_not_read(run, refuses):
    root = run("10,0 0,5 2,5 0,0 0,0 0,0 0,0 1,0\n")
    with refuses(ValueError, "No reader recognizes .*groundtruth.txt must.* decimal commas"):
        open_places(str(root))


def test_frame_numbers_are_not_seconds(run, refuses):
    poses = "".join(f"{row / 10} {row} 0 0 0 0 0 1\n" for row in range(20))
    root = run(poses, *(f"rgb/{frame:06d}.png" for frame in range(3)))
    with refuses(ValueError, "a frame number is not a time. Received: 0. Write seconds.*unit=ms"):
        read_tum(root)
    with refuses(ValueError, "`unit` must be one of s, ms, us, ns. Received: unit=min"):
        read_tum(f"{root},unit=min")
    (root / "rgb" / "000002.png").unlink()
    assert read_tum(f"{root},unit=s,up=-y").positions_m[:, 0].tolist() == [0, 10]


def test_depth_images_beside_the_trajectory_are_not_photos(run, caplog):
    names = ("left/10.0.png", "left/11.01.png", "depth/10.0.png", "sky_masks/11.01.png")
    assert read_tum(run(RUN, *names)).names.tolist() == ["left/10.0.png", "left/11.01.png"]
    assert "2 images in" in caplog.text and "are depth, masks or labels" in caplog.text


def test_says_how_many_photos_share_a_pose(run, caplog):
    root = run(RUN, "rgb/10.0.png", "rgb/10.01.png", "rgb/11.01.png")
    assert len(read_tum(root)) == 3
    assert "2 of 3 photos share a pose of" in caplog.text


def test_reads_a_run_as_its_makers_wrote_it(shared_data):
    dataset = open_places(str(shared_data("formats", "tum_fr1_rpy")))
    assert len(dataset) == 8 and dataset.names[0] == "rgb/1305031232.861666.png"
    assert np.ptp(dataset.altitudes_m) < 0.2


def test_photos_that_are_not_named_are_counted(run, caplog):
    caplog.set_level("INFO")
    root = run(RUN, "rgb/one.png", "rgb/two.png", "rgb/three.png")
    (root / "rgb.txt").write_text("11.0 rgb/two.png\n10.0 rgb/one.png\n")
    read_tum(root)
    assert "1 photo beside those of" in caplog.text and "(first: rgb/three.png)" in caplog.text


def test_photos_that_were_shrunk_or_moved_since_are_found_and_told(run, caplog):
    caplog.set_level("INFO")
    root = run(RUN, "10.jpg", "rgb/11.jpg")
    (root / "rgb.txt").write_text("10.0 rgb/10.png\n11.01 rgb/11.png\n")
    dataset = read_tum(root)
    assert dataset.names.tolist() == ["10.jpg", "rgb/11.jpg"]
    np.testing.assert_allclose(dataset.positions_m, [[1, 2], [4, 5]], atol=1e-6)
    assert "2 photos have a different ending" in caplog.text
    assert "rgb/10.png is 10.jpg" in caplog.text


@pytest.fixture
def drive(tmp_path):
    """A video of 5 frames, 10 a second, and the poses of all by a clock that began 100 s before."""
    codec = cv2.VideoWriter_fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(tmp_path / "drive.mp4"), codec, 10, (32, 16))
    for _ in range(5):
        writer.write(np.zeros((16, 32, 3), np.uint8))
    writer.release()
    lines = [f"{100 + 0.1 * frame} {frame} 0 0 {NORTH}" for frame in range(5)]
    (tmp_path / "track.txt").write_text("\n".join(lines))
    return tmp_path


def test_frames_of_a_video_get_the_poses_of_their_times(drive):
    path = f"tum:{drive}/track.txt,images={drive}/drive.mp4,start_s=100.1"
    dataset = open_places(path, skip_unreadable=True)  # the last frame is after the last pose
    assert dataset.names.tolist() == [f"drive.mp4#{frame:06d}" for frame in range(4)]
    np.testing.assert_allclose(dataset.times_s, [100.1, 100.2, 100.3, 100.4])
    np.testing.assert_allclose(dataset.positions_m, [[1, 0], [2, 0], [3, 0], [4, 0]], atol=1e-6)


def test_a_video_by_another_clock_is_refused_with_a_way_out(drive, refuses):
    with refuses(ValueError, "the photos are of 0.000 to 0.400 s, the poses of 100.*start_s=SEC"):
        read_tum(f"{drive}/track.txt,images={drive}/drive.mp4")
    with refuses(ValueError, "`start_s` must be a number of seconds. Received: start_s=noon"):
        read_tum(f"{drive}/track.txt,images={drive}/drive.mp4,start_s=noon")


def test_a_video_that_is_missing_is_told_as_one(drive, refuses):
    with refuses(FileNotFoundError, "There is no video .*gone.mp4. Check"):
        read_tum(f"{drive}/track.txt,images={drive}/gone.mp4")


def test_photos_have_no_start(run, refuses):
    root = run()
    with refuses(ValueError, "`start_s` is when the first frame of a video was"):
        read_tum(f"{root}/groundtruth.txt,images={root}/rgb,start_s=1")
