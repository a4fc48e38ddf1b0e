"""Writes a file or a folder completely or not at all."""

import contextlib
import errno
import fcntl
import functools
import hashlib
import logging
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from placevec.counted import counted
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
        OSError: Any that the block raises, with its kind and `errno`; the message names `path`, or
            the file that a block within this one names.
    """
    try:
        yield
    except OSError as error:
        if error.strerror is None and isinstance(error.__cause__, OSError):
            raise  # a block within this one named its file
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
        _to_disk(path.parent)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a folder to write into, and moves it to `path` when the block succeeds.

    It is `whole_file` for a folder. An older folder or file at `path` stays as it was until the new
    folder is complete. Then it is moved aside and deleted: a kill between these two moves leaves
    nothing at `path`.

    Args:
        path: Path. The folder to write, in an existing folder.

    Yields:
        Path. An empty folder beside it.

    Raises:
        OSError: If it cannot be written, such as on a full disk. The message names `path`.
    """
    with named_errors(path):
        _delete_unfinished_once(path.parent.absolute())
        unfinished, older = _unfinished_name(path, ""), _unfinished_name(path, "")
        unfinished.mkdir()
        descriptor = os.open(unfinished, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):  # A disk without locks: nothing is deleted there.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield unfinished
            for each in (*unfinished.rglob("*"), unfinished):
                _to_disk(each)
            if os.path.lexists(path):
                os.rename(path, older)
            os.rename(unfinished, path)
        finally:
            for each in (unfinished, older):
                delete(each)
            os.close(descriptor)
    with contextlib.suppress(OSError):  # Some network disks refuse; the folder is complete anyway.
        _to_disk(path.parent)


def delete_unfinished(folder: Path) -> int:
    """Deletes the unfinished files and folders that killed writers left in a folder.

    It deletes only what `whole_file` and `whole_folder` made and no process is writing. Its name
    holds a digest of its random part. It is a folder, or a regular file without a second name, of
    this user, and nobody holds the lock that a writer keeps while it runs.

    Args:
        folder: Path.

    Returns:
        int. How many files and folders were deleted.
    """
    count = 0
    for name in os.listdir(folder):
        found = _UNFINISHED.fullmatch(name)
        if found and found[2] == _digest(found[1]):
            count += _delete_abandoned(Path(folder) / name)
    if count:
        _log.info("deleted %s in %s", counted(count, "unfinished file"), folder)
    return count


def delete(path: Path) -> None:
    """Deletes a file, a link or a whole folder, if it exists.

    Args:
        path: Path.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
    except OSError as error:
        named = type(error)(
            f"The folder {shown(path)} cannot be made ({error.strerror or error}). Name a path "
            "elsewhere"
        )
        named.errno = error.errno
        raise named from None


def require_new_folder(path: Path) -> None:
    """Refuses a folder that could not be made. Call it before long work.

    Args:
        path: Path. An existing folder, or a folder to make.

    Raises:
        FileNotFoundError: If the folder that it lies in is missing.
        NotADirectoryError: If it is a file, or a link to nothing.
        PermissionError: If it or the folder that it lies in is read-only.
    """
    if os.path.lexists(path) and not path.is_dir():
        received = "a file" if path.exists() else "a link to nothing"
        raise NotADirectoryError(f"{shown(path)} must be a folder. Received: {received}")
    require_folder_of(path)
    _require_writable_folder(path if path.exists() else path.parent, path)


def require_folder_of(path: Path) -> None:
    """Refuses a path that does not lie in a folder.

    Args:
        path: Path. A file or folder to make.

    Raises:
        FileNotFoundError: If the folder is missing.
        NotADirectoryError: If a file has its name.
    """
    if path.parent.is_dir():
        return
    if path.parent.exists():
        raise NotADirectoryError(f"{shown(path.parent)} must be a folder. Received: a file")
    raise FileNotFoundError(
        f"There is no folder {shown(path.parent)} for {shown(path.name)}. Make it"
    )


def require_free_names(folder: Path, names: Iterable[str], *, overwrite: bool) -> None:
    """Refuses to replace files in a folder that were there before. Call it before long work.

    Args:
        folder: Path. The folder to write into.
        names: iterable of str. The files that can be written there.
        overwrite: bool. Whether they may be replaced: then nothing is refused.

    Raises:
        FileExistsError: If the folder has one of them.
    """
    found = [name for name in names if os.path.lexists(folder / name)]
    if found and not overwrite:
        them = "it" if len(found) == 1 else "them"
        raise FileExistsError(
            f"{shown(folder)} already has {', '.join(found)}. Replace {them} with `--overwrite`, "
            "or name another folder: `--out`"
        )


def require_free_file(path: Path | str, *, overwrite: bool) -> None:
    """Refuses to replace a file that was there before. Call it before long work.

    Args:
        path: Path. The file to write.
        overwrite: bool. Whether it may be replaced: then nothing is refused.

    Raises:
        FileExistsError: If it exists.
    """
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(
            f"{shown(path)} already exists. Replace it with `--overwrite`, or name another file: "
            "`--out`"
        )


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
    require_folder_of(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Name a file")
    _require_writable_folder(path.parent, path)


def _require_writable_folder(folder: Path, path: Path) -> None:
    """Refuses a folder that takes no new file, told by a file without a name that goes again."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise PermissionError(
            f"The folder {shown(folder)} must be writable for {shown(path.name)}. Received: "
            f"{error.strerror or error}. Name a path elsewhere"
        ) from None


def _create(path: Path) -> tuple[Path, int]:
    """Creates the unfinished file, and returns its path and an open, locked descriptor."""
    suffix = path.suffix if re.fullmatch(_SUFFIX, path.suffix) else ""
    while True:
        unfinished = _unfinished_name(path, suffix)
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


def _unfinished_name(path: Path, suffix: str) -> Path:
    token = secrets.token_hex(8)
    return path.with_name(f".unfinished-{token}-{_digest(token)}{suffix}")


def _digest(token: str) -> str:
    return hashlib.sha256(f"placevec unfinished {token}".encode()).hexdigest()[:16]


@functools.lru_cache(maxsize=1024)
def _delete_unfinished_once(folder: Path) -> None:
    """Deletes leftovers once per folder: when this process first writes into it."""
    with contextlib.suppress(PermissionError):  # You may write to the folder but not list it.
        delete_unfinished(folder)


def _delete_abandoned(path: Path) -> bool:
    """Deletes what is unfinished and no living process holds, and says whether it did."""
    kind = os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_RDWR | os.O_NONBLOCK
    try:
        descriptor = os.open(path, kind | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # It is a link, is gone, or belongs to another user.
        return False
    try:
        status = os.fstat(descriptor)
        is_file = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        is_own = status.st_uid == os.geteuid()
        if not (is_own and (is_file or stat.S_ISDIR(status.st_mode))):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        delete(path)
        return True
    except OSError:  # Another process is writing it.
        return False
    finally:
        os.close(descriptor)


def _to_disk(path: Path) -> None:
    """Waits until the system has written a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
