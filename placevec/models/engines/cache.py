"""Exports of models in the user's cache, each made once and found by the model file's hash."""

import contextlib
import hashlib
import importlib.metadata
import json
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from placevec.folder_lock import locked
from placevec.models.engines.cache_folder import (
    cache_folder,
    discard,
    read_record,
    require_private,
    write_record,
)

_log = logging.getLogger(__name__)
_UNFINISHED = ".unfinished-"
_RECORD = ".json"
_EXPORT_NAME = re.compile(r"\w+-[0-9a-f]{16}")
_UNUSED_S = 180 * 24 * 3600
_LIBRARIES = ("placevec", "keras", "tensorflow", "openvino", "tf2onnx", "ai-edge-litert")


@dataclass(frozen=True)
class Export:
    """A folder with a model in another library's format, and a record of its files beside it.

    Args:
        folder: Path. The folder.
        facts: dict. Facts about the model from the time of its export.
        files: dict of file name -> SHA-256. The folder must hold exactly these files.
        checks: dict of name -> result. Results that `keep_check` kept.
    """

    folder: Path
    facts: dict
    files: dict[str, str]
    checks: dict[str, dict] = field(default_factory=dict)

    def keep_check(self, name: str, result: dict) -> None:
        """Keeps the result of comparing the export with Keras.

        Args:
            name: str. The conditions: size of the photos, precision and CPU.
            result: dict. Plain values.
        """
        self.checks[name] = result
        self.keep()

    def keep(self) -> None:
        """Writes the record. From then on `find_export` finds the export."""
        values = {"facts": self.facts, "files": self.files, "checks": self.checks}
        write_record(_record_of(self.folder), values)


def find_export(model_path: Path, engine: str) -> Export | None:
    """Returns the export of a model file, or None if the cache holds no complete one.

    The hash of every file must equal the one in the record, which only this user can write.

    Args:
        model_path: Path. The model file.
        engine: str. A key of `ENGINES`.
    """
    folder = cache_folder() / f"{engine}-{export_key(model_path)}"
    record = _record_of(folder)
    try:
        export = Export(folder, **read_record(record))
        require_private(folder, stat.S_ISDIR, "a folder")
        if _hashes(folder) != export.files:
            raise ValueError("its files have changed")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        _log.warning("the export %s is damaged (%s): placevec makes it again", folder, error)
        return None
    with contextlib.suppress(OSError):
        os.utime(record)  # so that `_tidy` keeps what is in use
    return export


def make_export(
    model_path: Path, engine: str, export: Callable[[Path], None], facts: dict
) -> Export:
    """Makes a complete export of a model file, or returns one that another process just made.

    Exports that were not used for 180 days are removed.

    Args:
        model_path: Path. The model file.
        engine: str. A key of `ENGINES`.
        export: callable. Writes the files of the export into a given folder.
        facts: dict. Plain values to keep with it.

    Returns:
        Export.

    Raises:
        OSError: If the cache folder cannot be written to.
    """
    home = cache_folder()
    with locked(home, waits=True):
        if (found := find_export(model_path, engine)) is not None:
            return found
        start = time.perf_counter()
        _tidy(home)
        unfinished = Path(tempfile.mkdtemp(dir=home, prefix=_UNFINISHED))
        try:
            export(unfinished)
            made = Export(home / f"{engine}-{export_key(model_path)}", facts, _hashes(unfinished))
            discard(made.folder)
            os.replace(unfinished, made.folder)
            made.keep()
        finally:
            discard(unfinished)
    _log.info("exported %s for %s in %.1f s", model_path, engine, time.perf_counter() - start)
    return made


def keep_values(model_path: Path, kind: str, about: str, values: object) -> None:
    """Keeps measured values of a model in the user's cache.

    Args:
        model_path: Path. The model file.
        kind: str. What the values are. It becomes part of the file's name.
        about: str. Everything else that the values depend on.
        values: Anything that JSON can hold.

    Raises:
        OSError: If the file cannot be written.
    """
    path = cache_folder() / f"{kind}-{export_key(model_path)}{_RECORD}"
    write_record(path, _read_values(path) | {about: values})


def find_values(model_path: Path, kind: str, about: str) -> object:
    """Returns the values that `keep_values` kept, or None."""
    return _read_values(cache_folder() / f"{kind}-{export_key(model_path)}{_RECORD}").get(about)


def _read_values(path: Path) -> dict:
    try:
        return read_record(path)
    except (OSError, ValueError):
        return {}


def export_key(model_path: Path) -> str:
    """Returns 16 hexadecimal digits that change with the model file and the exporting code."""
    versions = {}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    facts = {"model": _hash(model_path), "versions": versions}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _record_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{_RECORD}")


def _tidy(home: Path) -> None:
    """Removes leftovers of killed processes, and exports that were not used for a long time."""
    long_ago = time.time() - _UNUSED_S
    for record in home.glob(f"*{_RECORD}"):
        if record.lstat().st_mtime < long_ago:
            discard(record)
    for each in home.iterdir():
        is_export = _EXPORT_NAME.fullmatch(each.name)
        if each.name.startswith(_UNFINISHED) or (is_export and not _record_of(each).is_file()):
            discard(each)


def _hashes(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file in a folder, and refuses anything that is not a file."""
    hashes = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{path.name} is not a file")
        hashes[path.name] = _hash(path)
    return hashes


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
