import logging
import os
import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from placevec.sources.registry import open_places
from placevec.sources.tables.photo_table import write_photo_table
from placevec.sources.tables.points import read_points, write_points

NAMES = np.array(["a.jpg", "b.jpg", "c.jpg"])
SEEN = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 0, 0]], dtype=bool)
WHOLE = {"names": NAMES, "indptr": [0, 2, 2, 4], "indices": [0, 2, 0, 1], "num_points": 4}


@pytest.fixture
def photos(tmp_path):
    for name in NAMES:
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    table = {"file": NAMES, "east": [0, 1, 2], "north": [0, 0, 0]}
    write_photo_table(tmp_path / "positions.csv", table)
    return tmp_path


@pytest.mark.parametrize("reader", ["folder", "table"])
def test_a_reader_takes_the_points_beside_the_photos(photos, reader):
    assert open_places(f"{reader}:{photos}").points_seen is None
    write_points(photos, NAMES[::-1], sparse.csr_array(SEEN[::-1]))
    dataset = open_places(f"{reader}:{photos}")
    np.testing.assert_array_equal(dataset.points_seen.toarray(), SEEN)


def test_photos_that_the_file_does_not_name_see_nothing(tmp_path, caplog):
    write_points(tmp_path, NAMES[[2, 1]], SEEN[[2, 1]])
    with caplog.at_level(logging.WARNING):
        seen = read_points(tmp_path, NAMES[[2, 0]])
    assert seen.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 0, 0]]
    assert seen.nnz == 2
    assert "names 1 of 2 photos" in caplog.text


def test_an_older_file_stays_when_writing_fails(tmp_path, monkeypatch):
    write_points(tmp_path, NAMES, SEEN)
    before = (tmp_path / "points.npz").read_bytes()

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_points(tmp_path, NAMES, ~SEEN)
    assert (tmp_path / "points.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["points.npz"]


def test_refuses_rows_without_names(tmp_path):
    with pytest.raises(ValueError, match="one row for each name. Received: 3 rows, 2 names"):
        write_points(tmp_path, NAMES[:2], SEEN)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"indptr": [0, 2, 2, 5]}, "`indptr` of .* must rise from 0"),
        ({"indptr": [0, 3, 2, 4]}, "`indptr` of"),
        ({"indptr": [0, 4]}, "`indptr` of"),
        ({"indices": [0, 2, 0, 4]}, "`indices` of .* below `num_points`.*num_points=4"),
        ({"indices": [0, 2, 0, -1]}, "`indices` of"),
        ({"num_points": -1}, "Received: num_points=-1"),
        ({"num_points": 3.5}, "`num_points` must not be 0-dimensional of type float64"),
        ({"names": np.array(NAMES, dtype=object)}, "is not a complete file of points"),
        ({"names": ["x.jpg", "y.jpg", "z.jpg"]}, "names none of the 3 photos"),
        ({"names": np.empty(0, "U3"), "indptr": [0], "indices": np.empty(0, int)}, "names none of"),
    ],
)
def test_refuses_a_file_that_contradicts_itself(tmp_path, changes, match):
    np.savez(tmp_path / "points.npz", **(WHOLE | changes))
    with pytest.raises(ValueError, match=match) as caught:
        read_points(tmp_path, NAMES)
    assert "\n" not in str(caught.value)


def test_refuses_a_bomb_and_a_header_that_promises_more_than_the_file_holds(tmp_path):
    path = tmp_path / "points.npz"
    np.savez_compressed(path, **WHOLE)
    with pytest.raises(ValueError, match="must be stored uncompressed"):
        read_points(tmp_path, NAMES)
    np.savez(path, **WHOLE)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["indices.npy"] = members["indices.npy"].replace(b"(4,)", b"(4000000000000,)")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="is cut off|is not a complete file"):
        read_points(tmp_path, NAMES)


@given(changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
       length=st.integers(0, 5000))  # fmt: skip
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path_factory, changes, length):
    folder = tmp_path_factory.mktemp("damaged")
    write_points(folder, NAMES, SEEN)
    content = bytearray((folder / "points.npz").read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    (folder / "points.npz").write_bytes(content[: max(length, 1)])
    try:
        seen = read_points(folder, NAMES)
    except (ValueError, OSError) as error:
        assert "\n" not in str(error)
    else:
        assert seen.shape[0] == 3
