import os
import threading

import pytest

from placevec.folder_lock import locked, take_lock


def test_one_at_a_time_and_the_next_one_when_it_ends(tmp_path):
    with locked(tmp_path):
        with pytest.raises(BlockingIOError, match="Another process writes to .*Wait or close it"):
            take_lock(tmp_path)
    os.close(take_lock(tmp_path))
    assert os.listdir(tmp_path) == ["lock"]


def test_follows_no_link(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="lock must be an empty file .*Remove the existing one"):
        take_lock(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_says_what_is_in_the_way(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(OSError, match="lock must be an empty file .*Is a directory"):
        take_lock(tmp_path)


def test_waits_where_told(tmp_path):
    first = take_lock(tmp_path)
    threading.Timer(0.01, os.close, (first,)).start()
    with locked(tmp_path, waits=True), pytest.raises(BlockingIOError):
        take_lock(tmp_path)
