"""Writes a file completely or not at all."""

import contextlib
import errno
import fcntl
import functools
import hashlib
import logging
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from placevec.input_file import shown

_log = logging.getLogger(__name__)
# Some writers choose a format by the suffix, so an unfinished file keeps a suffix of this form.
_SUFFIX = r"(?:\.[A-Za-z0-9]{1,16})?"
_UNFINISHED = re.compile(rf"\.unfinished-([0-9a-f]{{16}})-([0-9a-f]{{16}}){_SUFFIX}")


@contextlib.contextmanager
def named_errors(path: Path | str) -> Iterator[None]:
    """Makes operating system errors in the block, such as a full disk, name the file to write.

    Args:
        path: Path. The file.

    Raises:
        OSError: Any that the block raises, with its kind and `errno`; the message names `path`.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        kind = type(error) if type(error).__module__ == "builtins" else OSError
        named = kind(f"{shown(path)} could not be written ({reason})")
        named.errno = error.errno
        raise named from error


@contextlib.contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yields a path to write to, and moves what you wrote to `path` when the block succeeds.

    If anything goes wrong before that (an error, a full disk, SIGKILL, power loss), an older file
    at `path` stays as it was. The unfinished file lies in the same folder under a random name. It
    is created exclusively, so no link is followed and two writers of one `path` never share it;
    the writer that ends last replaces the whole file. A link at `path` is replaced, not followed.
    Permissions follow the umask of the process. The next process that writes into the folder
    deletes what a killed process left, see `delete_unfinished`.

    Args:
        path: Path. The file to write, in an existing folder.

    Yields:
        Path. An empty file in the same folder with the same suffix. Write into it in place.

    Raises:
        OSError: If it cannot be written, such as on a full disk; the message names `path`.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "a.txt") as unfinished:
    ...         _ = unfinished.write_text("all of it")
    ...     print([path.name for path in Path(folder).iterdir()])
    ['a.txt']
    """
    path = Path(path)
    with named_errors(path):
        _delete_unfinished_once(path.parent.absolute())
        unfinished, descriptor = _create(path)
        try:
            yield unfinished
            if not os.path.samestat(os.fstat(descriptor), os.lstat(unfinished)):
                raise OSError(errno.EBUSY, "something replaced its unfinished file")
            os.fsync(descriptor)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
            os.close(descriptor)
    with contextlib.suppress(OSError):  # Some network disks refuse; the file is complete anyway.
        _folder_to_disk(path.parent)


def delete_unfinished(folder: Path) -> int:
    """Deletes the unfinished files that killed writers left in a folder.

    It deletes only files that `whole_file` made and that no process is writing. Such a file has a
    name that holds a digest of its random part. It is a regular file of this user without a second
    name, and nobody holds the lock that a writer keeps while it runs.

    Args:
        folder: Path.

    Returns:
        int. How many files were deleted.
    """
    count = 0
    for name in os.listdir(folder):
        found = _UNFINISHED.fullmatch(name)
        if found and found[2] == _digest(found[1]):
            count += _delete_abandoned(Path(folder) / name)
    if count:
        _log.info("deleted %d unfinished files in %s", count, folder)
    return count


def make_folder(path: Path) -> None:
    """Makes a folder, and the folders that it lies in, if they are missing.

    Args:
        path: Path.

    Raises:
        NotADirectoryError: If one of them is a file.
        OSError: If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        file = next(each for each in (*path.parents[::-1], path) if not each.is_dir())
        raise NotADirectoryError(f"{shown(file)} must be a folder. Received: a file") from None


def require_new_folder(path: Path) -> None:
    """Refuses a folder that could not be made. Call it before long work.

    Args:
        path: Path. An existing folder, or a folder to make.

    Raises:
        FileNotFoundError: If the folder that it lies in is missing.
        NotADirectoryError: If it is a file.
        PermissionError: If it or the folder that it lies in is read-only.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{shown(path)} must be a folder. Received: a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {shown(path.parent)} for {shown(path.name)}. Make it"
        )
    _require_writable_folder(path if path.exists() else path.parent, path)


def require_writable(path: Path | str, suffix: str) -> None:
    """Refuses a path that could not be written to. Call it before long work.

    Args:
        path: Path. The file to write, in an existing folder.
        suffix: str. The suffix that its name must have, such as `".npz"`.

    Raises:
        ValueError: If `path` has another suffix.
        FileNotFoundError: If the folder is missing.
        OSError: If `path` is a folder, or its folder is read-only.
    """
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"The file to write must end in {suffix}. Received: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} for {path.name}. Make it")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Name a file")
    _require_writable_folder(path.parent, path)


def _require_writable_folder(folder: Path, path: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {folder} must be writable for {path.name}")


def _create(path: Path) -> tuple[Path, int]:
    """Creates the unfinished file, and returns its path and an open, locked descriptor."""
    suffix = path.suffix if re.fullmatch(_SUFFIX, path.suffix) else ""
    while True:
        token = secrets.token_hex(8)
        unfinished = path.with_name(f".unfinished-{token}-{_digest(token)}{suffix}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(unfinished, flags, 0o666)
        try:
            with contextlib.suppress(OSError):  # A disk without locks: nothing is deleted there.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:  # Another process can delete it before the lock.
                return unfinished, descriptor
        except BaseException:
            os.close(descriptor)
            unfinished.unlink(missing_ok=True)
            raise
        os.close(descriptor)


def _digest(token: str) -> str:
    return hashlib.sha256(f"placevec unfinished {token}".encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=1024)
def _delete_unfinished_once(folder: Path) -> None:
    """Deletes leftovers once per folder: when this process first writes into it."""
    with contextlib.suppress(PermissionError):  # You may write to the folder but not list it.
        delete_unfinished(folder)


def _delete_abandoned(path: Path) -> bool:
    """Deletes an unfinished file that no living process holds, and says whether it did."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # It is a link, is gone, or belongs to another user.
        return False
    try:
        status = os.fstat(descriptor)
        is_own = status.st_uid == os.geteuid() and status.st_nlink == 1
        if not (is_own and stat.S_ISREG(status.st_mode)):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
        return True
    except OSError:  # Another process is writing it.
        return False
    finally:
        os.close(descriptor)


def _folder_to_disk(folder: Path) -> None:
    """Waits until the system has written the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
