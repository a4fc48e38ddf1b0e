import os
from pathlib import Path

import pytest

from placevec.sources.files import readable, tidy_name
from placevec.sources.listing import Listing


def test_finds_a_file_of_another_suffix_only_where_the_name_itself_is_not_there(photos):
    root = photos("a/1.png", "a/2.jpg", "a/2.png", "a/3.4_5.PNG", "a/6.txt")
    listing = Listing(root)
    names = ["a/1.jpg", "a/2.jpg", "a/3.4_5.jpg", "a/6.jpg", "b/1.jpg"]
    assert [listing.find(name) for name in names] == [
        "a/1.png",
        "a/2.jpg",
        "a/3.4_5.PNG",
        None,
        None,
    ]
    assert not listing.holds("a/1.jpg")


@pytest.mark.parametrize("suffixes", [(".bmp", ".png"), (".png", ".bmp")])
def test_takes_the_more_usual_of_two_other_suffixes(photos, suffixes):
    root = photos(*(f"1{suffix}" for suffix in suffixes))
    assert Listing(root).find("1.jpg") == "1.png"


def test_takes_empty_files_folders_and_dead_links_for_missing(photos):
    root = photos("full.jpg", "folder.jpg/x.jpg")
    photos("empty.jpg", content=b"")
    os.symlink(root / "nowhere", root / "dead.jpg")
    listing = Listing(root)
    os.symlink(root / "self.jpg", root / "self.jpg")
    os.mkfifo(root / "pipe.jpg")
    names = ["full.jpg", "empty.jpg", "folder.jpg", "dead.jpg", "absent.jpg", "full.jpg/x.jpg",
             "self.jpg", "pipe.jpg", "self.jpg/x.jpg"]  # fmt: skip
    assert [listing.holds(name) for name in names] == [True] + [False] * 8


def test_lists_each_folder_once(photos, monkeypatch):
    root = photos(*(f"a/{i}.jpg" for i in range(5)))
    calls = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: calls.append(path) or scandir(path))
    readable(root, [f"a/{i}.jpg" for i in range(5)], source=root, skip_unreadable=False)
    assert len(calls) == 1


def test_a_frame_is_there_where_its_video_is(photos):
    listing = Listing(photos("walks/a.mp4", "photo.jpg"))
    assert listing.holds("walks/a.mp4#000003")
    for name in ("walks/b.mp4#000003", "photo.jpg#000003", "walks/a.mp4#x"):
        assert not listing.holds(name)
    assert tidy_name("walks/./a.mp4#000003", Path("t.csv")) == "walks/a.mp4#000003"


def test_a_set_that_is_itself_a_link_is_read(photos, tmp_path):
    photos("there/sub/a.jpg")
    (tmp_path / "here").symlink_to(tmp_path / "there")
    assert Listing(tmp_path / "here").holds("sub/a.jpg")
