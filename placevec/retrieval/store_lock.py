"""Keeps two processes from writing to one store."""

import fcntl
import os
from pathlib import Path

LOCK = "lock"


def take_lock(folder: Path) -> int:
    """Returns an open file that is locked until it is closed or the process ends.

    Args:
        folder: Path. The store.

    Raises:
        BlockingIOError: If another process has it.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BlockingIOError(
            f"Another process writes to {folder}, or another writer of this one. Wait or close it"
        ) from None
    return lock
