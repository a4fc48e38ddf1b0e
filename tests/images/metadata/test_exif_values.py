import math

import pytest
from PIL.TiffImagePlugin import IFDRational

from placevec.images.metadata.exif_values import number, text, three


@pytest.mark.parametrize(
    "value", [None, "x", IFDRational(1, 0), IFDRational(0, 0), math.inf, (1, 2)], ids=str
)
def test_what_is_no_finite_number_is_unknown(value):
    assert math.isnan(number(value))


def test_reads_what_tags_hold():
    assert number(IFDRational(1, 4)) == 0.25
    assert three((1, 2, 3)) == (1, 2, 3)
    assert all(map(math.isnan, three((1, 2))))
    assert [text(value) for value in (b"WGS-84 \0", "N\0", 5, None)] == ["WGS-84", "N", "", ""]
