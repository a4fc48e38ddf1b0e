import dataclasses

import numpy as np
import pytest

from placevec.grouping import group, write_groups


def test_writes_a_table_and_a_page(heap, engine, tmp_path):
    group(heap(2, 14, 1), engine, threshold=0.3, out=tmp_path / "out")
    lines = (tmp_path / "out" / "groups.csv").read_text().splitlines()
    assert lines[0] == "file,group,similarity" and len(lines) == 18
    assert lines[1].split(",")[1] == "1" and lines[-1] == "2_0.png,,"
    text = (tmp_path / "out" / "groups.html").read_text()
    assert "group 1: 14 photos, 12 of them shown" in text and "group 2: 2 photos" in text
    assert text.count("<img") == 14 and "2 groups of 16 of 17 photos" in text


def test_a_file_of_yours_stays_unless_it_may_be_replaced(heap, engine, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "groups.csv").write_text("mine")
    settings = {"threshold": 0.3, "out": tmp_path / "out"}
    with pytest.raises(FileExistsError, match="already has groups.csv. .*`--overwrite`"):
        group(heap(2, 2), engine, **settings)
    assert (tmp_path / "out" / "groups.csv").read_text() == "mine"
    group(heap(2, 2), engine, overwrite=True, **settings)
    assert (tmp_path / "out" / "groups.csv").read_text().startswith("file,group")


def test_names_are_text_and_many_groups_are_counted(heap, engine, tmp_path, monkeypatch):
    monkeypatch.setattr("placevec.grouping.write._MOST_GROUPS", 1)
    found = group(heap(2, 2), engine, threshold=0.3)
    names = np.array(["<i>.png", "=1+1.png", "a.png", "b.png"])
    found = dataclasses.replace(found, dataset=dataclasses.replace(found.dataset, names=names))
    write_groups(found, tmp_path / "out")
    text = (tmp_path / "out" / "groups.html").read_text()
    assert "&lt;i&gt;.png" in text and "<i>" not in text
    assert "The 1 largest groups are shown; groups.csv has all." in text
    assert "./=1+1.png,1," in (tmp_path / "out" / "groups.csv").read_text()


def test_no_groups_have_a_page_that_says_so(heap, engine, tmp_path):
    group(heap(1, 1, 1), engine, threshold=0.3, out=tmp_path / "out")
    assert "no groups in 3 photos" in (tmp_path / "out" / "groups.html").read_text()
