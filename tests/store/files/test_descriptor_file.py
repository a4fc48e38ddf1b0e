import numpy as np
import pytest

from placevec.store import load_descriptors, save_descriptors

NAMES = np.array(["a.jpg", "ordner/übergang.jpg"])
DESCRIPTORS = np.array([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]], np.float32)


def test_reads_what_was_written(tmp_path):
    save_descriptors(tmp_path / "d.npz", NAMES, DESCRIPTORS, "0123abcd")
    names, descriptors, model_id = load_descriptors(tmp_path / "d.npz")
    np.testing.assert_array_equal(names, NAMES)
    np.testing.assert_array_equal(descriptors, DESCRIPTORS)
    assert descriptors.dtype == np.float32
    assert model_id == "0123abcd"


def test_numpy_alone_can_read_the_file(tmp_path):
    save_descriptors(tmp_path / "d.npz", NAMES, DESCRIPTORS, "0123abcd")
    with np.load(tmp_path / "d.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["descriptors", "model_id", "names"]
        assert arrays["names"].dtype.kind == "U"


def test_names_may_be_a_list_and_descriptors_of_double_precision(tmp_path):
    save_descriptors(tmp_path / "d.npz", list(NAMES), DESCRIPTORS.astype(np.float64), "x")
    assert load_descriptors(tmp_path / "d.npz")[1].dtype == np.float32


def test_keeps_no_photos_at_all(tmp_path):
    save_descriptors(tmp_path / "d.npz", [], np.zeros((0, 5)), "x")
    names, descriptors, _ = load_descriptors(tmp_path / "d.npz")
    assert (names.shape, descriptors.shape) == ((0,), (0, 5))


def test_replaces_an_older_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "d.npz"
    save_descriptors(path, NAMES, DESCRIPTORS, "old")
    save_descriptors(path, NAMES[:1], DESCRIPTORS[:1], "new")
    assert load_descriptors(path)[2] == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_older_file(tmp_path, disk_full_after):
    path = tmp_path / "d.npz"
    save_descriptors(path, NAMES, DESCRIPTORS, "old")
    many = np.eye(100, 5000, dtype=np.float32)
    with disk_full_after(100_000), pytest.raises(OSError, match="d.npz could not be written"):
        save_descriptors(path, [f"{i}.jpg" for i in range(100)], many, "new")
    assert load_descriptors(path)[2] == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("names", "descriptors"),
    [
        (NAMES[:1], DESCRIPTORS),
        (NAMES, DESCRIPTORS[0]),
        (NAMES, DESCRIPTORS[None]),
        ("a.jpg", DESCRIPTORS[:1]),
    ],
)
def test_refuses_rows_that_do_not_fit(tmp_path, names, descriptors):
    with pytest.raises(ValueError, match=r"must be \(N,\) and \(N, D\). Received"):
        save_descriptors(tmp_path / "d.npz", names, descriptors, "x")
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        save_descriptors(tmp_path / "gone" / "d.npz", NAMES, DESCRIPTORS, "x")


def test_refuses_to_load_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file .*d.npz of descriptors"):
        load_descriptors(tmp_path / "d.npz")


@pytest.mark.parametrize("content", [b"", b"no archive\n" * 9, b"PK\x03\x04" + bytes(50)])
def test_refuses_a_file_that_is_something_else(tmp_path, content):
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(ValueError, match="d.npz cannot be read as descriptors") as caught:
        load_descriptors(tmp_path / "d.npz")
    assert "\n" not in str(caught.value)


def test_refuses_a_file_that_is_cut_off_or_a_single_array(tmp_path):
    path = tmp_path / "d.npz"
    save_descriptors(path, NAMES, DESCRIPTORS, "x")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="cannot be read as descriptors"):
        load_descriptors(path)
    with open(path, "wb") as file:
        np.save(file, DESCRIPTORS)
    with pytest.raises(ValueError, match="cannot be read as descriptors"):
        load_descriptors(path)


def test_refuses_files_of_other_arrays(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, names=NAMES, descriptors=DESCRIPTORS)
    with pytest.raises(ValueError, match="cannot be read as descriptors.*model_id"):
        load_descriptors(path)
    np.savez(path, names=NAMES[:1], descriptors=DESCRIPTORS, model_id="x")
    with pytest.raises(
        ValueError, match=r"must hold names \(N,\) of text and descriptors \(N, D\)"
    ):
        load_descriptors(path)
    np.savez(path, paths=NAMES, feats=DESCRIPTORS)
    with pytest.raises(ValueError, match=r"must be `names` .* Received: paths, feats$"):
        load_descriptors(path)


def test_refuses_pickled_objects(tmp_path):
    objects = np.array(["a", None], dtype=object)
    np.savez(tmp_path / "d.npz", names=objects, descriptors=DESCRIPTORS, model_id="x")
    with pytest.raises(ValueError, match="cannot be read as descriptors.*Python objects"):
        load_descriptors(tmp_path / "d.npz")


def test_descriptors_of_another_length_are_scaled_and_it_is_said(tmp_path, caplog):
    save_descriptors(tmp_path / "d.npz", NAMES, 3 * DESCRIPTORS, "x")
    assert "d.npz: scaled 2 of 2 descriptors to unit length, from lengths of 3 to 3" in caplog.text
    np.testing.assert_allclose(np.load(tmp_path / "d.npz")["descriptors"], DESCRIPTORS, atol=1e-6)
    np.savez(tmp_path / "d.npz", names=NAMES, descriptors=2 * DESCRIPTORS, model_id="x")
    np.testing.assert_allclose(load_descriptors(tmp_path / "d.npz")[1], DESCRIPTORS, atol=1e-6)
    assert "from lengths of 2 to 2" in caplog.text


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_refuses_descriptors_that_no_scaling_mends(tmp_path, value):
    bad = DESCRIPTORS.copy()
    bad[1] = value
    with pytest.raises(ValueError, match="d.npz. Received: 1 of 2 that are not .first: ordner/"):
        save_descriptors(tmp_path / "d.npz", NAMES, bad, "x")
    np.savez(tmp_path / "d.npz", names=NAMES, descriptors=bad, model_id="x")
    with pytest.raises(ValueError, match="finite and of unit length in .*d.npz"):
        load_descriptors(tmp_path / "d.npz")


@pytest.mark.parametrize(
    ("names", "descriptors"),
    [(np.arange(2), DESCRIPTORS), (NAMES, DESCRIPTORS > 0), (NAMES, DESCRIPTORS.astype(str))],
)
def test_refuses_arrays_of_other_types(tmp_path, names, descriptors):
    np.savez(tmp_path / "d.npz", names=names, descriptors=descriptors, model_id="x")
    with pytest.raises(ValueError, match="must hold names .* of text and descriptors .* of floats"):
        load_descriptors(tmp_path / "d.npz")
