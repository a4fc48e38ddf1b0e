"""Keeps the lines of OpenCV and of its decoders about bad files off stderr."""

import contextlib
import ctypes
import functools
import os
import threading
from collections.abc import Iterator

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


_silence_lock = threading.Lock()
_silence = {"depth": 0, "level": 0, "stderr": None}
