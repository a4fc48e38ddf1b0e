import io
import stat
import struct
import zipfile

import numpy as np
import pytest

from placevec.archive import open_archive, read_npy, read_npy_header, read_npz

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b/c": np.asfortranarray(np.arange(12).reshape(3, 4)),
    "text": np.array(["x", "yz"]),
    "one": np.array("id"),
    "none": np.zeros((0, 5)),
    "half": np.ones(3, np.float16),
}


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def write_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_writes(tmp_path, save):
    save(tmp_path / "a.npz", **ARRAYS)
    read = read_npz(tmp_path / "a.npz")
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def test_unpickles_nothing(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="a.npy: it must hold numbers or text. Received: Python"):
        read_npz(tmp_path / "a.npz")


def with_header(text):
    """Returns a `.npy` file with another header."""
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"no array at all",
        b"\x93NUMPY\x03\x00\x01\x00 ",
        b"\x93NUMPY\x09\x09",
        with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,"),  # TokenError
        with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)"),
        with_header("{'descr': [('a', (1,)), 'fortran_order': False, 'shape': (2,)}"),
        with_header("{'descr': '<f4', 'fortran_order': False, 'shape': 3}"),
        with_header("{'descr': '<f4', 'fortran_order': 7, 'shape': (3,)}"),
        with_header("{'descr': '<q9', 'fortran_order': False, 'shape': (3,)}"),
        with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}"),
        with_header("(" * 500 + ")" * 500),
        with_header("{" + " " * 20_000 + "}"),
        with_header("__import__('os')"),
        with_header("\x00"),
    ],
)
def test_a_damaged_header_is_a_value_error(data):
    with pytest.raises(ValueError, match="its header is damaged"):
        read_npy_header(io.BytesIO(data))


@pytest.mark.parametrize(
    "shape", ["(10**18,)", "(1000000000000000000,)", "(3,)", "(4, 2)", "()", "(0,)"]
)
def test_a_header_that_says_another_size_is_refused_before_memory_is_taken(shape):
    header = with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}")
    data = header + bytes(20)
    with pytest.raises(ValueError, match="header is (wrong|damaged)"):
        read_npy(io.BytesIO(data), len(data))


def test_an_array_that_ends_too_early_is_refused():
    data = npy(np.zeros(5))
    with pytest.raises(ValueError, match="it ends too early"):
        read_npy(io.BytesIO(data[:-1]), len(data))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../a.npy", "leads out of the archive"),
        ("/a.npy", "leads out of the archive"),
        ("a/../../b.npy", "leads out of the archive"),
        ("..\\a.npy", "leads out of the archive"),
    ],
)
def test_names_that_lead_out_are_refused(tmp_path, name, problem):
    path = write_zip(tmp_path / "a.npz", [(name, npy(np.zeros(2)))])
    with pytest.raises(ValueError, match=problem):
        read_npz(path)


def test_a_link_is_refused(tmp_path):
    info = zipfile.ZipInfo("a.npy")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = write_zip(tmp_path / "a.npz", [(info, b"/etc/passwd")])
    with pytest.raises(ValueError, match="a.npy in it is refused: it is a link"):
        read_npz(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.npz", [("a.npy", npy(np.zeros(2)))] * 2)
    with pytest.raises(ValueError, match="its name occurs twice"):
        read_npz(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    zeros = bytes(2**24 + 1)
    path = write_zip(tmp_path / "a.npz", [("a.npy", zeros)], compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="it unpacks from 16,3.. to 16,777,217 bytes"):
        read_npz(path)


def test_a_member_that_holds_more_than_it_says_is_refused(tmp_path):
    data = npy(np.zeros(100))
    path = write_zip(tmp_path / "a.npz", [("a.npy", data)])
    size = struct.pack("<I", len(data))
    path.write_bytes(path.read_bytes().replace(size + size, size + struct.pack("<I", 200)))
    with pytest.raises(ValueError, match="a.npy: "):
        read_npz(path)


def test_all_members_together_are_bounded(tmp_path):
    path = write_zip(tmp_path / "a.npz", [(f"{i}.npy", npy(np.zeros(9))) for i in range(9)])
    assert len(read_npz(path, max_bytes=9000)) == 9
    with pytest.raises(ValueError, match="must have at most 1,000 bytes"):
        read_npz(path, max_bytes=1000)


def test_unpacked_bytes_are_bounded(tmp_path):
    members = [("a.npy", bytes(10_000))]
    path = write_zip(tmp_path / "a.npz", members, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="must unpack to at most 5,000 bytes. Received: 10,000"):
        read_npz(path, max_bytes=5000)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + bytes(90), b"text\n" * 99])
def test_what_is_no_archive_is_one_line(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(ValueError, match="it is not a complete zip file") as caught:
        read_npz(tmp_path / "a.npz")
    assert "\n" not in str(caught.value)


def test_any_damage_is_a_value_error(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.arange(50.0), b=np.array(["x"]))
    whole = (tmp_path / "a.npz").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] = rng.integers(256)
        (tmp_path / "b.npz").write_bytes(data)
        try:
            read_npz(tmp_path / "b.npz")
        except ValueError:
            refused += 1
    assert refused > 250


def test_other_errors_of_the_reader_of_an_archive_pass(tmp_path):
    path = write_zip(tmp_path / "a.npz", [])
    with pytest.raises(KeyError), open_archive(path) as archive:
        archive.read("gone")
