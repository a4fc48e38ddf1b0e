import os
import shutil
import sys

import cv2
import numpy as np
import pytest

from placevec.images import frame_name
from placevec.images.duplicates.same_photos import Same, same_photos


@pytest.fixture
def write(tmp_path):
    """Returns a function that writes noise of a seed as a photo."""

    def photo(name, seed):
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / name), pixels)
        return tmp_path / name

    return photo


def found(paths, alike=(), rows=1):
    return same_photos(paths, np.arange(rows), np.arange(rows, len(paths)), alike)


def test_links_are_the_same_file(write, tmp_path):
    one, other = write("a.png", 0), write("b.png", 1)
    os.link(one, tmp_path / "hard.png")
    os.symlink(one, tmp_path / "soft.png")
    for name in ("hard.png", "soft.png"):
        assert found([one, other, tmp_path / name]) == [Same(0, 2, "file")]
    assert found([one, other]) == []


def test_copies_have_the_same_bytes(write, tmp_path):
    one, other = write("a.png", 0), write("b.png", 1)
    shutil.copy(one, tmp_path / "copy.jpg")
    assert found([one, other, tmp_path / "copy.jpg"]) == [Same(0, 2, "bytes")]


def test_files_of_equal_size_and_end_are_not_copies(tmp_path):
    for name, start in (("a.jpg", b"1"), ("b.jpg", b"2")):
        (tmp_path / name).write_bytes(start + bytes(10_000))
    assert found([tmp_path / "a.jpg", tmp_path / "b.jpg"]) == []


def test_pixels_are_compared_where_they_may_be_equal(write):
    one, other, saved_again = write("a.png", 0), write("b.png", 1), write("c.bmp", 0)
    paths = [one, other, saved_again]
    assert found(paths) == []
    assert found(paths, alike=[(0, 1), (0, 2)]) == [Same(0, 2, "pixels")]


def test_a_photo_is_not_its_own_other(write, tmp_path):
    paths = [write("a.png", 0), write("b.png", 1)]
    everyone = np.arange(2)
    assert same_photos(paths, everyone, everyone, [(0, 0)]) == []
    shutil.copy(paths[0], tmp_path / "c.png")
    paths.append(tmp_path / "c.png")
    assert same_photos(paths, np.arange(3), np.arange(3)) == [
        Same(0, 2, "bytes"),
        Same(2, 0, "bytes"),
    ]


def test_frames_are_the_same_in_copies_of_a_video_only_at_equal_numbers(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"video")
    shutil.copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    paths = [tmp_path / frame_name(*each) for each in (("a.mp4", 1), ("a.mp4", 2), ("b.mp4", 1))]
    assert found(paths) == [Same(0, 2, "bytes")]
    assert found(paths[:2]) == []


def test_what_is_missing_or_damaged_is_never_the_same(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "damaged.jpg").write_bytes(b"damaged")
    paths = [tmp_path / name for name in ("absent.jpg", "pipe.jpg", "damaged.jpg", "nor.jpg")]
    assert found(paths, alike=[(0, 3), (1, 2)], rows=2) == []


def test_of_many_pairs_some_are_compared(write, monkeypatch):
    monkeypatch.setattr(sys.modules[same_photos.__module__], "_MOST_COMPARED", 3)
    paths = [write(f"{n}.png", n) for n in range(7)] + [write(f"{n}.bmp", n) for n in range(7)]
    same = found(paths, alike=[(n, n + 7) for n in range(7)], rows=7)
    assert [each.row for each in same] == [0, 3, 6]
