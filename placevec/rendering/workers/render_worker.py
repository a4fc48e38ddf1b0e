"""The process behind `RenderProcess`: it reads requests from stdin and writes arrays to stdout.

The first line of stdin is JSON with the settings; each further line is one request. An answer is a
line of JSON that says which arrays follow, or what went wrong. The process ends when stdin closes,
and so with the process that started it, even after a crash.
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
    """Answers requests until they end.

    Args:
        requests: binary file. Lines of JSON: the settings, then the requests.
        answers: binary file. Receives the arrays.
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
    """Yields a function that draws photos and labels for the requests of `StreamWorkers`."""
    scenery = open_scenery(settings["place"], **settings["scenery"])
    with PhotoStream(scenery, tuple(settings["image_size"]), **settings["camera"]) as stream:

        def draw(request: dict) -> tuple[NDArray[Any], ...]:
            is_tuples = "num_tuples" in request
            return stream.draw_tuples(**request) if is_tuples else stream.draw_photos(**request)

        yield draw


@contextlib.contextmanager
def _serve_tour(settings: dict) -> Iterator[_Draw]:
    """Yields a function that draws shots into a folder for the requests of `ShotWorkers`."""
    logging.getLogger("placevec").setLevel(logging.ERROR)  # the parent has logged all this
    os.environ["LP_NUM_THREADS"] = "1"  # for Mesa's llvmpipe: each core has its own process
    config = from_dict(settings_kind(settings["world"]), settings["config"])
    scenery = open_tour(settings["world"], config)
    with ShotDrawer(scenery, config, settings["pipe"], Path(settings["folder"])) as drawer:

        def draw(request: dict) -> tuple[NDArray[Any], ...]:
            shots = pickle.loads(base64.b64decode(request["shots"]))  # our parent sent them
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
    """Passes lines on; when they end, the process ends, whatever it is doing."""
    for line in requests:
        waiting.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    # Output of libraries goes to stderr, so that stdout only has answers.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    cv2.setNumThreads(1)  # the processes already share the cores
    with contextlib.suppress(BrokenPipeError):
        answer_requests(sys.stdin.buffer, sink)
    os._exit(0)  # the reading thread is still waiting
