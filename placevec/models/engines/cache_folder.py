"""The folder of the user's cache, in which nobody else can write."""

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
_LARGEST_RECORD = 2**24  # bytes


def cache_folder() -> Path:
    """Returns the folder for exports of models, and makes it if it is missing.

    It lies in the cache folder of the user, or in that of the environment variable
    `PLACEVEC_CACHE`. The folder must belong to the user and be writable by nobody else, and must
    not be a link, because what lies there is run. Otherwise a temporary folder takes its place
    until this process ends, and a line says so.

    Raises:
        OSError: If no temporary folder can be made either.
    """
    given = os.environ.get(_VARIABLE)
    wanted = Path(given).expanduser() if given else platformdirs.user_cache_path("placevec")
    try:
        return _make_private(wanted.absolute() if given else wanted)
    except OSError as error:
        return _make_temporary(wanted, error.strerror or str(error))


def require_private(path: Path, is_kind: Callable[[int], bool], kind: str) -> None:
    """Refuses what is a link, belongs to another user or can be written by others.

    Args:
        path: Path. A file or folder.
        is_kind: callable. `stat.S_ISREG` or `stat.S_ISDIR`.
        kind: str. What it must be, for the error.

    Raises:
        FileNotFoundError: If it does not exist.
        PermissionError: If it is not this user's alone.
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
    """Writes plain values with their digest, whole, readable and writable by this user only."""
    with whole_file(path) as unfinished:
        text = json.dumps({"values": values, "sha256": _digest(values)}, indent=1)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(0o600)


def read_record(path: Path) -> dict:
    """Returns what `write_record` wrote.

    Raises:
        FileNotFoundError: If nothing was written.
        PermissionError: If the file is not this user's alone.
        ValueError: If it is damaged.
    """
    require_private(path, stat.S_ISREG, "a file")
    record = read_json(path, max_bytes=_LARGEST_RECORD)
    values = record.get("values") if isinstance(record, dict) else None
    if not isinstance(values, dict) or record.get("sha256") != _digest(values):
        raise ValueError(f"{path} is damaged")
    return values


def discard(path: Path) -> None:
    """Removes a file, a folder or a link; what a link points to stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _digest(values: dict) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _make_private(cache: Path) -> Path:
    """Makes the folder of exports in a cache folder, and refuses one that is not the user's."""
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
    """Returns a folder in place of a cache folder, for this process and those that it starts."""
    cache = Path(tempfile.mkdtemp(prefix="placevec-"))
    atexit.register(shutil.rmtree, cache, ignore_errors=True)
    _log.warning(
        "%s cannot be the cache folder: %s. Exports of models go to %s and are gone when this "
        "process ends. Set %s to a folder that only you can write to",
        wanted, reason, cache, _VARIABLE,
    )  # fmt: skip
    os.environ[_VARIABLE] = str(cache)
    return _make_private(cache)
