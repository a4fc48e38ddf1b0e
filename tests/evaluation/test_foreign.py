import h5py
import numpy as np
import pytest

from placevec.evaluation.foreign import foreign_descriptors, is_foreign
from placevec.places import PlaceDataset
from placevec.store import save_descriptors

NAMES = ["a/1.jpg", "a/2.jpg", "b/1.jpg"]


@pytest.fixture
def photos(tmp_path):
    return PlaceDataset(tmp_path, NAMES, positions_m=np.zeros((3, 2)))


def write_h5(path, names, vectors):
    with h5py.File(path, "w") as file:
        for name, vector in zip(names, vectors, strict=True):
            file.create_group(name)["global_descriptor"] = vector.astype(np.float16)


def test_rows_are_found_by_name_in_any_order(photos, unit_vectors, tmp_path):
    vectors = unit_vectors(3)
    save_descriptors(tmp_path / "d.npz", np.array(NAMES[::-1]), vectors[::-1], "theirs")
    write_h5(tmp_path / "d.h5", NAMES[::-1], 3 * vectors[::-1])
    np.save(tmp_path / "d.npy", 2 * vectors)
    for name in ("d.npz", "d.h5", "d.npy"):
        assert is_foreign(tmp_path / name)
        found = foreign_descriptors(tmp_path / name, photos)
        np.testing.assert_allclose(found, vectors, atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_names_that_do_not_match_are_listed(photos, unit_vectors, tmp_path):
    write_h5(tmp_path / "d.h5", ["a/1.jpg"], unit_vectors(1))
    with pytest.raises(ValueError, match=r"none for 2 of them \(first: a/2.jpg, b/1.jpg\)"):
        foreign_descriptors(tmp_path / "d.h5", photos)
    others = [f"c/{number}.jpg" for number in range(5)]
    write_h5(tmp_path / "e.h5", others, unit_vectors(5))
    np.savez(tmp_path / "e.npz", names=others, descriptors=unit_vectors(5))
    for name in ("e.h5", "e.npz"):
        with pytest.raises(ValueError, match="its first names are c/0.jpg, c/1.jpg, c/2.jpg. "):
            foreign_descriptors(tmp_path / name, photos)


def test_other_programs_need_not_name_a_model(photos, unit_vectors, tmp_path):
    vectors = unit_vectors(3)
    np.savez(tmp_path / "d.npz", names=NAMES, descriptors=vectors)
    np.testing.assert_allclose(foreign_descriptors(tmp_path / "d.npz", photos), vectors, atol=1e-6)


def test_refuses_another_number_of_rows_and_bad_numbers(photos, unit_vectors, tmp_path):
    np.save(tmp_path / "d.npy", unit_vectors(2))
    with pytest.raises(ValueError, match="a row for each of the 3 photos"):
        foreign_descriptors(tmp_path / "d.npy", photos)
    np.save(tmp_path / "d.npy", np.array([[1.0, 0], [np.nan, 0], [0, 0]]))
    with pytest.raises(ValueError, match="2 in .*first: a/2.jpg"):
        foreign_descriptors(tmp_path / "d.npy", photos)


def test_links_to_other_files_are_not_followed(photos, tmp_path):
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["a"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(ValueError, match="is a link"):
        foreign_descriptors(tmp_path / "d.h5", photos)


def test_a_model_of_keras_is_no_file_of_descriptors(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["keras_version"] = "2.2.4"
    assert not is_foreign(tmp_path / "m.h5")
    assert not is_foreign(tmp_path / "m.keras")
