"""A few kills and full disks for each verb; `python -m tests.reliability.kills` runs more."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.outcomes import damaged, differences, outcome

REPOSITORY = Path(__file__).resolve().parents[2]


def run_harness(*arguments):
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.slow
def test_no_kill_loses_or_damages_anything():
    done = run_harness("tests.reliability.kills", "--kills", "40")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_no_full_disk_loses_or_damages_anything():
    done = run_harness("tests.reliability.small_disk", "--fills", "30")
    if "PermissionError: A small disk needs root" in done.stderr:
        pytest.skip("only root may mount a small disk")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_harness_tells_damaged_missing_and_changed_files(tmp_path):
    (tmp_path / "a.csv").write_text("a,seconds\n1,2\n")
    (tmp_path / "b.json").write_text("{}")
    before = outcome(tmp_path)
    (tmp_path / "a.csv").write_text("a,seconds\n1,3\n")
    assert not differences(before, outcome(tmp_path)) and not damaged(tmp_path)
    (tmp_path / "a.csv").write_text("a,seconds\n2,2\n")
    (tmp_path / "b.json").unlink()
    assert differences(before, outcome(tmp_path)) == ["a.csv", "b.json (in one only)"]
    (tmp_path / "a.csv").write_text("a,seconds\n2")
    (tmp_path / "c.json").write_text("{")
    assert [each.split(":")[0] for each in damaged(tmp_path)] == ["a.csv", "c.json"]
