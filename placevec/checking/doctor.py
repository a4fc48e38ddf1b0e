"""Lists what is installed: versions, backend, engines, extras, devices and the cache folder."""

import importlib.metadata
import os
import platform

from packaging.requirements import Requirement

from placevec.config.choices import ENGINES
from placevec.counted import counted
from placevec.input_file import shown
from placevec.models.engines.accelerator import backend_name, has_accelerator
from placevec.models.engines.cache_folder import cache_folder
from placevec.store import describe_facts

_SHOWN = ("keras", "tensorflow", "jax", "torch", "numpy", "opencv-python", "panda3d", "faiss-cpu")


def doctor() -> str:
    """Returns the facts about this machine that a fault report needs.

    Returns:
        str. One fact per line.
    """
    return describe_facts(_facts())


def _facts() -> list[tuple[str, str]]:
    return [
        ("placevec", importlib.metadata.version("placevec")),
        ("python", f"{platform.python_version()} on {platform.platform()}"),
        ("processor", f"{platform.machine()}, {counted(os.cpu_count() or 1, 'thread')}"),
        *((name, _version(name) or "not installed") for name in _SHOWN),
        ("backend", _backend()),
        ("engines", ", ".join(_engine(name) for name in ENGINES)),
        *((f"extra {name}", text) for name, text in _extras().items()),
        ("cache", shown(cache_folder())),
    ]


def _version(package: str) -> str | None:
    names = (package, f"{package}-headless") if package == "opencv-python" else (package,)
    for name in names:
        try:
            return importlib.metadata.version(name) + ("" if name == package else " (headless)")
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _backend() -> str:
    name = backend_name()
    try:
        on = "a GPU or TPU" if has_accelerator() else "the processor; no GPU found"
    except ImportError as error:
        return f"{name}, which does not start: {error}"
    return f"{name}, runs on {on}"


def _engine(name: str) -> str:
    missing = ENGINES[name].missing(exporting=False)
    return f"{name} (missing: {', '.join(missing)})" if missing else name


def _extras() -> dict[str, str]:
    """Returns each extra with a command that installs what is missing from it."""
    needs = [Requirement(text) for text in importlib.metadata.requires("placevec") or ()]
    named = importlib.metadata.metadata("placevec").get_all("Provides-Extra") or ()
    return {extra: _extra(extra, needs) for extra in named if extra != "headless"}


def _extra(extra: str, needs: list[Requirement]) -> str:
    asked = [need for need in needs if need.marker and need.marker.evaluate({"extra": extra})]
    missing = [need.name for need in asked if not _fits(need)]
    if not missing:
        return "installed"
    return f"missing {', '.join(missing)}: pip install 'placevec[{extra}]'"


def _fits(need: Requirement) -> bool:
    version = _version(need.name)
    return version is not None and need.specifier.contains(version.split()[0], prereleases=True)
