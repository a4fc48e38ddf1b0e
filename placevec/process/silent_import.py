"""Imports TensorFlow and Keras without the lines that their C++ code writes to stderr."""

import contextlib
import functools
import importlib.machinery
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

_CHATTY = ("keras", "tensorflow")


def import_in_silence() -> None:
    """Makes the first import of Keras and TensorFlow write nothing to standard error.

    Their C++ code writes lines about oneDNN, CUDA and absl there before any setting can stop it.
    The environment variable `TF_CPP_MIN_LOG_LEVEL=0` shows these lines.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        return
    finders = sys.meta_path
    if importlib.machinery.PathFinder in finders:
        finders.insert(finders.index(importlib.machinery.PathFinder), _SilentFinder())


class _SilentFinder:
    """Finds the noisy modules as `PathFinder` does, and silences their loaders."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in _CHATTY:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_execute, spec.loader.exec_module)
        return spec


def _execute(execute: Callable[[ModuleType], None], module: ModuleType) -> None:
    with _silent_stderr():
        execute(module)


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Discards everything that is written to file descriptor 2."""
    try:
        sys.stderr.flush()
        standard_error = os.dup(2)
    except (AttributeError, OSError, ValueError):  # a process without standard error
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
