import os

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.places.dataset import PlaceDataset
from placevec.sources.registry import find_reader, open_places
from placevec.sources.tables.photo_table import write_photo_table
from placevec.sources.tables.splits import take_split, write_splits

NAMES = [f"{letter}.jpg" for letter in "abcdef"]
PARTS = ["train", "train", "val", "val", "test", ""]
ROLES = ["both", "", "query", "database", "", ""]


@pytest.fixture
def photos(tmp_path):
    for name in NAMES:
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    # The middle of these is in another UTM zone than the last one.
    columns = {"file": NAMES, "lat": [50.0] * 6, "lon": [5.9, 5.91, 5.92, 5.93, 6.01, 6.02]}
    write_photo_table(tmp_path / "positions.csv", columns)
    write_splits(tmp_path, NAMES, PARTS, ROLES)
    return tmp_path


@pytest.mark.parametrize("places", ["folder:{}", "table:{}", "{}"])
def test_opens_one_split_of_a_set(photos, places):
    places = places.format(photos)
    train, val, test = (open_places(f"{places}#{name}") for name in ("train", "val", "test"))
    assert [dataset.names.tolist() for dataset in (train, val, test)] == [
        NAMES[:2], NAMES[2:4], NAMES[4:5],
    ]  # fmt: skip
    assert train.is_query.all() and train.is_database.all()
    assert (val.is_query.tolist(), val.is_database.tolist()) == ([True, False], [False, True])
    assert len(open_places(places)) == 6


def test_all_splits_are_in_the_zone_of_the_whole_set(photos):
    whole, test = open_places(str(photos)), open_places(f"{photos}#test")
    assert whole.frame == test.frame == "UTM 31U"
    np.testing.assert_array_equal(test.positions_m, whole.positions_m[4:5])


def test_a_folder_of_that_very_name_is_opened(photos, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "set#val"
    photos.rename(other)
    assert len(open_places(f"folder:{other}")) == 6
    assert len(open_places(str(other))) == 6
    assert open_places(f"folder:{other}#test").names.tolist() == NAMES[4:5]


def test_finds_the_reader_behind_a_split(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where there is no folder `data`
    assert find_reader(f"folder:{photos}#val") == ("folder", photos)
    assert find_reader(f"{photos}#val") == find_reader(str(photos))
    name, path = find_reader("folder:data#7")
    assert (name, str(path)) == ("folder", "data#7")


def test_photos_that_the_table_does_not_name_are_in_no_split(photos, caplog):
    write_splits(photos, NAMES[:3], PARTS[:3], ROLES[:3])
    assert open_places(f"{photos}#val").names.tolist() == NAMES[2:3]
    assert ": 3 of 6 photos" in caplog.text


def test_an_older_table_stays_when_writing_fails(photos, monkeypatch):
    before = (photos / "splits.csv").read_bytes()

    def fail(*_):
        raise OSError("killed")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="killed"):
        write_splits(photos, NAMES, PARTS[::-1], ROLES)
    assert (photos / "splits.csv").read_bytes() == before
    assert not list(photos.glob(".unfinished*"))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("file,split\na.jpg,train\n", "must have the columns file, split and role. Received: fil"),
        ("file,split,role\na.jpg,training,\n", "`split` must be one of train, val, test or empty"),
        (f"file,split,role\na.jpg,{'9' * 5000},\n", r"`split` must be one of .{,1000}$"),
        ("file,split,role\na.jpg,train,searched\n", "`role` must be one of query, database, both"),
        ("file,split,role\na.jpg,train,\n./a.jpg,val,\n", "Each file must appear once"),
        ("file,split,role\n../a.jpg,train,\n", "must be relative to its folder and stay inside"),
        ("file,split,role\na.jpg,train,\n", "none of 6 photos in the split val"),
        ("file,split,role\n", "none of 6 photos in the split val"),
        ("", "must have the columns"),
    ],
)
def test_refuses_a_table_that_says_no_split(photos, text, match):
    (photos / "splits.csv").write_text(text)
    with pytest.raises(ValueError, match=match) as caught:
        open_places(f"folder:{photos}#val")
    assert "\n" not in str(caught.value)


def test_says_how_to_make_a_table_that_is_not_there(photos):
    (photos / "splits.csv").unlink()
    with pytest.raises(FileNotFoundError, match="which photos are val. Make it: `placevec split`"):
        open_places(f"folder:{photos}#val")


@given(content=st.binary(max_size=200) | st.text("file,splrov\n.\"'/\0té", max_size=200))
def test_any_table_is_read_or_refused_in_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("splits")
    content = content if isinstance(content, bytes) else f"file,split,role\n{content}".encode()
    (folder / "splits.csv").write_bytes(content)
    dataset = PlaceDataset(folder, NAMES, positions_m=np.zeros((6, 2)))
    try:
        taken = take_split(dataset, "train")
    except (ValueError, OSError) as error:
        assert "\n" not in str(error)
    else:
        assert len(taken)
