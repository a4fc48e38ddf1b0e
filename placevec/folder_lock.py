"""Keeps two processes from writing into the same folder."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from placevec.input_file import shown

LOCK = "lock"


def take_lock(folder: Path, *, waits: bool = False) -> int:
    """Locks a folder, and returns the open file that holds the lock.

    The lock lasts until the file is closed or the process ends.

    Args:
        folder: Path. An existing folder. The lock is on an empty file named `lock` in it.
        waits: bool. If true, wait for another process instead of refusing.

    Raises:
        BlockingIOError: If another process holds the lock.
        OSError: If the file is a link, or the folder is read-only.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    path = Path(folder) / LOCK
    try:
        lock = os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EROFS):
            raise PermissionError(
                f"The folder {shown(folder)} must be writable ({error.strerror})"
            ) from error
        if not (path.is_symlink() or path.exists()):
            reason = f"The folder {shown(folder)} must be writable ({error.strerror})"
            raise type(error)(f"{reason}. Name a path elsewhere") from None
        raise OSError(
            f"{shown(path)} must be an empty file that you can write to ({error.strerror}). "
            "Remove the existing one"
        ) from error
    refusal = (
        f"Another process writes to {folder}, or another writer in this process does. "
        "Wait or close it"
    )
    try:
        hold(lock, refusal, waits=waits)
    except BaseException:
        os.close(lock)
        raise
    return lock


def hold(file: int, refusal: str, *, waits: bool = False) -> None:
    """Locks an open file until it is closed or the process ends.

    Args:
        file: int. Its descriptor.
        refusal: str. The error text if another process has locked it.
        waits: bool. If true, wait for another process instead of refusing.

    Raises:
        BlockingIOError: If another process has locked it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except BlockingIOError:
        raise BlockingIOError(refusal) from None


@contextlib.contextmanager
def locked(folder: Path, *, waits: bool = False) -> Iterator[None]:
    """Keeps other processes from writing into a folder while the block runs.

    Args:
        folder: Path. An existing folder.
        waits: bool. If true, wait for another process instead of refusing.

    Raises:
        BlockingIOError: If another process writes to it.
    """
    lock = take_lock(folder, waits=waits)
    try:
        yield
    finally:
        os.close(lock)
