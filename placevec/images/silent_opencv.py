"""Keeps messages of OpenCV and its decoders about bad files off stderr."""

import contextlib
import ctypes
import functools
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import BinaryIO

import cv2


@contextlib.contextmanager
def silent_opencv() -> Iterator[None]:
    """Keeps messages of OpenCV, libjpeg and libpng off stderr; placevec's errors say the same.

    OpenCV's log level and the C library's `stderr` exist once per process, so the first thread that
    enters saves them and the last one that leaves restores them. What Python itself writes to
    standard error is not affected.
    """
    log = cv2.utils.logging
    stderr, nowhere = _c_streams()
    with _silence_lock:
        if _silence["depth"] == 0:
            _silence["level"] = log.setLogLevel(log.LOG_LEVEL_SILENT)
            _silence["stderr"], stderr.value = stderr.value, nowhere
        _silence["depth"] += 1
    try:
        yield
    finally:
        with _silence_lock:
            _silence["depth"] -= 1
            if _silence["depth"] == 0:
                log.setLogLevel(_silence["level"])
                stderr.value = _silence["stderr"]


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Does the same as `silent_opencv`, and also collects the messages.

    Only one thread listens at a time. The messages may include those that other threads cause.

    Yields:
        A list that holds the lines after the block. It stays empty if the C library has no variable
        `stderr`.
    """
    lines: list[str] = []
    with silent_opencv(), _ear_lock:
        stderr, nowhere = _c_streams()
        if nowhere is None:
            yield lines
            return
        ear, stream = _ear()
        ear.truncate(0)
        before, stderr.value = stderr.value, stream
        try:
            yield lines
        finally:
            stderr.value = before
            ctypes.CDLL(None).fflush(ctypes.c_void_p(stream))
            lines += os.pread(ear.fileno(), _MOST_HEARD, 0).decode("utf-8", "replace").splitlines()


@functools.cache
def _ear() -> tuple[BinaryIO, int]:
    """Returns a file and a C stream that appends to it. Neither is ever closed."""
    ear = tempfile.TemporaryFile(buffering=0)
    c_library = ctypes.CDLL(None)
    c_library.fdopen.restype = ctypes.c_void_p
    return ear, c_library.fdopen(os.dup(ear.fileno()), b"a")


@functools.cache
def _c_streams() -> tuple[ctypes.c_void_p, int | None]:
    """Returns the C variable `stderr`, and an open stream that discards everything.

    If the C library has no such variable, it returns two that change nothing.
    """
    c_library = ctypes.CDLL(None)
    c_library.fopen.restype = ctypes.c_void_p
    for name in ("stderr", "__stderrp"):  # names on Linux and on macOS
        with contextlib.suppress(ValueError):
            stderr = ctypes.c_void_p.in_dll(c_library, name)
            return stderr, c_library.fopen(os.devnull.encode(), b"w") or stderr.value
    return ctypes.c_void_p(), None


_MOST_HEARD = 65_536  # bytes
_ear_lock = threading.Lock()
_silence_lock = threading.Lock()
_silence = {"depth": 0, "level": 0, "stderr": None}
