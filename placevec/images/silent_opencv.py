"""Keeps the lines of OpenCV and of its decoders about bad files off stderr."""

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
    """Keeps the lines of OpenCV, libjpeg and libpng about bad files off stderr: the error says it.

    OpenCV's level and the C library's `stderr` are one for the whole process, so the first thread
    in saves them and the last one out puts them back. What Python writes to standard error in the
    meantime is not affected.
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
    """Does as `silent_opencv`, and hands over the lines that were written in the meantime.

    One thread listens at a time. Lines that other threads cause are among them.

    Yields:
        The list that the lines are in afterwards; it stays empty if the C library has no variable
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
    """Returns a file and a stream of the C library that appends to it; neither is ever closed."""
    ear = tempfile.TemporaryFile(buffering=0)
    c_library = ctypes.CDLL(None)
    c_library.fdopen.restype = ctypes.c_void_p
    return ear, c_library.fdopen(os.dup(ear.fileno()), b"a")


@functools.cache
def _c_streams() -> tuple[ctypes.c_void_p, int | None]:
    """Returns the variable `stderr` of the C library, and an open stream that goes nowhere.

    Of a C library that has no such variable, returns two that change nothing.
    """
    c_library = ctypes.CDLL(None)
    c_library.fopen.restype = ctypes.c_void_p
    for name in ("stderr", "__stderrp"):  # of Linux, of macOS
        with contextlib.suppress(ValueError):
            stderr = ctypes.c_void_p.in_dll(c_library, name)
            return stderr, c_library.fopen(os.devnull.encode(), b"w") or stderr.value
    return ctypes.c_void_p(), None


_MOST_HEARD = 65_536  # bytes
_ear_lock = threading.Lock()
_silence_lock = threading.Lock()
_silence = {"depth": 0, "level": 0, "stderr": None}
