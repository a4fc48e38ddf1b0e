"""Keeps two processes from writing into one folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

LOCK = "lock"


def take_lock(folder: Path) -> int:
    """Returns an open file that is locked until it is closed or the process ends.

    Args:
        folder: Path. A folder that is there; the empty file `lock` in it is what is locked.

    Raises:
        BlockingIOError: If another process has it.
        OSError: If the file is a link, or the folder read-only.
    """
    path = Path(folder) / LOCK
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    lock = os.open(path, flags, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if not isinstance(error, BlockingIOError):
            raise
        raise BlockingIOError(
            f"Another process writes to {folder}, or another writer of this one. Wait or close it"
        ) from None
    return lock


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lets no other process write into a folder meanwhile.

    Args:
        folder: Path. A folder that is there.

    Raises:
        BlockingIOError: If another process writes to it.
    """
    lock = take_lock(folder)
    try:
        yield
    finally:
        os.close(lock)
