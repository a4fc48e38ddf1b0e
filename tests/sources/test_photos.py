import os

import cv2
import numpy as np
import pytest
from PIL import Image

from placevec.places import PlaceDataset
from placevec.sources.photos import by_position, has_positions_beside, open_photos
from placevec.sources.tables.exif import NUM_LOOKED_AT


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.zeros((4, 6, 3), np.uint8))
    return path


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_photo_alone_is_one_of_its_folder(photo, kind):
    opened = open_photos(kind(photo))
    assert (opened.root, opened.names.tolist()) == (photo.parent, ["a.jpg"])
    assert not opened.has_places


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_folder_needs_no_positions(photo, kind):
    opened = open_photos(kind(photo.parent))
    assert (opened.root, opened.names.tolist()) == (photo.parent, ["a.jpg"])
    assert not opened.has_places


def test_a_file_that_a_reader_recognizes_needs_no_name(photo):
    table = photo.parent / "photos.csv"
    table.write_text("file,east,north\na.jpg,1,2\n")
    dataset = open_photos(str(table))
    assert len(dataset) == 1 and dataset.positions_m.tolist() == [[1.0, 2.0]]


def test_a_frame_of_a_video_is_a_photo(photo, refuses):
    (photo.parent / "walk.mp4").write_bytes(b"video")
    opened = open_photos(f"{photo.parent}/walk.mp4#000012")
    assert (opened.root, opened.names.tolist()) == (photo.parent, ["walk.mp4#000012"])
    with refuses(FileNotFoundError, "There is no folder, photo or video .*gone.mp4#000012"):
        open_photos(f"{photo.parent}/gone.mp4#000012")
    with refuses(FileNotFoundError, "Name a frame of a video .*such as .*walk.mp4#000120"):
        open_photos(f"{photo.parent}/walk.mp4#last")


@pytest.mark.parametrize("name", [b"a\xff.jpg", b"a\n.jpg"])
def test_a_name_that_tables_cannot_hold_is_refused_for_a_photo_alone_too(photo, refuses, name):
    path = photo.with_name(os.fsdecode(name))
    photo.rename(path)
    with refuses(ValueError, "must be UTF-8 text without control characters. Received: a.*Rename"):
        open_photos(path)


def test_a_data_set_is_taken_as_it_is(photo):
    dataset = PlaceDataset(photo.parent, ["a.jpg"], place_ids=[0])
    assert open_photos(dataset) is dataset


@pytest.fixture
def folder(tmp_path):
    """Returns a function from names to a folder with a photo of each."""

    def make(*names):
        for name in names:
            cv2.imwrite(str(tmp_path / name), np.zeros((4, 6, 3), np.uint8))
        return tmp_path

    return make


def test_positions_beside_photos_are_found_and_no_photo_is_lost(folder, caplog):
    root = folder("a.jpg", "b.jpg", "c.jpg")
    (root / "positions.csv").write_text("file,east,north\nc.jpg,1,2\na.jpg,3,4\ngone.jpg,5,6\n")
    located, others = by_position(open_photos(root))
    assert dict(zip(located.names.tolist(), located.positions_m.tolist(), strict=True)) == {
        "a.jpg": [3.0, 4.0],
        "c.jpg": [1.0, 2.0],
    }
    assert others.names.tolist() == ["b.jpg"] and others.positions_m is None
    assert "(first: b.jpg): taken without" in caplog.text
    assert "Missing or empty: 1 of 4 photos" in caplog.text
    assert f"(first: gone.jpg; looked in {root}): left out" in caplog.text


def test_positions_in_names_are_found(folder):
    (located,) = by_position(open_photos(folder("@1@2@.jpg", "@3@4@.jpg")))
    assert located.positions_m.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_positions_in_the_exif_of_late_photos_are_found(folder, caplog):
    """A folder is recognized by its first photos, and described as a whole."""
    root = folder(*(f"{number:02d}.jpg" for number in range(NUM_LOOKED_AT)))
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 12.0, 18.0), 3: "E", 4: (0.0, 7.0, 12.0)}
    (root / "z").mkdir()  # subfolders come after the photos beside them
    Image.new("RGB", (6, 4)).save(root / "z" / "last.jpg", exif=exif.tobytes())
    assert has_positions_beside(root)
    located, others = by_position(open_photos(root))
    assert located.names.tolist() == ["z/last.jpg"] and located.frame == "UTM 31U"
    assert len(others) == NUM_LOOKED_AT
    assert "No positions in the EXIF of 20 of 21 photos" in caplog.text


def test_photos_without_positions_stay_as_they_are(folder):
    photos = open_photos(folder("a.jpg", "b.jpg"))
    assert by_position(photos) == [photos]


def test_a_table_that_cannot_be_read_takes_no_photo_away(folder, caplog):
    root = folder("a.jpg")
    (root / "positions.csv").write_text("file,east,north\na.jpg,1,many\n")
    photos = open_photos(root)
    assert by_position(photos) == [photos]
    assert "Positions are left out: " in caplog.text


def test_positions_are_turned_into_the_zone_of_a_store(folder):
    root = folder("a.jpg")
    (root / "positions.csv").write_text("file,lat,lon\na.jpg,48.1,11.9\n")
    (own,), (turned,) = by_position(open_photos(root)), by_position(open_photos(root), "UTM 33U")
    assert (own.frame, turned.frame) == ("UTM 32U", "UTM 33U")
    assert turned.positions_m[0, 0] < 300_000 < 700_000 < own.positions_m[0, 0]
