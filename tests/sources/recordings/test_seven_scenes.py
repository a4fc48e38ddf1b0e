import numpy as np
import pytest

from placevec.sources import open_places
from placevec.sources.recordings.seven_scenes import read_seven_scenes, recognize_seven_scenes

AHEAD = "1 0 0 {x}\n0 1 0 {y}\n0 0 1 {z}\n0 0 0 1\n"
RIGHT = "0\t0\t1\t{x}\n0\t1\t0\t{y}\n-1\t0\t0\t{z}\n0\t0\t0\t1\n"


@pytest.fixture
def scene(photos):
    def write(*sequences):
        for name in sequences or ("seq-01", "seq-02"):
            root = photos(*(f"{name}/frame-00000{frame}.{kind}.png"
                            for frame in (0, 1) for kind in ("color", "depth")))  # fmt: skip
            (root / name / "frame-000000.pose.txt").write_text(AHEAD.format(x=0, y=0, z=0))
            (root / name / "frame-000001.pose.txt").write_text(RIGHT.format(x=1, y=-2, z=3))
        return root

    return write


def test_reads_all_sequences_of_a_scene_without_depth(scene):
    dataset = read_seven_scenes(scene())
    assert dataset.names.tolist() == [
        f"seq-0{number}/frame-00000{frame}.color.png" for number in (1, 2) for frame in (0, 1)
    ]
    np.testing.assert_allclose(dataset.positions_m, [[0, 0], [1, 3]] * 2, atol=1e-9)
    np.testing.assert_allclose(dataset.headings_deg, [0, 90] * 2, atol=1e-9)
    np.testing.assert_allclose(dataset.altitudes_m, [0, 2] * 2, atol=1e-9)
    assert dataset.sequence_ids.tolist() == [0, 0, 1, 1]
    assert dataset.is_query.all() and dataset.is_database.all()
    assert dataset.frame == "SLAM metres"


def test_the_makers_split_tells_queries_from_the_database(scene, refuses):
    root = scene()
    (root / "TrainSplit.txt").write_text("sequence2\r\n")
    (root / "TestSplit.txt").write_text("sequence1\r\n")
    dataset = read_seven_scenes(root)
    assert dataset.is_query.tolist() == [True, True, False, False]
    assert dataset.is_database.tolist() == [False, False, True, True]
    (root / "TestSplit.txt").write_text("first\n")
    with refuses(ValueError, "Line 1 of .*TestSplit.txt must name a sequence.*Received: 'first'"):
        read_seven_scenes(root)


def test_reads_one_sequence_and_other_names(scene, photos):
    root = scene()
    assert read_seven_scenes(root / "seq-01").names.tolist() == [
        "frame-000000.color.png", "frame-000001.color.png",
    ]  # fmt: skip
    root = photos("room/data/frame-000000.jpg")
    (root / "room" / "data" / "frame-000000.pose.txt").write_text(AHEAD.format(x=5, y=0, z=0))
    assert read_seven_scenes(root / "room").names.tolist() == ["data/frame-000000.jpg"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("1 0 0 0\n0 1 0 0\n0 0 1 0\n", "a matrix of 4 lines of 4 numbers. Received: 3 lines"),
        ("1 0 0 0 0 1 0 0 0 0 1 0\n", "must hold 4 numbers. Received: 12"),
        ("0 0 0 0\n" * 4, "No pose for 1 of 4.*a matrix that is not a rotation"),
        ("-inf -inf -inf -inf\n" * 4, "No pose for 1 of 4.*a number that is not finite"),
        (None, "No pose for 1 of 4.*Put its .pose.txt beside each"),
    ],
)
def test_refuses_bad_and_missing_poses(scene, refuses, text, match):
    root = scene()
    path = root / "seq-01" / "frame-000001.pose.txt"
    path.unlink() if text is None else path.write_text(text)
    with refuses(ValueError, match):
        read_seven_scenes(f"{root},up=-y")


def test_says_how_many_poses_have_no_photo(scene, caplog):
    root = scene()
    (root / "seq-01" / "frame-000001.color.png").unlink()
    assert len(read_seven_scenes(root)) == 3
    assert "No photo for 1 pose in" in caplog.text and "first: frame-000001.pose.txt" in caplog.text


def test_refuses_a_folder_without_poses(photos, refuses):
    with refuses(FileNotFoundError, "must hold frame-000000.pose.txt"):
        read_seven_scenes(photos("seq-01/frame-000000.color.png"))


def test_is_recognized(scene):
    root = scene()
    assert recognize_seven_scenes(root) == "seq-01/*.pose.txt"
    assert len(open_places(str(root))) == 4


def test_damaged_files_end_in_one_line(scene, survives_damage):
    root = scene()
    for name, text in (("TrainSplit.txt", "sequence1\n"), ("TestSplit.txt", "sequence2\n")):
        (root / name).write_text(text)
    paths = [root / "seq-01" / "frame-000001.pose.txt", *sorted(root.glob("*.txt"))]
    survives_damage(lambda: read_seven_scenes(f"{root},up=-y"), *paths)


def test_a_frame_that_was_lost_can_be_skipped(scene, refuses):
    root = scene()
    lost = " ".join(["-1.#INF"] * 4) + "\n"
    (root / "seq-01" / "frame-000000.pose.txt").write_text(lost * 4)
    with refuses(ValueError, "No pose for 1 of 4 photos.*a number that is not finite"):
        read_seven_scenes(root)
    assert len(read_seven_scenes(root, skip_unreadable=True)) == 3


def test_sequences_of_no_split_and_those_that_are_missing_are_told(scene, caplog):
    root = scene("seq-01", "seq-02", "seq-03")
    (root / "TrainSplit.txt").write_text("sequence2\nsequence7\n")
    (root / "TestSplit.txt").write_text("sequence1\n")
    read_seven_scenes(root)
    assert "1 sequences in" in caplog.text and "are missing (first: sequence7)" in caplog.text
    assert "neither queries nor in the database (first: seq-03)" in caplog.text
