"""The process that renders for `RenderProcess`: requests in by stdin, arrays out by stdout.

The first line of stdin is JSON with the settings; each further line is one request. An answer is
a line of JSON, which says what arrays follow, or what went wrong. The process ends with stdin, and
so with the process that started it, however that ends.
"""

import base64
import contextlib
import json
import logging
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
from numpy.typing import NDArray

from placevec.config import from_dict
from placevec.rendering.open_scenery import open_scenery
from placevec.rendering.photos.shot_drawer import ShotDrawer
from placevec.rendering.stream import PhotoStream
from placevec.rendering.tour import open_tour, settings_kind

_Draw = Callable[[dict], tuple[NDArray[Any], ...]]


def answer_requests(requests: BinaryIO, answers: BinaryIO) -> None:
    """Draws what is asked for, until the requests end.

    Args:
        requests: binary file. Lines of JSON: the settings, then the requests.
        answers: binary file. Where the arrays go.
    """
    waiting: queue.Queue = queue.Queue()
    threading.Thread(target=_read, args=(requests, waiting), daemon=True).start()
    settings = waiting.get()
    with contextlib.ExitStack() as stack:
        try:
            draw = stack.enter_context(_KINDS[settings["kind"]](settings))
        except Exception as error:
            draw = _refuse_with(error)
        while True:
            request = waiting.get()
            try:
                arrays = draw(request)
            except Exception as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                kinds = [kind.__name__ for kind in type(error).__mro__]
                _write(answers, {"error": reason, "kinds": kinds})
            else:
                heads = [[each.dtype.str, each.shape] for each in arrays]
                _write(answers, {"arrays": heads}, *(each.tobytes() for each in arrays))


@contextlib.contextmanager
def _serve_stream(settings: dict) -> Iterator[_Draw]:
    """Gives photos and labels of a scenery, for requests as `StreamWorkers` makes them."""
    scenery = open_scenery(settings["place"], **settings["scenery"])
    with PhotoStream(scenery, tuple(settings["image_size"]), **settings["camera"]) as stream:

        def draw(request: dict) -> tuple[NDArray[Any], ...]:
            is_tuples = "num_tuples" in request
            return stream.draw_tuples(**request) if is_tuples else stream.draw_photos(**request)

        yield draw


@contextlib.contextmanager
def _serve_tour(settings: dict) -> Iterator[_Draw]:
    """Draws shots into a folder and gives what they show, for requests of `ShotWorkers`."""
    logging.getLogger("placevec").setLevel(logging.ERROR)  # the parent has loaded it, and said so
    os.environ["LP_NUM_THREADS"] = "1"  # of Mesa's llvmpipe: there is a process for each core
    config = from_dict(settings_kind(settings["world"]), settings["config"])
    scenery = open_tour(settings["world"], config)
    with ShotDrawer(scenery, config, settings["pipe"], Path(settings["folder"])) as drawer:

        def draw(request: dict) -> tuple[NDArray[Any], ...]:
            shots = pickle.loads(base64.b64decode(request["shots"]))  # our parent's, by our stdin
            return tuple(points for _, points in drawer.draw(shots))

        yield draw


_KINDS = {"stream": _serve_stream, "tour": _serve_tour}


def _refuse_with(error: Exception) -> _Draw:
    def draw(request: dict) -> tuple[NDArray[Any], ...]:
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
    cv2.setNumThreads(1)  # the processes share the cores already
    with contextlib.suppress(BrokenPipeError):
        answer_requests(sys.stdin.buffer, sink)
    os._exit(0)  # the thread that reads still waits
