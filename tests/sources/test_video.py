import cv2
import numpy as np
import pytest

from placevec.images import read_image
from placevec.places import TupleSampler
from placevec.places.ground_truth import relevant_database
from placevec.sources import open_places
from placevec.sources.video import read_video, recognize_video


@pytest.fixture
def films(tmp_path):
    """Two films of 25 and 10 frames; the grey of a frame is ten times its number."""
    for name, count in (("b.mkv", 25), ("a.mp4", 10)):
        codec = cv2.VideoWriter_fourcc(*("MJPG" if name.endswith("mkv") else "mp4v"))
        writer = cv2.VideoWriter(str(tmp_path / name), codec, 30, (32, 16))
        for number in range(count):
            writer.write(np.full((16, 32, 3), number * 10, np.uint8))
        writer.release()
    return tmp_path


def test_reads_every_frame_of_a_film(films):
    dataset = open_places(f"video:{films / 'a.mp4'}")
    assert dataset.names.tolist() == [f"a.mp4#{n:06d}" for n in range(10)]
    np.testing.assert_array_equal(dataset.positions_m, [[n, 0] for n in range(10)])
    assert dataset.frame == "frames"
    assert len(dataset.queries) == len(dataset.database) == 10
    for row, path in enumerate(dataset.paths()):
        assert abs(read_image(path).mean() - 10 * row) < 4


def test_a_stride_leaves_the_numbers_as_they_are(films):
    dataset = read_video(f"{films},stride=8")
    assert dataset.names.tolist() == [
        "a.mp4#000000", "a.mp4#000008",
        "b.mkv#000000", "b.mkv#000008", "b.mkv#000016", "b.mkv#000024",
    ]  # fmt: skip
    assert dataset.positions_m[:, 0].tolist() == [0, 8, 0, 8, 16, 24]
    assert dataset.sequence_ids.tolist() == [0, 0, 1, 1, 1, 1]


def test_frames_of_two_films_are_never_positives(films):
    dataset = read_video(f"{films},stride=8")
    found = [each.tolist() for each in relevant_database(dataset, radius_m=1000.0)]
    assert found == [[1], [0], [3, 4, 5], [2, 4, 5], [2, 3, 5], [2, 3, 4]]
    sampler = TupleSampler(dataset, num_positives=1, num_negatives=1, positive_radius_m=8,
                           negative_radius_m=16)  # fmt: skip
    assert sampler.positives(3).tolist() == [2, 4]


def test_a_table_may_name_frames(films):
    (films / "images.csv").write_text("file,east,north\na.mp4#3,0,0\nb.mkv#000004,5,0\n")
    assert open_places(f"table:{films}").names.tolist() == ["a.mp4#3", "b.mkv#000004"]
    (films / "images.csv").write_text("file,east,north\na.mp4#3,0,0\nc.mkv#000004,5,0\n")
    with pytest.raises(FileNotFoundError, match="Missing or empty: 1 of 2"):
        open_places(f"table:{films}")


def test_goes_on_without_broken_films_where_told(films, refuses, caplog):
    (films / "c.mkv").write_bytes(b"no film")
    with refuses(ValueError, "Unreadable: 1 of 3 films .*first: c.mkv; .*is no whole film"):
        read_video(films)
    assert len(read_video(films, skip_unreadable=True)) == 35
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        ("stride=0", "`stride` must be a positive integer. Received: stride=0"),
        ("stride=1.5", "must be a positive integer"),
        ("stride=99999999999", "must be a positive integer"),
        ("stride=", "Behind a path may stand"),
        ("strides=3", "stand, once each: stride=.* Received: strides=3 in"),
        ("stride=3,stride=4", "Received: stride=4 in"),
    ],
)
def test_refuses_choices_it_does_not_know(films, refuses, choice, match):
    with refuses(ValueError, match):
        read_video(f"{films},{choice}")


def test_refuses_what_holds_no_film(tmp_path, refuses):
    with refuses(FileNotFoundError, "nowhere does not exist"):
        read_video(tmp_path / "nowhere")
    with refuses(ValueError, "No films in"):
        read_video(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    with refuses(ValueError, "is no whole film"):
        read_video(tmp_path / "a.txt")


def test_recognizes_a_film_and_a_folder_of_films(films, tmp_path):
    assert recognize_video(films / "a.mp4") == "the film a.mp4"
    assert recognize_video(films).startswith("films such as")
    (tmp_path / "photos").mkdir()
    assert recognize_video(tmp_path / "photos") == ""


def test_survives_damage(films, survives_damage):
    survives_damage(lambda: read_video(films / "a.mp4"), films / "a.mp4")
    survives_damage(lambda: read_video(films / "b.mkv"), films / "b.mkv")
