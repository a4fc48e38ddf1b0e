import importlib
import multiprocessing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = ("placevec tensorflow", "PyTorch usual")
TABLE = [  # s a step, processor s, photos/s, ratios to the usual and the tuned row, MB
    "| placevec tensorflow | 1.00 | 3.00 | 8.0 | 2.00 | 1.00 | - | - | 100 |",
    "| PyTorch usual | 2.00 | 3.00 | 4.0 | 1.00 | 1.00 | - | - | 100 |",
]


@pytest.fixture
def lines_of(monkeypatch, capsys):
    """Returns a function from rows to the lines that the benchmark prints for them."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")  # the processes of the rows inherit the path
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks")
    peer = importlib.import_module("training_peer")
    answer = importlib.import_module("training_rows").answer

    def measure(*rows, limit_s=60.0):
        batch = peer.BATCHES["4 pairs"]
        steps = peer.measure(rows, "mobilenetv2", batch, Path("unread"), 2, limit_s, answer)
        peer.print_table(steps, batch)
        return capsys.readouterr().out.splitlines()

    yield measure
    assert not multiprocessing.active_children()


def test_compares_the_rows_within_a_round(lines_of):
    ready, ready_too, *table = lines_of(*GOOD)
    assert ready.startswith("ready: placevec tensorflow, after ")
    assert ready_too.startswith("ready: PyTorch usual, after ")
    assert table[2:] == TABLE


def test_leaves_out_rows_that_do_not_answer_in_time(lines_of):
    rows = ("PyTorch slow to start", "PyTorch slow to step")
    lines = lines_of(*rows, *GOOD, limit_s=10.0)
    for row in rows:
        assert f"left out: {row} (no answer within 10 s)" in lines
    assert lines[-2:] == TABLE


def test_leaves_out_rows_whose_process_is_killed(lines_of):
    rows = ("PyTorch killed at start", "PyTorch killed at wait", "PyTorch killed at step")
    lines = lines_of(*rows, *GOOD)
    for row in rows:
        assert f"left out: {row} (its process ended with code -9; -9: no memory)" in lines
    assert lines[-2:] == TABLE


def test_leaves_out_a_row_whose_library_is_missing(lines_of):
    lines = lines_of("PyTorch missing", *GOOD)
    assert lines[0] == "left out: PyTorch missing (No module named 'torch')"
    assert lines[-2:] == TABLE


def test_refuses_a_row_with_other_losses(lines_of):
    with pytest.raises(ValueError, match="PyTorch unequal: the loss of step 2 is 0.33, not 0.3"):
        lines_of(*GOOD, "PyTorch unequal")


def test_raises_the_error_of_a_row(lines_of):
    with pytest.raises(RuntimeError, match="the step is broken"):
        lines_of(*GOOD, "PyTorch broken")
