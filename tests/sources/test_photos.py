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
    root, names, dataset = open_photos(kind(photo))
    assert (root, names.tolist(), dataset) == (photo.parent, ["a.jpg"], None)


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_folder_needs_no_positions(photo, kind):
    root, names, dataset = open_photos(kind(photo.parent))
    assert (root, names.tolist(), dataset) == (photo.parent, ["a.jpg"], None)


def test_a_file_that_a_reader_recognizes_needs_no_name(photo):
    table = photo.parent / "photos.csv"
    table.write_text("file,east,north\na.jpg,1,2\n")
    _, names, dataset = open_photos(str(table))
    assert len(names) == 1 and dataset.positions_m.tolist() == [[1.0, 2.0]]


def test_a_data_set_is_taken_as_it_is(photo):
    dataset = PlaceDataset(photo.parent, ["a.jpg"], place_ids=[0])
    root, names, opened = open_photos(dataset)
    assert (root, names.tolist(), opened) == (photo.parent, ["a.jpg"], dataset)
