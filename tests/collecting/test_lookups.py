import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.collecting.client.errors import TryAgainError
from placevec.collecting.lookups import Lookups


def number(body):
    if not body.isdigit():
        raise TryAgainError("sent no number")
    return int(body)


def test_answers_are_there_for_the_next_run(tmp_path):
    with Lookups(tmp_path, number, str) as lookups:
        assert lookups.keep("a", b"1") == 1
        assert lookups.keep("b", b"2") == 2
    later = Lookups(tmp_path, number, str)
    assert later.unanswered(["a", "c", "b", "d", "c"]) == ["c", "d"]
    assert (later["a"], later["b"]) == (1, 2)


def test_what_cannot_be_read_is_not_kept(tmp_path):
    with Lookups(tmp_path, number, str) as lookups, pytest.raises(TryAgainError, match="no number"):
        lookups.keep("a", b"x")
    assert lookups.unanswered(["a"]) == Lookups(tmp_path, number, str).unanswered(["a"]) == ["a"]


def test_answers_are_only_remembered_where_nothing_may_be_written(tmp_path):
    lookups = Lookups(tmp_path, number, str)
    lookups.keep("a", b"1")
    assert lookups["a"] == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("torn", [20, 1])
def test_an_answer_whose_line_was_torn_is_asked_for_again(tmp_path, torn):
    with Lookups(tmp_path, number, str) as lookups:
        lookups.keep("a", b"1")
        lookups.keep("b", b"2")
    path = tmp_path / "lookups.jsonl"
    path.write_bytes(path.read_bytes()[:-torn])
    with Lookups(tmp_path, number, str) as lookups:
        assert lookups.unanswered(["a", "b"]) == (["b"] if torn == 20 else [])
        lookups.keep("c", b"3")
    assert Lookups(tmp_path, number, str).unanswered(["a", "c"]) == []


anything = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
lines = st.fixed_dictionaries({}, optional={"question": anything, "answer": anything}) | anything


@given(st.binary(max_size=60) | lines.map(lambda line: json.dumps(line).encode()))
def test_any_file_is_passed_over_or_gives_answers(tmp_path, data):
    (tmp_path / "lookups.jsonl").write_bytes(data)
    assert Lookups(tmp_path, number, str).unanswered(["none of these"]) == ["none of these"]
