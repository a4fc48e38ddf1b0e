import errno
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


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_says_that_a_folder_is_read_only(tmp_path, monkeypatch, number):
    def refuse(path, *_):
        raise OSError(number, os.strerror(number), path)

    (tmp_path / "lock").touch()
    monkeypatch.setattr("os.open", refuse)  # root may write everywhere
    with pytest.raises(PermissionError, match="The folder .* must be writable") as refusal:
        with locked(tmp_path):
            pass
    assert "Remove" not in str(refusal.value)


def test_waits_where_told(tmp_path):
    first = take_lock(tmp_path)
    threading.Timer(0.01, os.close, (first,)).start()
    with locked(tmp_path, waits=True), pytest.raises(BlockingIOError):
        take_lock(tmp_path)
