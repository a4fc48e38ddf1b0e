"""Files that are there as a whole or not at all."""

import os
import signal
import subprocess
import sys

import pytest

from placevec.whole_file import require_writable, whole_file


def test_moves_what_was_written(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with whole_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("new")
        assert (tmp_path / "a.txt").read_text() == "old"
        assert unfinished.suffix == ".txt"  # writers that go by the ending take it
    assert (tmp_path / "a.txt").read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_older_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_a_killed_process_left_is_replaced(tmp_path):
    program = (
        "import os, signal, sys\n"
        "from placevec.whole_file import require_writable, whole_file\n"
        "with whole_file(sys.argv[1]) as unfinished:\n"
        "    unfinished.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.txt")])
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "a.txt").exists()
    assert len(os.listdir(tmp_path)) == 1
    with whole_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("whole")
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_needs_its_folder(tmp_path):
    with (
        pytest.raises(FileNotFoundError),
        whole_file(tmp_path / "none" / "a.txt") as unfinished,
    ):
        unfinished.write_text("x")


def test_refuses_places_it_cannot_write_to(tmp_path):
    with pytest.raises(ValueError, match="ends in .npz. Received: .*d.npy"):
        require_writable(tmp_path / "d.npy", ".npz")
    with pytest.raises(FileNotFoundError, match="There is no folder .*gone for d.npz. Make it"):
        require_writable(tmp_path / "gone" / "d.npz", ".npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder. Name a file"):
        require_writable(tmp_path / "folder.npz", ".npz")
    require_writable(tmp_path / "d.npz", ".npz")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npz"]


def test_refuses_a_read_only_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(PermissionError, match="must be writable for d.npz"):
        require_writable(tmp_path / "d.npz", ".npz")
