import os

import pytest

from placevec.images.formats import PHOTO_SUFFIXES
from placevec.sources.missing import note_missing
from placevec.sources.walk import LeftOut, list_photos, some_photos, walk_photos


def test_lists_photos_below_all_folders_sorted(photos):
    root = photos("b/2.JPG", "b/1.png", "a.jpeg", "notes.txt", ".hidden.jpg", ".cache/x.jpg")
    assert list_photos(root) == ["a.jpeg", "b/1.png", "b/2.JPG"]


def test_enters_a_linked_folder_once(photos):
    root = photos("real/1.jpg")
    os.symlink(root / "real", root / "zlink")
    os.symlink(root, root / "real" / "loop")
    assert list_photos(root) == ["real/1.jpg"]


def test_refuses_a_folder_without_photos(photos, refuses):
    with refuses(ValueError, "No photos in"):
        list_photos(photos("notes.txt"))
    with refuses(FileNotFoundError, "is a file, not a folder"):
        list_photos(photos("notes.txt") / "notes.txt")
    with refuses(FileNotFoundError, "does not exist"):
        list_photos(photos() / "absent")


def test_links_that_lead_out_are_followed_only_if_told(photos, tmp_path, caplog, monkeypatch):
    photos("inside/a.jpg", "outside/b.jpg", "outside/more/c.jpg")
    root = tmp_path / "inside"
    (root / "b.jpg").symlink_to(tmp_path / "outside" / "b.jpg")
    (root / "more").symlink_to(tmp_path / "outside" / "more")
    (root / "again.jpg").symlink_to(root / "a.jpg")
    assert list_photos(root) == ["a.jpg", "again.jpg"]
    assert "2 links lead out of" in caplog.text and "PLACEVEC_FOLLOW_LINKS" in caplog.text
    monkeypatch.setenv("PLACEVEC_FOLLOW_LINKS", "1")
    assert list_photos(root) == ["a.jpg", "again.jpg", "b.jpg", "more/c.jpg"]


def test_a_folder_of_links_only_names_the_setting(photos, refuses):
    root = photos("outside/b.jpg") / "links"
    root.mkdir()
    (root / "b.jpg").symlink_to(root.parent / "outside" / "b.jpg")
    with refuses(ValueError, "No photos in .*1 link leads out.*Set PLACEVEC_FOLLOW_LINKS=1"):
        list_photos(root)


def test_a_set_that_is_itself_a_link_is_read(photos, tmp_path):
    photos("there/sub/a.jpg")
    (tmp_path / "here").symlink_to(tmp_path / "there")
    assert list_photos(tmp_path / "here") == ["sub/a.jpg"]


def test_every_file_of_another_ending_is_counted(photos, caplog):
    root = photos("a.jpg", "b.DNG", "sub/c.gif", "d", "e.jpg_original", "walk.MP4", "t.csv",
                  "notes.txt", "a.xmp", ".hidden.gif")  # fmt: skip
    assert list_photos(root) == ["a.jpg"]
    videos, endings = [record.getMessage() for record in caplog.records]
    assert endings.startswith(f"4 files in {root} do not have the ending of a photo (first: b.DNG)")
    assert ".jpg, .jpeg" in endings and "Convert them" in endings
    assert videos.startswith(f"1 video is among the photos in {root} (first: walk.MP4)")
    assert "video:" in videos


def test_all_photos_that_are_read_are_listed(photos, caplog):
    names = [f"{i:02d}{suffix}" for i, suffix in enumerate(PHOTO_SUFFIXES)]
    names += [name.upper() for name in names if name.upper() != name]
    assert list_photos(photos(*names)) == sorted(names)
    assert not caplog.text


def test_what_a_table_names_is_not_left_out(photos, caplog):
    root = photos("walk.mp4", "odd.gif")
    assert list_photos(root, named=["walk.mp4#000003", "odd.gif"]) == []
    assert not caplog.text


def test_odd_entries_cost_only_themselves(photos, caplog):
    root = photos("a.jpg", "folder.jpg/b.jpg")
    os.symlink("self.jpg", root / "self.jpg")
    os.symlink("self", root / "self")
    os.symlink(root / "nowhere.jpg", root / "dead.jpg")
    os.symlink("/nowhere/outside.jpg", root / "lost.jpg")
    os.mkfifo(root / "pipe.jpg")
    assert list_photos(root) == ["a.jpg", "folder.jpg/b.jpg"]
    assert "4 entries named like photos" in caplog.text and "first: dead.jpg" in caplog.text
    assert "1 file " in caplog.text  # the link named self


def test_a_folder_that_cannot_be_opened_costs_only_itself(photos, caplog, monkeypatch):
    root = photos("a.jpg", "closed/b.jpg", "open/c.jpg")
    scandir = os.scandir

    def refusing(path):
        if os.fspath(path).rstrip("/").endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert list_photos(root) == ["a.jpg", "open/c.jpg"]
    assert "1 folder in" in caplog.text and "first: closed)" in caplog.text
    left_out = LeftOut(root)
    assert list(walk_photos(root, left_out, folder="closed")) == []
    assert "1 folder in" in str(left_out)
    with pytest.raises(PermissionError):
        list_photos(root / "closed")


@pytest.mark.parametrize("name", [b"caf\xe9.jpg", b"a\nb.jpg", b"\x1b[31m.jpg", b"caf\xe9/b.jpg"])
def test_names_that_no_table_can_hold_are_told_at_once(photos, caplog, name):
    root = photos("a.jpg")
    path = os.path.join(os.fsencode(root), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"photo")
    assert list_photos(root) == ["a.jpg"]
    (message,) = [record.getMessage() for record in caplog.records]
    assert "1 name in" in message and message.isprintable() and message.isascii()


def test_the_rank_of_what_cannot_be_read_counts_if_told(photos):
    root = photos("q/1.jpg", "q/3.jpg", "out.jpg")
    os.symlink("2.jpg", root / "q" / "2.jpg")
    os.symlink(root / "out.jpg", root / "q" / "4.jpg")
    assert sorted(walk_photos(root / "q", keep_odd=True)) == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert sorted(walk_photos(root, folder="q")) == ["q/1.jpg", "q/3.jpg", "q/4.jpg"]


def test_recognizing_says_nothing(photos, caplog):
    assert some_photos(photos("a.jpg", "b.gif")) == ["a.jpg"]
    assert some_photos(photos() / "absent") == []
    assert not caplog.text


def test_what_is_left_out_is_noted_while_a_set_is_checked(photos, caplog):
    root = photos("a.jpg", "c.gif", "b.gif", "walk.mp4")
    with note_missing() as notes:
        assert list_photos(root) == ["a.jpg"]
    assert [(note.count, note.names.tolist(), note.left_out) for note in notes] == [
        (1, ["walk.mp4"], True),
        (2, ["b.gif", "c.gif"], True),
    ]
    assert "first: b.gif" in notes[1].message and not caplog.text
