import numpy as np
import pytest

from placevec.sources.tables.rows.identities import number_identities


def numbered(*texts):
    return number_identities(np.array(texts, dtype=np.str_)).tolist()


@pytest.mark.parametrize(
    "texts",
    [
        ("12_3", "1_23"), ("007", "7"), ("1e3", "1000"), ("7.0", "7"), ("+7", "7"), ("True", "1"),
        ("\uff17", "7"), ("9223372036854775808", "9223372036854775809"), ("Oak", "oak"),
        ("-2", "2"),
    ],
    ids=str,
)  # fmt: skip
def test_different_texts_are_different_and_equal_ones_equal(texts):
    one, other, again = numbered(*texts, texts[0])
    assert one == again != other
    assert min(one, other) >= 0


def test_plain_numbers_keep_their_value():
    assert numbered("7", "0", "7", str(2**63 - 1)) == [7, 0, 7, 2**63 - 1]


def test_unknown_ones_stay_unknown():
    assert numbered("", "-1", "7") == [-1, -1, 7]
    assert numbered("", "-1", "oak") == [-1, -1, 0]
    assert numbered() == []
