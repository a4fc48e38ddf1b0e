"""Keeps OpenCV's own lines about bad files off stderr."""

import contextlib
import threading
from collections.abc import Iterator

import cv2


@contextlib.contextmanager
def silent_opencv() -> Iterator[None]:
    """Keeps OpenCV's own lines about bad files off stderr: the error says it.

    The level is one for the whole process, so the first thread in saves it and the last one out
    puts it back.
    """
    log = cv2.utils.logging
    with _silence_lock:
        if _silence["depth"] == 0:
            _silence["level"] = log.setLogLevel(log.LOG_LEVEL_SILENT)
        _silence["depth"] += 1
    try:
        yield
    finally:
        with _silence_lock:
            _silence["depth"] -= 1
            if _silence["depth"] == 0:
                log.setLogLevel(_silence["level"])


_silence_lock = threading.Lock()
_silence = {"depth": 0, "level": 0}
