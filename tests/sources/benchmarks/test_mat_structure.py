import io
import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from placevec.sources.benchmarks.mat_structure import check_structure, unpack

HEADER_BYTES = 128


def variable(**content):
    file = io.BytesIO()
    savemat(file, content)
    return file.getvalue()[HEADER_BYTES:]


def cells(*contents):
    array = np.empty((len(contents), 1), dtype=object)
    array[:, 0] = contents
    return array


@pytest.mark.parametrize(
    "content",
    [
        {"names": cells("000/1.jpg", "ü", ""), "utm": np.zeros((2, 3)), "n": 3, "text": "a"},
        {"empty": np.zeros((0, 0)), "byte": np.uint8([1, 2, 3]), "inner": {"deep": cells(1.0)}},
        {"complex": np.array([1 + 2j, 3]), "flag": np.array([True])},
    ],
    ids=["names", "empty", "complex"],
)
def test_takes_what_scipy_writes(content):
    check_structure(variable(dbStruct=content), "<", "dbStruct")


def test_looks_at_the_head_only_of_other_variables():
    data = variable(other=np.zeros(100))[:-8]
    with pytest.raises(ValueError, match="another or its end"):
        check_structure(data, "<", "other")
    data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    check_structure(data, "<", "dbStruct")
    with pytest.raises(ValueError, match="another or its end"):
        check_structure(data, "<", "other")


def test_refuses_types_and_sizes_that_do_not_fit():
    good = variable(dbStruct={"utm": np.arange(6.0).reshape(2, 3), "names": cells("abcdefgh")})
    check_structure(good, "<", "dbStruct")
    numbers = good.index(struct.pack("<IId", 9, 48, 0.0))
    for at, value in ((numbers, 77), (numbers, 3), (numbers + 4, 40), (numbers + 4, 2**31)):
        damaged = bytearray(good)
        damaged[at : at + 4] = struct.pack("<I", value)
        with pytest.raises(ValueError, match="array|list|struct"):
            check_structure(bytes(damaged), "<", "dbStruct")
    for stop in range(0, len(good), 3):
        with pytest.raises(ValueError, match="."):
            check_structure(good[:stop], "<", "dbStruct")


def test_refuses_a_list_longer_than_the_file():
    good = variable(dbStruct=cells("a", "b"))
    at = good.index(struct.pack("<II", 2, 1))
    damaged = good[:at] + struct.pack("<II", 2**30, 2**30) + good[at + 8 :]
    with pytest.raises(ValueError, match="longer than the data"):
        check_structure(damaged, "<", "dbStruct")


def test_refuses_arrays_within_arrays_without_end():
    deep = cells(1.0)
    for _ in range(20):
        deep = cells(deep)
    with pytest.raises(ValueError, match="too deep"):
        check_structure(variable(dbStruct=deep), "<", "dbStruct")


def test_refuses_classes_that_hold_no_table_of_photos():
    from scipy import sparse

    with pytest.raises(ValueError, match="class 5"):
        check_structure(variable(dbStruct=sparse.eye(3)), "<", "dbStruct")


def test_unpacks_no_more_than_a_limit():
    packed = zlib.compress(bytes(10_000))
    assert unpack(packed, 10_000) == bytes(10_000)
    with pytest.raises(ValueError, match="breaks off"):
        unpack(packed[:-5], 10_000)
    with pytest.raises(ValueError, match="more than 1 GB"):
        unpack(packed, 9_999)
