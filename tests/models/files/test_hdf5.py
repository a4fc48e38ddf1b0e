import h5py
import numpy as np
import pytest

from placevec.models.files.hdf5 import open_hdf5

pytestmark = pytest.mark.one_backend


def write(path, fill):
    with h5py.File(path, "w") as file:
        file["layer/kernel"] = np.ones((2, 3), np.float32)
        fill(file)
    return path


def test_opens_a_file_of_arrays(tmp_path):
    path = write(tmp_path / "a.h5", lambda file: file.attrs.update(model_config="{}"))
    with open_hdf5(path) as file:
        np.testing.assert_array_equal(file["layer/kernel"], np.ones((2, 3)))
        assert file.attrs["model_config"] == "{}"


def external_link(file):
    file["other"] = h5py.ExternalLink("/etc/hostname", "/x")


def external_link_deep_inside(file):
    file["a/b/c"] = h5py.ExternalLink("other.h5", "/x")


def soft_link(file):
    file["other"] = h5py.SoftLink("/layer")


def external_storage(file):
    file.create_dataset("a/x", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((2, 3), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "x", (2, 3))
    file.create_virtual_dataset("x", layout)


def shape_bomb(file):
    file.create_dataset("x", (2**40,), "f4", chunks=(2**10,))


def packed_bomb(file):
    file.create_dataset("x", data=np.zeros(2**23, np.float32), compression="gzip")


def many_shapes(file):
    for number in range(9):
        file.create_dataset(f"x{number}", (2**20,), "f4", chunks=(2**10,))


def text_of_any_length(file):
    file.create_dataset("x", data=["text"], dtype=h5py.string_dtype())


@pytest.mark.parametrize(
    ("fill", "match"),
    [
        (external_link, "other in it is a link to /x"),
        (external_link_deep_inside, "a/b/c in it is a link to /x"),
        (soft_link, "other in it is a link to /layer"),
        (external_storage, "the values of a/x are in another file"),
        (virtual, "the values of x are in another file"),
        (shape_bomb, "its arrays must have at most 16,777,216 bytes"),
        (packed_bomb, "its arrays must have at most 16,777,216 bytes"),
        (many_shapes, "its arrays must have at most 16,777,216 bytes"),
        (text_of_any_length, "x must hold numbers"),
    ],
)
def test_refuses_what_is_not_an_array_of_its_own(tmp_path, fill, match):
    path = write(tmp_path / "a.h5", fill)
    with pytest.raises(ValueError, match=match), open_hdf5(path):
        pass


def test_a_group_inside_itself_ends(tmp_path):
    def fill(file):
        file["layer/again"] = file["layer"]

    with open_hdf5(write(tmp_path / "a.h5", fill)) as file:
        assert "layer" in file
