"""The process that renders for `StreamWorkers`: requests in by stdin, photos out by stdout.

The first line of stdin is JSON with the settings; each further line is one request. An answer is
a line of JSON, which says how many bytes of photos and labels follow, or what went wrong. The
process ends with stdin, and so with the process that started it, however that ends.
"""

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

from placevec.rendering.scenery import open_scenery
from placevec.rendering.stream import PhotoStream


def answer_requests(requests: BinaryIO, answers: BinaryIO) -> None:
    """Draws what is asked for, until the requests end.

    Args:
        requests: binary file. Lines of JSON: the settings, then the requests.
        answers: binary file. Where the photos go.
    """
    waiting: queue.Queue = queue.Queue()
    threading.Thread(target=_read, args=(requests, waiting), daemon=True).start()
    settings = waiting.get()
    with contextlib.ExitStack() as stack:
        try:
            draw = _draw_with(stack.enter_context(_open(settings)))
        except Exception as error:
            draw = _refuse_with(error)
        while True:
            request = waiting.get()
            try:
                photos, labels = draw(request)
            except Exception as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                kinds = [kind.__name__ for kind in type(error).__mro__]
                _write(answers, {"error": reason, "kinds": kinds})
            else:
                sizes = {"photos": photos.shape, "labels": labels.shape}
                _write(answers, sizes, photos.tobytes(), labels.tobytes())


def _open(settings: dict) -> PhotoStream:
    scenery = open_scenery(settings["place"], **settings["scenery"])
    return PhotoStream(scenery, tuple(settings["image_size"]), **settings["camera"])


def _draw_with(stream: PhotoStream) -> Callable:
    def draw(request: dict) -> tuple:
        is_tuples = "num_tuples" in request
        return stream.draw_tuples(**request) if is_tuples else stream.draw_photos(**request)

    return draw


def _refuse_with(error: Exception) -> Callable:
    def draw(request: dict) -> tuple:
        raise error

    return draw


def _write(answers: BinaryIO, head: dict, *data: bytes) -> None:
    answers.write(json.dumps(head).encode() + b"\n")
    for each in data:
        answers.write(each)
    answers.flush()


def _read(requests: BinaryIO, waiting: queue.Queue) -> None:
    """Hands lines on; their end ends the process, whatever it is doing."""
    for line in requests:
        waiting.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    # What libraries print goes to stderr, so that stdout carries answers alone.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        answer_requests(sys.stdin.buffer, sink)
    os._exit(0)  # the thread that reads still waits
