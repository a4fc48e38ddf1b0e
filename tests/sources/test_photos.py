import cv2
import numpy as np
import pytest

from placevec.places import PlaceDataset
from placevec.sources.photos import open_photos


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


def test_a_data_set_is_taken_as_it_is(photo):
    dataset = PlaceDataset(photo.parent, ["a.jpg"], place_ids=[0])
    assert open_photos(dataset) is dataset
