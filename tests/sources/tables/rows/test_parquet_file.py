"""Parquet files, whose footer is looked at first."""

from datetime import datetime

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from placevec.sources.tables.rows import csv_file, parquet_file, rows
from placevec.sources.tables.rows.parquet_file import parquet_chunks, parquet_columns
from placevec.sources.tables.rows.rows import read_rows


def written(tmp_path, **columns):
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet", compression="zstd")
    return tmp_path / "a.parquet"


def read(path, *wanted):
    return list(parquet_chunks(path, wanted))


def test_equal_texts_and_numbers_are_read_as_they_are(tmp_path):
    path = written(tmp_path, file=["a", "a", None], east=[1, 2, 3], other=[1, 1, 1])
    assert parquet_columns(path) == ["file", "east", "other"]
    first, second = read(path, "file", "east", "north")
    assert first == {"file": [], "east": [], "other": []}
    assert second == {"file": ["a", "a", None], "east": [1, 2, 3]}


def test_a_long_text_in_each_of_many_rows_is_refused_before_it_is_copied(tmp_path):
    """Two kilobytes that would be 100 GB in memory."""
    indices = pyarrow.array(np.zeros(100_000, np.int8))
    texts = pyarrow.DictionaryArray.from_arrays(indices, ["a" * 1_000_000])
    path = written(tmp_path, file=texts)
    assert path.stat().st_size < 10_000
    with pytest.raises(ValueError, match="`file` of .*a.parquet must hold at most 10,000 bytes"):
        read(path, "file")


def test_unpacked_bytes_and_rows_are_read_from_the_footer(tmp_path, monkeypatch):
    path = written(tmp_path, file=[f"{'a' * 1000}{i}" for i in range(2000)])
    monkeypatch.setattr(parquet_file, "_PLAIN_BYTES", 1000)
    with pytest.raises(ValueError, match="must unpack to at most 100 times its size"):
        read(path, "file")
    read(path)  # of columns that are not read it does not matter
    monkeypatch.setattr(csv_file, "MOST_ROWS", 1999)
    with pytest.raises(ValueError, match="at most 1,999 rows"):
        read(path)


def test_rows_times_the_longest_text_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "_MOST_BYTES", 500)
    names = [f"{i}.jpg" for i in range(10)]
    read_rows(written(tmp_path, file=names, east=[1.0] * 10, north=[1.0] * 10))
    with pytest.raises(ValueError, match="`file` of .* rows times the longest text"):
        read_rows(written(tmp_path, file=[*names, "a" * 99], east=[1.0] * 11, north=[1.0] * 11))


@pytest.mark.parametrize("column", [[[1]], [{"a": 1}], [datetime(2000, 1, 1)]])
def test_lists_and_values_beyond_python_are_one_line(tmp_path, column):
    table = pyarrow.table({"file": ["a"], "time": column})
    if not pyarrow.types.is_nested(table.schema.field("time").type):
        table = table.set_column(1, "time", pyarrow.array([2**62], pyarrow.timestamp("us")))
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="`time` of .*a.parquet") as refusal:
        read(tmp_path / "a.parquet", "file", "time")
    assert str(refusal.value).isprintable()


def test_damage_is_one_line_that_names_the_file(tmp_path):
    path = written(tmp_path, file=["a"])
    data = path.read_bytes()
    for damaged in (b"", b"PAR1", data[:-5], data[:20] + bytes(20) + data[40:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="a.parquet is not a complete Parquet file") as refusal:
            read(path, "file")
        assert str(refusal.value).isprintable()


def test_bytes_are_not_a_text(tmp_path):
    with pytest.raises(
        ValueError, match="`file` of .* must hold text or numbers. Received: binary"
    ):
        read(written(tmp_path, file=[b"a.jpg"]), "file")
