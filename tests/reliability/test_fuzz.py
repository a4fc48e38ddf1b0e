"""Every reader takes damaged inputs; `python -m tests.reliability.fuzz` runs as many as wanted."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_no_reader_ends_in_anything_but_a_result_or_one_line():
    command = [sys.executable, "-m", "tests.reliability.fuzz", "--inputs", "60"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
