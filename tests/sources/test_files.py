import os
from pathlib import Path

import pytest

from placevec.sources.files import Listing, go_on_without, readable, tell_unnamed, tidy_name
from placevec.sources.lacks import surveying


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        ("a.jpg", "a.jpg"),
        (" ./b//a.jpg", "b/a.jpg"),
        ("b\\a.jpg", "b/a.jpg"),
        ("b/../a.jpg", "a.jpg"),
        ("..a.jpg", "..a.jpg"),
    ],
)
def test_tidies_names(tmp_path, name, tidy):
    assert tidy_name(name, tmp_path) == tidy


@pytest.mark.parametrize("name", ["/etc/a.jpg", "../a.jpg", "b/../../a.jpg", "..", "C:\\a.jpg"])
def test_refuses_names_that_lead_outside(tmp_path, refuses, name):
    with refuses(ValueError, "stay inside"):
        tidy_name(name, tmp_path / "images.csv")


@pytest.mark.parametrize("name", ["", ".", "a\0.jpg"])
def test_refuses_empty_names(tmp_path, refuses, name):
    with refuses(ValueError, "must not be empty.*images.csv"):
        tidy_name(name, tmp_path / "images.csv")


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


def test_refuses_or_skips_missing_photos(photos, refuses, caplog):
    root = photos("a.jpg", "b.jpg")
    names = ["a.jpg", "x.jpg", "b.jpg", "y.jpg"]
    with refuses(
        FileNotFoundError, r"Missing or empty: 2 of 4 photos.*first: x.jpg.*`--skip-unreadable`"
    ):
        readable(root, names, source=root, skip_unreadable=False)
    there = readable(root, names, source=root, skip_unreadable=True)
    assert there.tolist() == [True, False, True, False]
    assert "2 of 4" in caplog.text
    with refuses(FileNotFoundError, "2 of 2"):
        readable(root, ["x.jpg", "y.jpg"], source=root, skip_unreadable=True)


def test_photos_beside_those_that_a_table_names_are_counted(photos, caplog):
    caplog.set_level("INFO")
    root = photos("sub/a.jpg", "sub/c.jpg", "sub/b.png", "sub/notes.txt", "other/d.jpg", "walk.mp4")
    tell_unnamed(root, ["sub/a.jpg", "walk.mp4#000003"], source=root / "t.csv")
    assert f"2 photos beside those of {root}/t.csv are not named in it (first: sub/b.png)" in (
        caplog.text
    )
    caplog.clear()
    tell_unnamed(root, ["sub/a.jpg", "sub/b.png", "sub/c.jpg"], source=root / "t.csv")
    assert not caplog.text


def test_says_nothing_where_nothing_lacks(caplog):
    go_on_without([], 3, problem="{}", way_out="", skip_unreadable=False)
    assert not caplog.text


def test_messages_stay_on_one_line_whatever_the_names(photos, refuses):
    with refuses(ValueError, "nor hold control characters"):
        tidy_name("a\nb.jpg", Path("images.csv"))
    root = photos("a\nb.jpg", content=b"")
    with refuses(FileNotFoundError, r"control characters: 1 of 1 photos.*first: a\\nb.jpg"):
        readable(root, ["a\nb.jpg"], source=root, skip_unreadable=False)


def test_a_frame_is_there_where_its_video_is(photos):
    listing = Listing(photos("walks/a.mp4", "photo.jpg"))
    assert listing.holds("walks/a.mp4#000003")
    for name in ("walks/b.mp4#000003", "photo.jpg#000003", "walks/a.mp4#x"):
        assert not listing.holds(name)
    assert tidy_name("walks/./a.mp4#000003", Path("t.csv")) == "walks/a.mp4#000003"


def test_notes_what_lacks_instead_of_refusing_it_while_surveying(photos, caplog):
    root = photos("a.jpg")
    with surveying() as lacks:
        there = readable(root, ["a.jpg", "x.jpg"], source=root, skip_unreadable=False)
        go_on_without(["b.jpg"], 2, problem="No light in {}", way_out="", skip_unreadable=False)
    assert there.tolist() == [True, True]
    assert [lack.names.tolist() for lack in lacks] == [["x.jpg"], ["b.jpg"]]
    assert [lack.of_files for lack in lacks] == [True, False]
    assert [lack.count for lack in lacks] == [2, 2]
    assert lacks[1].message == "No light in 1 of 2 (first: b.jpg)"
    assert not caplog.text


def test_refuses_again_after_surveying_and_where_nothing_is_known_of_any_photo(photos, refuses):
    root = photos("a.jpg")
    with surveying() as lacks:
        assert readable(root, ["x.jpg"], source=root, skip_unreadable=False).all()
        with refuses(ValueError, "No light in 1 of 1"):
            go_on_without(["b.jpg"], 1, problem="No light in {}", way_out="", skip_unreadable=True)
    assert len(lacks) == 1
    with refuses(FileNotFoundError, "1 of 1"):
        readable(root, ["x.jpg"], source=root, skip_unreadable=True)


def test_links_that_lead_out_are_followed_only_if_told(photos, refuses, monkeypatch):
    photos("inside/a.jpg", "outside/b.jpg", "outside/more/c.jpg")
    root = photos() / "inside"
    (root / "b.jpg").symlink_to(root.parent / "outside" / "b.jpg")
    (root / "more").symlink_to(root.parent / "outside" / "more")
    (root / "again.jpg").symlink_to(root / "a.jpg")
    (root / "lost.jpg").symlink_to(root.parent / "outside" / "lost.jpg")
    assert not Listing(root).leads_out("lost.jpg")
    names = ["again.jpg", "b.jpg", "more/c.jpg"]
    listing = Listing(root)
    assert [listing.holds(name) for name in names] == [True, False, False]
    assert [listing.leads_out(name) for name in names] == [False, True, True]
    with refuses(
        FileNotFoundError, "Links that lead out.*: 2 of 3 .*Set .*PLACEVEC_FOLLOW_LINKS=1"
    ):
        readable(root, names, source=root, skip_unreadable=False)
    with refuses(FileNotFoundError, "Missing or empty: 1 of 4 photos .*first: x.jpg"):
        readable(root, [*names, "x.jpg"], source=root, skip_unreadable=False)
    kept = readable(root, [*names, "x.jpg"], source=root, skip_unreadable=True)
    assert kept.tolist() == [True, False, False, False]
    monkeypatch.setenv("PLACEVEC_FOLLOW_LINKS", "1")
    assert readable(root, names, source=root, skip_unreadable=False).all()


def test_a_set_that_is_itself_a_link_is_read(photos, tmp_path):
    photos("there/sub/a.jpg")
    (tmp_path / "here").symlink_to(tmp_path / "there")
    assert Listing(tmp_path / "here").holds("sub/a.jpg")


@pytest.mark.parametrize("name", ["a\udce9.jpg", "a\x7f.jpg", "a\x85.jpg", "a\ud800.jpg"])
def test_refuses_names_that_no_table_can_hold(refuses, name):
    with refuses(ValueError, "must be UTF-8. Received: 'a.*images.csv"):
        tidy_name(name, Path("images.csv"))


def test_refuses_a_name_without_end(refuses):
    with refuses(ValueError, "at most 1000 characters. Received: 1004"):
        tidy_name("a" * 1000 + ".jpg", Path("images.csv"))


def test_a_photo_whose_file_is_missing_is_noted_once(photos):
    root = photos("a.jpg", "c.jpg")
    names = ["a.jpg", "b.jpg", "c.jpg"]
    with surveying() as lacks:
        readable(root, names, source=root, skip_unreadable=False)
        for lacking in (names[1:], names[1:2]):
            go_on_without(lacking, 3, problem="No light in {}", way_out="", skip_unreadable=False)
    assert [lack.names.tolist() for lack in lacks] == [["b.jpg"], ["c.jpg"]]
