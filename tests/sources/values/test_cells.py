import math
from pathlib import Path

import numpy as np
import pytest

from placevec.sources.values.cells import CellReader, to_number, to_whole_number


@pytest.fixture
def reader():
    return CellReader(Path("t.csv"), ["a.jpg", "b\x1b[31m.jpg"])


@pytest.mark.parametrize("cell", ["1_0", "", "x", "1,5", True, "0x10"])
def test_a_number_has_digits_and_a_decimal_point(cell):
    with pytest.raises(ValueError):
        to_number(cell)


def test_reads_numbers_as_tables_write_them():
    assert [to_number(cell) for cell in ("1.5", " -2 ", "1e3", 7, np.float32(0.5))] == [
        1.5, -2, 1000, 7, 0.5
    ]  # fmt: skip
    assert to_whole_number(" +07 ") == 7
    with pytest.raises(ValueError):
        to_whole_number("1_0")


def test_an_error_names_the_photo_without_its_control_characters(reader):
    with pytest.raises(ValueError, match=r"Received: 'x\\n' for b\\x1b\[31m.jpg in t.csv"):
        reader.numbers("east", ["1", "x\n"])


def test_empty_cells_are_unknown(reader):
    np.testing.assert_array_equal(reader.numbers("east", ["nan", None]), [math.nan] * 2)
    assert reader.texts("place", ["NaN", math.nan]).tolist() == ["", ""]
    assert reader.texts("place", ["Nan", 7.0]).tolist() == ["Nan", "7.0"]
    assert reader.zones(["", None]).tolist() == ["", ""]
    assert np.isnan(reader.times(["", None])[:, 0]).all()


def test_limits_hold_for_what_is_known(reader):
    limits = {"low": 0.0, "high": 360.0, "meaning": "degrees"}
    assert reader.limited_numbers("fov_deg", ["360", "0"], **limits).tolist() == [360, 0]
    assert np.isnan(reader.limited_numbers("fov_deg", ["", "nan"], **limits)).all()
    with pytest.raises(ValueError, match=r"be in \[0, 360\] degrees.*'361' for a.jpg"):
        reader.limited_numbers("fov_deg", ["361", ""], **limits)
