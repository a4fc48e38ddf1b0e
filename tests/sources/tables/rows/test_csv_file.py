"""CSV files within limits, and without formulas."""

import csv
import io

import pytest

from placevec.sources.files import tidy_name
from placevec.sources.tables.photo_table import write_photo_table
from placevec.sources.tables.rows import csv_file
from placevec.sources.tables.rows.csv_file import csv_cell, csv_chunks, csv_columns, in_words
from placevec.sources.tables.rows.rows import read_rows

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"]


def cells(path):
    return [(column, each) for part in csv_chunks(path) for column, c in part.items() for each in c]


def test_no_cell_of_text_begins_as_a_formula_and_readers_get_it_back(tmp_path):
    names = [f"{text}.jpg".replace("/", "_") for text in FORMULAS]
    table = {"file": names, "east": [-1.5] * 5, "north": [2.0] * 5, "place": FORMULAS}
    write_photo_table(tmp_path / "a.csv", table)
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert all(row[0][0] not in "=+-@\t\r" and row[3][0] not in "=+-@\t\r" for row in rows)
    back = read_rows(tmp_path / "a.csv")
    assert back.names.tolist() == names
    assert back.positions[:, 0].tolist() == [-1.5] * 5
    write_photo_table(tmp_path / "b.csv", {**table, "file": back.names.tolist()})
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_other_cells_stay_as_they_are():
    for value in ("a.jpg", "", "a=b", -1.5, None, "'=x", "@12.5@-3@.jpg", "@-1@2@.jpg"):
        assert csv_cell(value) is value and csv_cell(value, is_file=True) is value
    assert tidy_name(csv_cell("=a.jpg", is_file=True), "here") == "=a.jpg"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_reads_tables_of_every_usual_separator(tmp_path, separator):
    lines = (separator.join(row) for row in (("file", "east", "north"), ("a.jpg", "1", "2")))
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert csv_columns(tmp_path / "a.csv") == ["file", "east", "north"]
    assert cells(tmp_path / "a.csv") == [("file", "a.jpg"), ("east", "1"), ("north", "2")]


def test_lines_cells_and_rows_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("file\n" + "a" * 1_000_001)
    with pytest.raises(ValueError, match="Line 2 of .*a.csv must have at most 1,000,000"):
        cells(path)
    path.write_text("file\n" + "a" * 140_000)
    with pytest.raises(ValueError, match="field larger than field limit"):
        cells(path)
    path.write_text("file,b" * 20_000)
    with pytest.raises(ValueError, match="first line has no end"):
        cells(path)
    monkeypatch.setattr(csv_file, "MOST_ROWS", 3)
    monkeypatch.setattr(csv_file, "CHUNK", 2)
    path.write_text("file\n" + "a\n" * 3)
    assert len(cells(path)) == 3
    path.write_text("file\n" + "a\n" * 4)
    with pytest.raises(ValueError, match="at most 3 rows"):
        cells(path)


def test_other_encodings_are_named_by_both_readers(tmp_path):
    (tmp_path / "a.csv").write_bytes("file\n\xe4\n".encode("utf-16"))
    for read in (cells, csv_columns):
        with pytest.raises(ValueError, match="a.csv is not a UTF-8 CSV file"):
            read(tmp_path / "a.csv")


def test_columns_in_an_error_are_one_safe_line():
    assert in_words(["file", "a\x1b[31m\n"]) == "file, a\\x1b[31m\\n"
    assert in_words([]) == "none"
    assert len(in_words(["a" * 5000])) < 400


def test_another_encoding_says_how_to_save_the_table(tmp_path):
    (tmp_path / "t.csv").write_text("file,east,north\n", encoding="utf-16")
    with pytest.raises(ValueError, match="not a UTF-8 CSV file: .*Save it as UTF-8"):
        read_rows(tmp_path / "t.csv")
