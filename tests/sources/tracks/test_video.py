import os

import cv2
import numpy as np
import pytest

from placevec.config import TupleConfig
from placevec.images import read_image
from placevec.places import TupleSampler
from placevec.places.ground_truth import relevant_database
from placevec.sources import open_places
from placevec.sources.missing import note_missing
from placevec.sources.tracks.video import SECONDS_APART, read_video, recognize_video


@pytest.fixture
def videos(tmp_path):
    """Two videos of 25 and 10 frames; the gray of a frame is ten times its number."""
    for name, count in (("b.mkv", 25), ("a.mp4", 10)):
        codec = cv2.VideoWriter_fourcc(*("MJPG" if name.endswith("mkv") else "mp4v"))
        writer = cv2.VideoWriter(str(tmp_path / name), codec, 30, (32, 16))
        for number in range(count):
            writer.write(np.full((16, 32, 3), number * 10, np.uint8))
        writer.release()
    return tmp_path


def test_reads_every_frame_of_a_video(videos):
    dataset = open_places(f"video:{videos / 'a.mp4'}")
    assert dataset.names.tolist() == [f"a.mp4#{n:06d}" for n in range(10)]
    np.testing.assert_array_equal(dataset.positions_m, [[n, 0] for n in range(10)])
    assert dataset.frame == "frames"
    assert len(dataset.queries) == len(dataset.database) == 10
    for row, path in enumerate(dataset.paths()):
        assert abs(read_image(path).mean() - 10 * row) < 4


def test_a_stride_leaves_the_numbers_as_they_are(videos):
    dataset = read_video(f"{videos},stride=8")
    assert dataset.names.tolist() == [
        "a.mp4#000000", "a.mp4#000008",
        "b.mkv#000000", "b.mkv#000008", "b.mkv#000016", "b.mkv#000024",
    ]  # fmt: skip
    assert dataset.positions_m[:, 0].tolist() == [0, 8, 0, 8, 16, 24]
    assert dataset.sequence_ids.tolist() == [0, 0, 1, 1, 1, 1]


def test_frames_of_two_videos_are_never_positives(videos):
    dataset = read_video(f"{videos},stride=8")
    found = [each.tolist() for each in relevant_database(dataset, radius_m=1000.0)]
    assert found == [[1], [0], [3, 4, 5], [2, 4, 5], [2, 3, 5], [2, 3, 4]]
    sampler = TupleSampler(
        dataset,
        **vars(
            TupleConfig(num_positives=1, num_negatives=1, positive_radius_m=8, negative_radius_m=16)
        ),
    )
    assert sampler.positives(3).tolist() == [2, 4]


def test_times_are_counted_in_each_video_and_keep_videos_apart(videos):
    dataset = read_video(f"{videos},stride=8")
    np.testing.assert_allclose(
        dataset.times_s, [0, 8 / 30, *(SECONDS_APART + np.array([0, 8, 16, 24]) / 30)]
    )
    found = relevant_database(dataset, radius_m=1000.0, min_time_difference_s=0.5)
    assert [each.tolist() for each in found] == [[], [], [4, 5], [5], [2], [2, 3]]


def test_a_video_that_was_cut_off_has_the_frames_that_are_left(videos, caplog):
    data = (videos / "b.mkv").read_bytes()
    (videos / "b.mkv").write_bytes(data[: len(data) * 6 // 10])
    dataset = read_video(videos / "b.mkv")
    assert 5 < len(dataset) < 25
    assert f"b.mkv announces 25 frames, but only {len(dataset)} can be decoded" in caplog.text
    for row, path in enumerate(dataset.paths()):
        assert abs(read_image(path).mean() - 10 * row) < 4


def test_a_check_lists_videos_that_are_broken_or_cut_off(videos):
    data = (videos / "b.mkv").read_bytes()
    (videos / "b.mkv").write_bytes(data[: len(data) * 6 // 10])
    (videos / "c.mov").write_bytes(b"no video")
    with note_missing() as notes:
        dataset = read_video(videos)
    assert 15 < len(dataset) < 35
    assert [note.names.tolist() for note in notes] == [["b.mkv"], ["c.mov"]]
    assert [note.left_out for note in notes] == [True, True]
    assert "b.mkv announces 25 frames, but only" in notes[0].message
    assert "c.mov is not a complete video" in notes[1].message


def test_an_ending_in_capitals_or_of_another_container_is_a_video(videos):
    for name in ("a.MOV", "a.m4v", "a.Mp4"):
        (videos / "a.mp4").rename(videos / name)
        assert recognize_video(videos / name) == f"the video {name}"
        dataset = read_video(videos / name)
        assert len(dataset) == 10 and abs(read_image(dataset.path(7)).mean() - 70) < 4
        (videos / name).rename(videos / "a.mp4")


def test_says_what_a_folder_holds_besides(videos, photos, caplog):
    photos("one.jpg", "two.JPG", "notes.txt", ".hidden.jpg")
    (videos / "b.mkv").rename(videos / "b.mkv.part")
    (videos / "more").mkdir()
    (videos / "gone.avi").symlink_to(videos / "nowhere.avi")
    (videos / "more" / "c.mp4").write_bytes(b"video")
    assert len(read_video(videos)) == 10
    text = caplog.text
    assert "1 file in" in text and "is a video with another ending (first: b.mkv.part)" in text
    assert "1 folder in" in text and "holds videos (first: more): left out. Name each" in text
    assert "2 photos are among the videos" in text and "(first: one.jpg)" in text
    assert "1 entry" in text and "(first: gone.avi)" in text and "notes" not in text


def test_a_table_may_name_frames(videos):
    (videos / "images.csv").write_text("file,east,north\na.mp4#3,0,0\nb.mkv#000004,5,0\n")
    assert open_places(f"table:{videos}").names.tolist() == ["a.mp4#3", "b.mkv#000004"]
    (videos / "images.csv").write_text("file,east,north\na.mp4#3,0,0\nc.mkv#000004,5,0\n")
    with pytest.raises(FileNotFoundError, match="Missing or empty: 1 of 2"):
        open_places(f"table:{videos}")


def test_goes_on_without_broken_videos_when_told(videos, refuses, caplog):
    (videos / "c.mkv").write_bytes(b"no video")
    with refuses(ValueError, "Unreadable: 1 of 3 videos .*first: c.mkv; .*is not a complete video"):
        read_video(videos)
    assert len(read_video(videos, skip_unreadable=True)) == 35
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        ("stride=0", "`stride` must be a positive integer. Received: stride=0"),
        ("stride=1.5", "must be a positive integer"),
        ("stride=99999999999", "must be a positive integer"),
        ("stride=", "these options may follow"),
        ("strides=3", "once each: stride=.* Received: strides=3 in"),
        ("stride=3,stride=4", "Received: stride=4 in"),
    ],
)
def test_refuses_choices_it_does_not_know(videos, refuses, choice, match):
    with refuses(ValueError, match):
        read_video(f"{videos},{choice}")


def test_refuses_what_holds_no_video(tmp_path, refuses):
    with refuses(FileNotFoundError, "nowhere does not exist"):
        read_video(tmp_path / "nowhere")
    with refuses(ValueError, "No videos in"):
        read_video(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    with refuses(ValueError, "A video's name must end in .mp4, .*Received: .*a.txt. Rename"):
        read_video(tmp_path / "a.txt")


def test_recognizes_a_video_and_a_folder_of_videos(videos, tmp_path):
    assert recognize_video(videos / "a.mp4") == "the video a.mp4"
    assert recognize_video(videos).startswith("videos such as")
    (tmp_path / "photos").mkdir()
    assert recognize_video(tmp_path / "photos") == ""


def test_survives_damage(videos, survives_damage):
    survives_damage(lambda: read_video(videos / "a.mp4"), videos / "a.mp4")
    survives_damage(lambda: read_video(videos / "b.mkv"), videos / "b.mkv")


def test_a_pipe_named_as_a_video_is_told(tmp_path, refuses):
    os.mkfifo(tmp_path / "a.mp4")
    with refuses(FileNotFoundError, "a.mp4 is a pipe or a device"):
        read_video(tmp_path / "a.mp4")
