import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.collecting import json_lines
from placevec.collecting.json_lines import JsonLines


def test_what_several_threads_add_is_read_back(tmp_path):
    with JsonLines(tmp_path / "a.jsonl") as lines:
        threads = [threading.Thread(target=lines.add, args=({"a": "x" * n},)) for n in range(50)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    lengths = [len(each["a"]) for each in JsonLines(tmp_path / "a.jsonl").read()]
    assert sorted(lengths) == list(range(50))


def test_a_file_that_is_not_there_has_no_lines(tmp_path):
    assert list(JsonLines(tmp_path / "none.jsonl").read()) == []
    assert not list(tmp_path.iterdir())


def test_only_one_writes_at_a_time(tmp_path):
    path = tmp_path / "a.jsonl"
    with (
        JsonLines(path),
        pytest.raises(BlockingIOError, match="Another `placevec collect`"),
        JsonLines(path),
    ):
        pass
    with JsonLines(path):
        pass


@given(st.binary(max_size=60) | st.sampled_from([b"[" * 100_000, b'{"a": 1', b"1" * 5000]))
def test_a_line_stands_alone_whatever_stands_before_it(tmp_path, before):
    path = tmp_path / "a.jsonl"
    path.write_bytes(before)
    with JsonLines(path) as lines:
        lines.add({"b": 2})
    assert list(JsonLines(path).read())[-1] == {"b": 2}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "_open_no_link", lambda *_: os.open("/dev/full", os.O_RDWR))
    monkeypatch.setattr(json_lines, "hold", lambda *_: None)
    with (
        pytest.raises(OSError, match=r"a\.jsonl could not be written \(No space left"),
        JsonLines(tmp_path / "a.jsonl") as lines,
    ):
        lines.add({"a": 1})


def test_never_writes_to_a_file_that_a_link_leads_to(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "mine.txt")
    with pytest.raises(OSError, match="a.jsonl"), JsonLines(tmp_path / "a.jsonl"):
        pass
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_lines_that_nest_deeply_or_have_no_end_are_passed_over(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n' + "[" * 100_000 + "\n" + "x" * 2_000_000 + '\n{"a": 2}\n')
    assert list(JsonLines(path).read()) == [{"a": 1}, {"a": 2}]
