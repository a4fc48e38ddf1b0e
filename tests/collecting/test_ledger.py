import json
import math

import pytest

from placevec.collecting.ledger import Ledger
from placevec.sources.tables.rows.rows import read_csv


def add(ledger, name, **row):
    ledger.path(name).write_bytes(b"photo")
    ledger.add({"file": name, "lat": 1.0, "lon": 2.0, "heading_deg": math.nan, **row})


def test_rows_come_back_and_stand_in_the_table(tmp_path):
    with Ledger(tmp_path / "a" / "b") as ledger:
        add(ledger, "2.jpg", attribution="x, y")
        add(ledger, "1.jpg")
    assert Ledger(tmp_path / "a" / "b").names == {"1.jpg", "2.jpg"}
    cells = read_csv(tmp_path / "a" / "b" / "positions.csv")
    assert cells["file"] == ["1.jpg", "2.jpg"]
    assert cells["attribution"] == ["", "x, y"]
    assert cells["heading_deg"] == ["", ""]


def test_the_table_is_written_also_when_an_error_ends_the_run(tmp_path):
    with pytest.raises(KeyError), Ledger(tmp_path) as ledger:
        add(ledger, "1.jpg")
        raise KeyError
    assert read_csv(tmp_path / "positions.csv")["file"] == ["1.jpg"]


def test_the_table_is_written_at_the_start_from_what_a_killed_run_left(tmp_path):
    with Ledger(tmp_path) as ledger:
        add(ledger, "1.jpg")
    (tmp_path / "positions.csv").unlink()
    with Ledger(tmp_path):
        assert read_csv(tmp_path / "positions.csv")["file"] == ["1.jpg"]


def test_a_table_that_cannot_be_written_leaves_the_folder_to_others(tmp_path, monkeypatch):
    with Ledger(tmp_path) as ledger:
        add(ledger, "1.jpg")
    with monkeypatch.context() as patch:
        patch.setattr("placevec.collecting.ledger.write_photo_table", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError), Ledger(tmp_path):
            pass
    with Ledger(tmp_path) as ledger:
        assert ledger.names == {"1.jpg"}


def test_a_photo_that_was_taken_away_has_no_row(tmp_path):
    with Ledger(tmp_path) as ledger:
        add(ledger, "1.jpg")
        add(ledger, "2.jpg")
    (tmp_path / "1.jpg").unlink()
    with Ledger(tmp_path) as ledger:
        assert ledger.names == {"2.jpg"}
    assert read_csv(tmp_path / "positions.csv")["file"] == ["2.jpg"]


@pytest.mark.parametrize("torn", [b'{"file": "2.jp', b"\xff\xff", b"[1]", b"{}", b"[" * 100_000,
                                  b'{"file": "../x.jpg"}'])  # fmt: skip
def test_lines_that_are_not_whole_are_passed_over(tmp_path, torn):
    with Ledger(tmp_path) as ledger:
        add(ledger, "1.jpg")
    with open(tmp_path / "collected.jsonl", "ab") as file:
        file.write(torn)
    with Ledger(tmp_path) as ledger:
        assert ledger.names == {"1.jpg"}
        add(ledger, "3.jpg")
    assert Ledger(tmp_path).names == {"1.jpg", "3.jpg"}
    last = (tmp_path / "collected.jsonl").read_bytes().splitlines()[-1]
    assert json.loads(last)["file"] == "3.jpg"


def test_only_one_process_collects_into_a_folder(tmp_path):
    with Ledger(tmp_path), pytest.raises(BlockingIOError, match="at work in"), Ledger(tmp_path):
        pass
    with Ledger(tmp_path):
        pass
