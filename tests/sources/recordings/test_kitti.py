import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.sources import open_places
from placevec.sources.recordings.kitti import read_kitti, recognize_kitti

AHEAD = "1 0 0 {x} 0 1 0 {y} 0 0 1 {z}"
RIGHT = "0 0 1 {x} 0 1 0 {y} -1 0 0 {z}"
DRIVE = "\n".join([AHEAD.format(x=0, y=0, z=0), RIGHT.format(x=1, y=-2, z=30)])


@pytest.fixture
def drive(photos):
    def write(name="00", text=DRIVE, camera="image_2/", frames=(0, 1)):
        root = photos(*(f"sequences/{name}/{camera}{frame:06d}.png" for frame in frames))
        (root / "poses").mkdir(exist_ok=True)
        if text is not None:
            (root / "poses" / f"{name}.txt").write_text(text)
        return root

    return write


@pytest.mark.parametrize("inside", ["", "sequences", "sequences/00"])
def test_reads_a_drive_on_the_plane_of_x_and_z(drive, inside):
    dataset = read_kitti(drive() / inside)
    assert dataset.names.tolist() == ["image_2/000000.png", "image_2/000001.png"]
    assert dataset.positions_m.tolist() == [[0, 0], [1, 30]]
    assert dataset.headings_deg.tolist() == [0, 90]
    assert dataset.altitudes_m.tolist() == [0, 2]
    assert dataset.sequence_ids.tolist() == [0, 0]
    assert dataset.times_s is None
    assert dataset.frame == "SLAM metres"


def test_takes_color_before_gray_before_the_folder(drive):
    root = drive(camera="")
    assert read_kitti(root).names[0] == "000000.png"
    drive(camera="image_l/")
    assert read_kitti(root).names[0] == "image_l/000000.png"
    drive(camera="image_0/")
    assert read_kitti(root).names[0] == "image_0/000000.png"
    drive(camera="image_2/")
    assert read_kitti(root).names[0] == "image_2/000000.png"


def test_a_photos_number_is_its_frame(drive, refuses):
    root = drive(frames=(1,))
    assert read_kitti(root).positions_m.tolist() == [[1, 30]]
    drive(frames=(0, 2))
    with refuses(ValueError, "No pose for 1 of 3 photos.*000002.png.*It has 2 lines"):
        read_kitti(root)
    assert len(read_kitti(root, skip_unreadable=True)) == 2


@pytest.mark.parametrize("skip_unreadable", [False, True])
def test_photos_that_are_counted_from_1_get_no_pose_of_the_next_one(
    drive, refuses, skip_unreadable
):
    root = drive(frames=(1, 2))
    with refuses(ValueError, "numbered from 0.*Received: 1 to 2 for 2 lines. Rename them"):
        read_kitti(root, skip_unreadable=skip_unreadable)


@pytest.mark.parametrize("gap", ["\n", "# lost\n"])
def test_an_empty_line_of_poses_shifts_nothing(drive, refuses, gap):
    line = "1 0 0 0 0 1 0 0 0 0 1 0\n"
    root = drive(text=line + gap + line)
    with refuses(ValueError, "Line 2 of .*00.txt must hold 12 numbers, because lines are counted"):
        read_kitti(root, skip_unreadable=True)


def test_reads_times(drive, caplog, refuses):
    root = drive()
    (root / "sequences" / "00" / "times.txt").write_text("0.0\n1.036e-1\n")
    assert read_kitti(root).times_s.tolist() == [0, 0.1036]
    (root / "sequences" / "00" / "times.txt").write_text("5.0\n")
    np.testing.assert_array_equal(read_kitti(root).times_s, [5, np.nan])
    assert "has no time for 1 of 2 photos" in caplog.text
    (root / "sequences" / "00" / "times.txt").write_text(
        "1317384506400000000\n1317384506500000000\n"
    )
    np.testing.assert_allclose(read_kitti(root).times_s, [1317384506.4, 1317384506.5])
    (root / "sequences" / "00" / "times.txt").write_text("0,0\n0,1\n")
    with refuses(ValueError, "Line 1 of .*times.txt must hold 1 numbers. Received: 2, '0,0'"):
        read_kitti(root)


def test_takes_poses_and_photos_from_two_places(drive, photos):
    root = drive()
    photos("elsewhere/0.png", "elsewhere/1.png")
    dataset = open_places(f"kitti:{root}/poses/00.txt,images={root}/elsewhere")
    assert dataset.names.tolist() == ["0.png", "1.png"]


def test_never_mixes_drives_unless_told_to_set_them_apart(drive, refuses):
    root = drive("00")
    drive("01")
    with refuses(ValueError, "different origins. Received: 2 drives .*00, 01.*,apart_m=10000"):
        read_kitti(root)
    (root / "sequences" / "01" / "times.txt").write_text("0\n1\n")
    dataset = read_kitti(f"{root},apart_m=500")
    assert dataset.names.tolist() == [
        f"{name}/image_2/{frame:06d}.png" for name in ("00", "01") for frame in (0, 1)
    ]
    assert dataset.positions_m.tolist() == [[0, 0], [1, 30], [501, 0], [502, 30]]
    assert dataset.headings_deg.tolist() == [0, 90, 0, 90]
    assert dataset.sequence_ids.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(dataset.times_s, [np.nan, np.nan, 0, 1])
    assert dataset.frame == "SLAM metres, drives apart"
    assert all(path.is_file() for path in dataset.paths())
    with refuses(ValueError, "`apart_m` must be a positive number"):
        read_kitti(f"{root},apart_m=near")


def test_refuses_or_skips_drives_without_poses(drive, refuses, caplog):
    root = drive("00")
    drive("11", text=None)
    with refuses(ValueError, "No poses for 1 of 2 drives .*first: 11.*sequences/00"):
        read_kitti(root)
    assert len(read_kitti(root, skip_unreadable=True)) == 2
    assert "No poses for 1 of 2" in caplog.text
    with refuses(FileNotFoundError, "must have poses"):
        read_kitti(root / "sequences" / "11")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("1 0 0 0\n", "Line 1 of .*00.txt must hold 12 numbers. Received: 4"),
        (f"0 {DRIVE}", "Line 1 of .*00.txt must hold 12 numbers. Received: 13"),
        (
            AHEAD.format(x="nan", y=0, z=0) + "\n" + AHEAD.format(x=0, y=0, z=0),
            "No pose for 1 of 2",
        ),
        (
            "0 " * 12 + "\n" + AHEAD.format(x=0, y=0, z=0),
            "No pose for 1 of 2.*number 1: a matrix that is not a rotation",
        ),
    ],
)
def test_refuses_bad_poses(drive, refuses, text, match):
    with refuses(ValueError, match):
        read_kitti(drive(text=text))


def test_refuses_a_drive_without_numbered_photos(drive, photos, refuses):
    root = drive(frames=())
    photos("sequences/00/image_2/view.png")
    with refuses(ValueError, "named by their frame"):
        read_kitti(root)


def test_is_recognized(drive, photos):
    root = drive()
    assert recognize_kitti(root) == "00.txt with a pose of 12 numbers in each line, 1 in all"
    assert open_places(str(root / "sequences" / "00")).frame == "SLAM metres"
    (root / "poses" / "00.txt").write_text("1 2 3\n")
    assert recognize_kitti(root) == ""


@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=6),
    st.integers(0, 999),
    st.binary(max_size=60),
)
def test_damaged_files_end_in_one_line(drive, survives, damage, edits, length, noise):
    root = drive()
    times = root / "sequences" / "00" / "times.txt"
    times.write_text("0\n1\n")
    for path, text in ((root / "poses" / "00.txt", DRIVE), (times, "0.0\n0.1\n")):
        for content in (damage(text.encode(), edits, length), noise):
            path.write_bytes(content)
            survives(read_kitti, root)
            recognize_kitti(root)
        path.write_text(text)


def test_reads_a_drive_as_its_makers_wrote_it(shared_data):
    """The second pose is 1.2 m ahead of the first."""
    dataset = open_places(str(shared_data("formats", "kitti_sequence")))
    assert dataset.names[0] == "image_l/000000.png"
    np.testing.assert_allclose(dataset.positions_m[:2], [[0, 0], [-0.014, 1.199]], atol=1e-3)


def test_whole_times_are_said_to_be_taken_for_seconds(drive, caplog):
    root = drive()
    (root / "sequences" / "00" / "times.txt").write_text("0\n100\n")
    assert read_kitti(root).times_s.tolist() == [0, 100]
    assert "whole numbers: read as seconds" in caplog.text
