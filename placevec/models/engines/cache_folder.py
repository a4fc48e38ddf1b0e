"""The user's cache folder, in which nobody else can write."""

import atexit
import contextlib
import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

from placevec.input_file import read_json
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)
_VARIABLE = "PLACEVEC_CACHE"
_ROOM = "engines"
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_MAX_RECORD_BYTES = 2**24


def cache_folder() -> Path:
    """Returns the folder for exports of models, and makes it if it is missing.

    The folder is inside the user's cache folder, or inside the folder that the environment variable
    `PLACEVEC_CACHE` names. Because placevec runs the files in it, the folder must belong to the
    user, must not be writable by others and must not be a link. Otherwise placevec uses a temporary
    folder until this process ends, and logs that.

    Raises:
        OSError: If placevec cannot make a temporary folder either.
    """
    given = os.environ.get(_VARIABLE)
    wanted = Path(given).expanduser() if given else platformdirs.user_cache_path("placevec")
    try:
        return _make_private(wanted.absolute() if given else wanted)
    except OSError as error:
        return _make_temporary(wanted, error.strerror or str(error))


def require_private(path: Path, is_kind: Callable[[int], bool], kind: str) -> None:
    """Refuses a file or folder that is a link, belongs to another user or is writable by others.

    Args:
        path: Path. A file or folder.
        is_kind: callable. `stat.S_ISREG` or `stat.S_ISDIR`.
        kind: str. What the path must be, for the error.

    Raises:
        FileNotFoundError: If the path does not exist.
        PermissionError: If the path does not belong to this user only.
    """
    status = os.lstat(path)
    if not is_kind(status.st_mode):
        other = ", not a link" if stat.S_ISLNK(status.st_mode) else ""
        raise PermissionError(f"{path} must be {kind}{other}")
    if status.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if status.st_mode & _WRITABLE_BY_OTHERS:
        raise PermissionError(f"{path} can be written by others; run `chmod go-w {path}`")


def write_record(path: Path, values: dict) -> None:
    """Writes plain values and their digest to a file that only this user can read and write."""
    with whole_file(path) as unfinished:
        text = json.dumps({"values": values, "sha256": _digest(values)}, indent=1)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(0o600)


def read_record(path: Path) -> dict:
    """Returns the values that `write_record` wrote.

    Raises:
        FileNotFoundError: If the file does not exist.
        PermissionError: If the file does not belong to this user only.
        ValueError: If the file is damaged.
    """
    require_private(path, stat.S_ISREG, "a file")
    record = read_json(path, max_bytes=_MAX_RECORD_BYTES)
    values = record.get("values") if isinstance(record, dict) else None
    if not isinstance(values, dict) or record.get("sha256") != _digest(values):
        raise ValueError(f"{path} is damaged")
    return values


def discard(path: Path) -> None:
    """Removes a file, a folder or a link. The target of a link stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _digest(values: dict) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _make_private(cache: Path) -> Path:
    """Makes the folder of exports in a cache folder, and refuses one that others can write to."""
    if not cache.is_absolute():
        raise FileNotFoundError("there is no home folder")
    cache.parent.mkdir(parents=True, exist_ok=True)
    for folder in (cache, cache / _ROOM):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        require_private(folder, stat.S_ISDIR, "a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} is read-only")
    return folder


def _make_temporary(wanted: Path, reason: str) -> Path:
    """Returns a temporary cache folder for this process and the processes that it starts."""
    cache = Path(tempfile.mkdtemp(prefix="placevec-"))
    atexit.register(shutil.rmtree, cache, ignore_errors=True)
    _log.warning(
        "%s cannot be the cache folder: %s. Exports of models go to %s and are gone when this "
        "process ends. Set %s to a folder that only you can write to",
        wanted, reason, cache, _VARIABLE,
    )  # fmt: skip
    os.environ[_VARIABLE] = str(cache)
    return _make_private(cache)
