"""Finds out what Keras runs on, without importing Keras if possible."""

import contextlib
import hashlib
import json
import os
import sys
import sysconfig
from pathlib import Path

from placevec.input_file import read_json
from placevec.models.engines.cache_folder import cache_folder, read_record, write_record

_MAX_SETTINGS_BYTES = 2**20
_DEVICES = ("nvidia*", "nvhost*", "kfd", "dri/render*", "dxg", "accel*", "accel/*", "vfio/*")
_VARIABLES = (
    "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "JAX_PLATFORMS", "JAX_PLATFORM_NAME", "TPU_VISIBLE_CHIPS",
)  # fmt: skip


def backend_name() -> str:
    """Returns the name of Keras's backend, which the environment or `keras.json` chooses."""
    if "keras" in sys.modules:
        return sys.modules["keras"].backend.backend()
    return os.environ.get("KERAS_BACKEND") or _configured_backend() or "tensorflow"


def has_accelerator() -> bool:
    """Returns whether Keras's backend has a GPU or TPU to run on.

    The answer is no on a Linux machine without a device file. Otherwise placevec asks Keras, and
    keeps a no in the user's cache until the devices of this machine, the installed packages, or the
    environment variables that hide devices change.
    """
    if "keras" in sys.modules:
        return _ask_keras()
    if sys.platform == "linux" and not _devices():
        return False
    path = cache_folder() / f"accelerator-{_machine()}.json"
    with contextlib.suppress(OSError, ValueError):
        if read_record(path) == {"has_accelerator": False}:
            return False
    answer = _ask_keras()
    if not answer:
        with contextlib.suppress(OSError):  # a read-only cache only means asking Keras again
            write_record(path, {"has_accelerator": False})
    return answer


def _ask_keras() -> bool:
    from placevec.models.engines.runtimes.keras_engine import has_accelerator

    return has_accelerator()


def _machine() -> str:
    """Returns 16 hexadecimal digits that change with everything that Keras's answer depends on."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")  # OpenCV repeats its folder
    facts = {
        "backend": backend_name(),
        "devices": _devices(),
        "variables": {name: os.environ.get(name) for name in _VARIABLES},
        "libraries": sorted(set(libraries)),
        "python": sys.version,
        "installed": [_changed_ns(sysconfig.get_path("purelib")), _changed_ns("/etc/ld.so.cache")],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _devices() -> list[str]:
    return sorted(str(path) for pattern in _DEVICES for path in Path("/dev").glob(pattern))


def _changed_ns(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def _configured_backend() -> str | None:
    path = Path(os.environ.get("KERAS_HOME", "~/.keras"), "keras.json").expanduser()
    try:
        settings = read_json(path, max_bytes=_MAX_SETTINGS_BYTES)
    except (OSError, ValueError, RuntimeError):  # RuntimeError: there is no home folder
        return None
    name = settings.get("backend") if isinstance(settings, dict) else None
    return name if isinstance(name, str) else None
