"""Exports of a model beside it: made once, found again by the model's hash."""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)
_EXPORT_FILE = "export.json"
_CHECKS_FILE = "checks.json"
_UNFINISHED = ".unfinished-"
_LIBRARIES = ("placevec", "keras", "tensorflow", "openvino", "tf2onnx", "ai-edge-litert")


@dataclass(frozen=True)
class Export:
    """A folder with a model as another library reads it.

    Args:
        folder: Path. Where it lies.
        facts: dict. What was said of the model when it was exported.
    """

    folder: Path
    facts: dict

    def check(self, name: str) -> dict | None:
        """Returns what `keep_check` kept under a name; None where there is nothing."""
        return self._checks().get(name)

    def keep_check(self, name: str, result: dict) -> None:
        """Keeps the result of comparing the export with Keras.

        Args:
            name: str. What was compared: the size of the photos, precision, CPU.
            result: dict. Plain values.
        """
        checks = {**self._checks(), name: result}
        with whole_file(self.folder / _CHECKS_FILE) as unfinished:
            unfinished.write_text(json.dumps(checks, indent=1), encoding="utf-8")

    def _checks(self) -> dict:
        try:
            checks = json.loads((self.folder / _CHECKS_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return checks if isinstance(checks, dict) else {}


def exports_dir(model_path: Path) -> Path:
    """Returns the folder of a model's exports, `MODEL.engines` beside it."""
    return model_path.with_name(f"{model_path.name}.engines")


def find_export(model_path: Path, engine: str) -> Export | None:
    """Returns the export of this very model file, or None where there is none that is whole.

    Args:
        model_path: Path. The model file.
        engine: str. A key of `ENGINES`.
    """
    folder = exports_dir(model_path) / f"{engine}-{export_key(model_path)}"
    try:
        facts = json.loads((folder / _EXPORT_FILE).read_text(encoding="utf-8"))
        is_whole = all(_hash(folder / name) == digest for name, digest in facts["files"].items())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("the export %s is damaged and made anew (%s)", folder, error)
        return None
    if not is_whole:
        _log.warning("the export %s is damaged and made anew", folder)
        return None
    return Export(folder, facts)


def make_export(
    model_path: Path, engine: str, export: Callable[[Path], None], facts: dict
) -> Export:
    """Makes the export of a model file, whole or not at all, or takes one made meanwhile.

    Exports of the same engine that belong to an earlier state of the file are removed.

    Args:
        model_path: Path. The model file.
        engine: str. A key of `ENGINES`.
        export: callable. Writes the files of the export into the folder that it is given.
        facts: dict. Plain values to keep with it.

    Returns:
        Export.

    Raises:
        OSError: If the folder beside the model cannot be written to.
    """
    home = exports_dir(model_path)
    with _locked(home):
        if (found := find_export(model_path, engine)) is not None:
            return found
        start = time.perf_counter()
        for old in [*home.glob(f"{engine}-*"), *home.glob(f"{_UNFINISHED}*")]:
            shutil.rmtree(old, ignore_errors=True)
        unfinished = home / f"{_UNFINISHED}{engine}"
        unfinished.mkdir()
        try:
            export(unfinished)
            files = {each.name: _hash(each) for each in sorted(unfinished.iterdir())}
            facts = {**facts, "files": files}
            with whole_file(unfinished / _EXPORT_FILE) as path:
                path.write_text(json.dumps(facts, indent=1), encoding="utf-8")
            folder = home / f"{engine}-{export_key(model_path)}"
            os.replace(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    _log.info("exported %s for %s in %.1f s", model_path, engine, time.perf_counter() - start)
    return Export(folder, facts)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one process at a time make exports; the lock of a killed one is gone with it."""
    try:
        folder.mkdir(exist_ok=True)
        file = open(folder / ".lock", "a")  # closed below
    except OSError as error:
        raise OSError(
            f"{folder} must be writable for the export of the model ({error.strerror}). Copy the "
            "model to a folder that is, or take `--engine keras`"
        ) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def export_key(model_path: Path) -> str:
    """Returns 16 digits that change with the model file and with what makes exports."""
    versions = {}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    facts = {"model": _hash(model_path), "versions": versions}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
