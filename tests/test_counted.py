import pytest

from placevec.counted import counted


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("photo",), "0 photos"),
        (1, ("photo",), "1 photo"),
        (2, ("photo",), "2 photos"),
        (1, ("entry is", "entries are"), "1 entry is"),
        (3, ("entry is", "entries are"), "3 entries are"),
    ],
)
def test_nouns_and_verbs_follow_the_number(number, words, text):
    assert counted(number, *words) == text
