"""The notebook runs from its first cell to its last, and its outputs are small."""

import json
from pathlib import Path

import matplotlib
import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "find_my_photo.ipynb"


def test_is_short_and_its_outputs_are_small():
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert len(cells) <= 25
    assert NOTEBOOK.stat().st_size < 150_000
    assert not [cell for cell in cells for output in cell.get("outputs", ())
                if output.get("output_type") == "error"]  # fmt: skip


@pytest.mark.slow
def test_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    names = {}
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)  # noqa: S102
    said = capsys.readouterr().out
    assert names["evaluation"].recall[1] == 1.0
    assert len(names["loops"].accepted) == 5
    assert "12 descriptors of 1008 dimensions in town" in said and "adapted by own" in said
