"""What Keras runs on, told without importing it where that is known."""

import contextlib
import hashlib
import json
import os
import sys
import sysconfig
from pathlib import Path

from placevec.input_file import read_json
from placevec.models.engines.cache_folder import cache_folder, read_record, write_record

_LARGEST_SETTINGS = 2**20  # bytes
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

    A Linux machine without the file of any such device has none. Otherwise Keras is asked once, and
    a no is kept in the user's cache. It holds until the devices of this machine, what is installed,
    or the variables that hide devices change.
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
        with contextlib.suppress(OSError):  # read-only by now: Keras is asked again next time
            write_record(path, {"has_accelerator": False})
    return answer


def _ask_keras() -> bool:
    from placevec.models.engines.runtimes.keras_engine import has_accelerator

    return has_accelerator()


def _machine() -> str:
    """Returns 16 digits that change with all that Keras's answer depends on."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")  # OpenCV adds its own each time
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
        settings = read_json(path, max_bytes=_LARGEST_SETTINGS)
    except (OSError, ValueError, RuntimeError):  # without a home folder
        return None
    name = settings.get("backend") if isinstance(settings, dict) else None
    return name if isinstance(name, str) else None
