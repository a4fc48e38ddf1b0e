import os
import subprocess
import sys

import pytest

from placevec.cli import one_line_errors


def test_an_error_is_one_line_on_standard_error_and_nothing_else(tmp_path):
    """Also where TensorFlow is imported, which likes to write lines of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "placevec", "info", str(tmp_path / "gone.keras")],
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr == f"placevec: There is no model {tmp_path / 'gone.keras'}\n"


class Stopped(KeyboardInterrupt):
    signal_number = 15


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("first\n  second"), 2, "placevec: first second"),
        (FileNotFoundError("There is no a"), 2, "placevec: There is no a"),
        (FloatingPointError("NaN"), 2, "placevec: NaN"),
        (ValueError(), 2, "placevec: ValueError()"),
        (ImportError("No module named 'jax'"), 2, "placevec: No module named 'jax'"),
        (KeyboardInterrupt(), 130, "placevec: stopped"),
        (Stopped("Stopped after step 3"), 143, "placevec: Stopped after step 3"),
    ],
)
def test_an_error_becomes_one_line_and_an_exit_code(capsys, error, code, line):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise error
    assert caught.value.code == code
    assert capsys.readouterr().err == line + "\n"


def test_a_reader_that_has_gone_is_no_error(monkeypatch, capsys):
    """As in `placevec info m.keras | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        monkeypatch.setattr("sys.stdout", gone)
        with pytest.raises(SystemExit) as caught, one_line_errors():
            print("a line that nobody reads")
    assert caught.value.code == 141
    assert capsys.readouterr().err == ""


def test_a_mistake_of_the_program_keeps_its_traceback():
    with pytest.raises(KeyError), one_line_errors():
        raise KeyError("a bug")
