from pathlib import Path

import pytest

from placevec.sources.files import readable, tell_unnamed, tidy_name
from placevec.sources.listing import Listing


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
    with refuses(ValueError, "and not empty.*images.csv"):
        tidy_name(name, tmp_path / "images.csv")


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
    assert f"2 photos beside those of {root}/t.csv: not named in it (first: sub/b.png)" in (
        caplog.text
    )
    caplog.clear()
    tell_unnamed(root, ["sub/a.jpg", "sub/b.png", "sub/c.jpg"], source=root / "t.csv")
    assert not caplog.text


def test_messages_stay_on_one_line_whatever_the_names(photos, refuses):
    with refuses(ValueError, "without control characters"):
        tidy_name("a\nb.jpg", Path("images.csv"))
    root = photos("a\nb.jpg", content=b"")
    with refuses(FileNotFoundError, r"control characters: 1 of 1 photo.*first: a\\nb.jpg"):
        readable(root, ["a\nb.jpg"], source=root, skip_unreadable=False)


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


@pytest.mark.parametrize("name", ["a\udce9.jpg", "a\x7f.jpg", "a\x85.jpg", "a\ud800.jpg"])
def test_refuses_names_that_no_table_can_hold(refuses, name):
    with refuses(ValueError, "and not empty. Received: 'a.*images.csv"):
        tidy_name(name, Path("images.csv"))


def test_refuses_a_name_without_end(refuses):
    with refuses(ValueError, "at most 1000 characters. Received: 1004"):
        tidy_name("a" * 1000 + ".jpg", Path("images.csv"))
