import contextlib
import logging
import os

import pytest
from PIL import Image

from placevec.sources import READERS, open_places
from placevec.sources.registry import find_reader, split_places


def test_opens_a_data_set_by_reader_and_path(photos, caplog):
    root = photos("@1@2@.jpg", "@3@4@.jpg")
    with caplog.at_level(logging.INFO):
        dataset = open_places(f"folder:{root}")
    assert len(dataset) == 2
    assert "2 photos (2 queries, 2 in the database)" in caplog.text


def test_hands_on_what_to_do_with_unreadable_photos(photos, refuses):
    root = photos("@1@2@.jpg", "nowhere.jpg")
    with refuses(ValueError, "No positions for 1 of 2"):
        open_places(f"folder:{root}")
    assert len(open_places(f"folder:{root}", skip_unreadable=True)) == 1


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_reader_refuses_a_missing_path_in_one_line(name, tmp_path, refuses):
    with refuses(FileNotFoundError, "absent"):
        open_places(f"{name}:{tmp_path / 'absent'}")


def test_finds_the_home_folder(photos, monkeypatch):
    monkeypatch.setenv("HOME", str(photos("town/@1@2@.jpg")))
    assert len(open_places("folder:~/town")) == 1


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "READER:PATH, one of"),
        ("folder:", "READER:PATH"),
        ("Folders:data", r"Did you mean folder:\?"),
        ("dbstruc:data", r"Did you mean dbstruct:\?"),
        ("qqq:data", "one of .*folder:PATH.*Received: 'qqq:data'$"),
    ],
)
def test_shows_the_forms(refuses, text, match):
    with refuses(ValueError, match):
        open_places(text)


def test_a_path_alone_is_read_by_the_reader_that_recognizes_it(photos, refuses):
    root = photos("town/@1@2@.jpg", "heap/1.jpg")
    assert len(open_places(str(root / "town"))) == 1
    with refuses(ValueError, "No reader recognizes .*heap"):
        open_places(str(root / "heap"))
    many = photos(*(f"many/{number}.jpg" for number in range(21))) / "many"
    with refuses(ValueError, f"or the EXIF of 20 photos .exif:{many} looks at all"):
        open_places(str(many))
    (root / "bare").mkdir()
    with refuses(ValueError, "bare is empty: it holds no photos$"):
        open_places(str(root / "bare"))
    with refuses(FileNotFoundError, "^No such path: data/none$"):
        open_places("data/none")


@pytest.mark.parametrize("name", sorted(READERS))
def test_no_reader_recognizes_what_is_not_there(name, photos, tmp_path):
    assert READERS[name].recognize(tmp_path / "absent") == ""
    assert READERS[name].recognize(photos("heap/1.jpg") / "heap") == ""


def test_positions_in_exif_go_before_the_order_of_photos_and_after_names(photos):
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)}
    root = photos("query/1.jpg", "database/1.jpg")
    assert find_reader(str(root))[0] == "sequence"
    for folder in ("query", "database"):
        Image.new("RGB", (4, 4)).save(root / folder / "1.jpg", exif=exif.tobytes())
    assert find_reader(str(root))[0] == "exif"
    (root / "positions.csv").write_text("file,east,north\nquery/1.jpg,1,2\n")
    assert find_reader(str(root))[0] == "folder"


def test_a_city_of_msls_is_no_sequence(photos):
    root = photos("query/images/1.jpg", "database/images/2.jpg")
    assert find_reader(str(root))[0] == "sequence"
    (root / "database" / "raw.csv").write_text(",key\n0,2\n")
    assert find_reader(str(root))[0] == "msls"


def test_says_what_is_wrong_with_a_path_that_no_reader_takes(photos, tmp_path, refuses):
    root = photos("heap/1.jpg")
    with refuses(ValueError, "holds photos but no positions in positions.csv, names or EXIF. "):
        open_places(str(root / "heap"))
    table = tmp_path / "walk.csv"
    table.write_text("name,latitude,longitude\na.jpg,1,2\n")
    with refuses(ValueError, "No column `file` in .*Rename `name` to `file`"):
        open_places(str(table))
    with refuses(FileNotFoundError, "Options after a path need READER: before it"):
        open_places(f"{root},up=-y")


@pytest.mark.parametrize("reader", ["", "folder:"])
def test_a_misspelt_split_is_told_the_splits(photos, refuses, reader):
    root = photos("@1@2@.jpg")
    with refuses(ValueError, "split must follow `#`: train, val, test. Received: 'tst'"):
        open_places(f"{reader}{root}#tst")


def test_sets_joined_by_a_plus_become_one(photos, tmp_path):
    one, other = photos("a/@1@2@.jpg", "a/@3@2@.jpg"), photos("b/@1@2@.jpg")
    joined = open_places(f"folder:{one / 'a'} + {other / 'b'}")
    assert len(joined) == 3 and all(path.is_file() for path in joined.paths())


def test_a_plus_in_a_path_parts_nothing(photos, tmp_path, monkeypatch):
    photos("a + b/@1@2@.jpg", "a + b/@3@2@.jpg", "c/@1@2@.jpg", "d + e + f/query/1.jpg",
           "d + e + f/ref/1.jpg")  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a + b" / "splits.csv").write_text("file,split,role\n@1@2@.jpg,val,\n")
    for places, count in [
        ("folder:a + b", 2),
        ("a + b", 2),
        ("folder:a + b#val", 1),
        ("folder:a + b + folder:c", 3),
        ("folder:c + folder:a + b#val", 2),
        ("sequence:d + e + f,query=ref", 2),
        (f"folder:{tmp_path}/a + b", 2),
    ]:
        assert len(open_places(places)) == count, places
    (tmp_path / "a + b" / "splits.csv").unlink()


def test_a_plus_in_the_path_of_an_option_parts_nothing(photos, tmp_path, monkeypatch):
    photos("my + photos/0.png")
    (tmp_path / "poses.txt").write_text("1 0 0 0 0 1 0 0 0 0 1 0\n")
    monkeypatch.chdir(tmp_path)
    assert split_places("kitti:poses.txt,images=my + photos") == [
        "kitti:poses.txt,images=my + photos"
    ]
    assert len(open_places("kitti:poses.txt,images=my + photos")) == 1
    assert split_places("folder:no + folder:such") == ["folder:no", "folder:such"]


@pytest.mark.parametrize("name", READERS)
def test_odd_entries_stop_no_reader(photos, refuses, name):
    root = photos("images/a.jpg", "query/1.jpg", "ref/1.jpg", "sequences/00/image_2/0.png")
    for folder in (root, root / "images", root / "query", root / "sequences"):
        for link in ("self", "self.jpg", "000", "00.txt", "x.mat", "positions.csv", "walk.mp4"):
            os.symlink(link, folder / link)
        os.mkfifo(folder / "pipe.jpg")
    READERS[name].recognize(root)
    with contextlib.suppress(ValueError, FileNotFoundError):
        READERS[name].read(root, skip_unreadable=True)


def test_says_what_there_is_at_a_path_that_is_not_recognized(photos, refuses):
    root = photos("heap/1.jpg", "heap/town/@1@2@.jpg", "tracks/walk.gpx")
    (root / "heap" / "town" / "@1@2@.jpg").rename(root / "heap" / "town" / "a.jpg")
    (root / "heap" / "town" / "positions.csv").write_text("file,east,north\na.jpg,1,2\n")
    with refuses(ValueError, "Data sets are in it: name one, such as folder:.*heap/town"):
        open_places(str(root / "heap"))
    with refuses(ValueError, "walk.gpx, a track. Name the photos or the video, too: track:PATH"):
        open_places(str(root / "tracks" / "walk.gpx"))


def test_a_track_beside_photos_goes_before_their_order(photos):
    root = photos("query/1.jpg", "ref/1.jpg")
    assert find_reader(str(root))[0] == "sequence"
    (root / "walk.gpx").write_text("")
    assert find_reader(str(root))[0] == "track"
