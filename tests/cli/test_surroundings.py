import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from placevec.cli import main, one_line_errors
from placevec.cli.surroundings import without_debug_flag

REPOSITORY = Path(__file__).resolve().parents[2]


def test_an_error_is_one_line_on_standard_error_and_nothing_else(tmp_path):
    """Also where TensorFlow is imported, which likes to write lines of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "placevec", "info", str(tmp_path / "gone.keras")],
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"placevec: There is no model {tmp_path / 'gone.keras'}. Name ")
    assert answer.stderr.count("\n") == 1


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
        (
            ModuleNotFoundError("No module named 'torch'", name="torch"),
            2,
            "placevec: Keras needs torch, which is not installed. Choose another backend with the "
            "environment variable KERAS_BACKEND (tensorflow or jax), or install it "
            "(`make test-torch` installs PyTorch's CPU build)",
        ),
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


@pytest.fixture(autouse=True)
def no_debug(monkeypatch):
    monkeypatch.delenv("PLACEVEC_DEBUG", raising=False)


@pytest.mark.parametrize(
    "error",
    [KeyError("a bug"), RecursionError("deep"), AssertionError(), RuntimeError("two\nlines"),
     TypeError("NoneType"), StopIteration(), type("Odd", (Exception,), {})("\x1b[31mred")],
)  # fmt: skip
def test_a_fault_of_the_program_is_one_line_that_says_how_to_get_the_traceback(capsys, error):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise error
    assert caught.value.code == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"placevec: this is a bug in placevec, not in your input: {type(error).__name__}"
    )
    assert line.endswith("Run it with `--debug` to see the traceback, and report it")
    assert line.isprintable()


@pytest.mark.parametrize(("error", "code"), [(KeyError("a bug"), 70), (ValueError("bad"), 2)])
def test_debug_adds_the_traceback(capsys, monkeypatch, error, code):
    monkeypatch.setenv("PLACEVEC_DEBUG", "1")
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise error
    assert caught.value.code == code
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith("placevec: ")


@pytest.mark.parametrize("debug", ["", "0"])
def test_debug_can_be_off_by_name(capsys, monkeypatch, debug):
    monkeypatch.setenv("PLACEVEC_DEBUG", debug)
    with pytest.raises(SystemExit), one_line_errors():
        raise ValueError("bad")
    assert capsys.readouterr().err == "placevec: bad\n"


def test_the_debug_flag_is_taken_anywhere_in_the_command(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PLACEVEC_DEBUG", "0")
    with pytest.raises(SystemExit) as caught:
        main(["info", "--debug", str(tmp_path / "gone.keras")])
    assert caught.value.code == 2
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["script", "--debug", "--seed", "3"])
    assert without_debug_flag() == ["--seed", "3"]


def test_a_long_error_keeps_its_beginning_and_its_end(capsys):
    with pytest.raises(SystemExit), one_line_errors():
        raise ValueError("a" * 100_000 + "z")
    line = capsys.readouterr().err
    assert len(line) < 2100 and line.endswith("z\n")


def test_full_memory_is_one_line(capsys):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise MemoryError("Unable to allocate 7 TiB")
    assert caught.value.code == 2
    assert "out of memory (Unable to allocate 7 TiB)" in capsys.readouterr().err


def test_a_broken_pipe_to_another_process_is_an_error(capsys):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise BrokenPipeError(32, "Broken pipe")
    assert caught.value.code == 2
    assert "Broken pipe" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_one_line(monkeypatch, capfd):
    full = open("/dev/full", "w")
    monkeypatch.setattr("sys.stdout", full)
    with pytest.raises(SystemExit) as caught, one_line_errors():
        print("a line")
    full.close()  # what is left goes nowhere
    assert caught.value.code == 2
    assert capfd.readouterr().err == "placevec: [Errno 28] No space left on device\n"


def test_closed_output_is_no_error(monkeypatch):
    """As in `placevec info m.keras >&- 2>&-`."""
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    with one_line_errors():
        print("a line")
    for stream in (sys.stdout, sys.stderr):
        assert stream.name == os.devnull
        stream.close()


@pytest.mark.parametrize(
    "script", ["noveou_train_netvlad_v3.py", "demo_compute_im_descriptor.py", "test_render.py"]
)
def test_the_scripts_leave_by_the_last_handler(script):
    text = (REPOSITORY / script).read_text(encoding="utf-8")
    assert 'if __name__ == "__main__":\n    with one_line_errors():\n' in text


def test_log_lines_do_not_steer_the_terminal(capsys):
    root = logging.getLogger()
    before, root.handlers = root.handlers, []
    try:
        with one_line_errors():
            logging.getLogger("placevec").warning("%s", "a\x1b[31m\u202e\r.jpg")
    finally:
        root.handlers = before
    assert capsys.readouterr().err == "a\\x1b[31m\\u202e\\r.jpg\n"
