"""Runs a model with OpenVINO, in float32, bfloat16 or int8."""

import contextlib
import ctypes
import functools
import importlib
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.models.engines.outputs import Outputs, in_order

if TYPE_CHECKING:
    import keras

MODEL_FILE = "model.xml"
_HINTS = {"float32": "f32", "bf16": "bf16", "int8": "f32"}  # of what is not in int8
_SHAPES = 4  # each shape of a batch needs a compiled network, which takes memory


def export(model: "keras.Model", folder: Path) -> None:
    """Writes `model.xml` and `model.bin`, which take any batch size, rows and columns."""
    import_openvino()
    utils = importlib.import_module("openvino.frontend.tensorflow.utils")

    # From Python 3.13 on, the `exec("del tensorflow")` of OpenVINO 2026.4 raises a NameError.
    vars(utils)["exec"] = lambda source: None
    try:
        model.export(str(folder / MODEL_FILE), format="openvino", verbose=False)
    finally:
        del vars(utils)["exec"]


def from_onnx(path: Path, folder: Path) -> None:
    """Writes `model.xml` and `model.bin` of an ONNX file."""
    openvino = import_openvino()
    network = openvino.convert_model(path)
    openvino.save_model(network, folder / MODEL_FILE, compress_to_fp16=False)


def load(folder: Path, precision: str, threads: int, calls: int) -> Callable:
    """Returns a function from (B, H, W, C) uint8 to descriptors (and features), as `in_order`.

    Args:
        folder: Path. The folder that `export` wrote.
        precision: str. `"float32"`, `"bf16"`, or `"int8"` if the folder holds an int8 network.
        threads: int. Number of all threads together.
        calls: int. Number of simultaneous calls, which share the threads.

    Raises:
        ValueError: If the CPU does not support bfloat16.
    """
    core = import_openvino().Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ValueError(
            "bf16 needs a CPU with AVX512 or AMX. Received: a CPU without. Take "
            "`--precision float32`"
        )
    settings = {
        # By default OpenVINO uses bfloat16 on CPUs with AMX.
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": calls,
    }

    @functools.lru_cache(maxsize=_SHAPES)
    def requests(shape: tuple[int, ...]) -> queue.SimpleQueue:
        network = core.read_model(folder / MODEL_FILE)
        network.reshape(list(shape))  # known shapes are faster than open ones
        with keep_signal_stack():
            compiled = core.compile_model(network, "CPU", settings)
        idle = queue.SimpleQueue()
        for _ in range(calls):
            idle.put(compiled.create_infer_request())
        return idle

    compiling = threading.Lock()

    def run(photos: NDArray[np.uint8]) -> Outputs:
        with compiling:
            idle = requests(photos.shape)
        request = idle.get()
        try:
            found = request.infer(photos, share_inputs=True)
            return in_order(each.copy() for each in found.values())
        finally:
            idle.put(request)

    return run


class _SignalStack(ctypes.Structure):
    _fields_ = [
        ("start", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("size", ctypes.c_size_t),
    ]


@contextlib.contextmanager
def keep_signal_stack() -> Iterator[None]:
    """Restores the stack on which this thread handles signals.

    Compiling a network replaces this stack by one that is freed together with the network. The
    next Ctrl-C would then end the process with a segmentation fault.
    """
    sigaltstack = getattr(ctypes.CDLL(None), "sigaltstack", None)
    before = _SignalStack()
    if sigaltstack is None or sigaltstack(None, ctypes.byref(before)) != 0:
        yield
        return
    try:
        yield
    finally:
        sigaltstack(ctypes.byref(before), None)


def import_openvino() -> ModuleType:
    """Imports OpenVINO, ready for calls from several threads and without its telemetry.

    Its telemetry would report each import and conversion to the makers of OpenVINO.
    """
    # If this package is missing, OpenVINO uses a replacement that sends nothing.
    modules: dict[str, ModuleType | None] = sys.modules  # pyright: ignore[reportAssignmentType]
    modules.setdefault("openvino_telemetry", None)
    import openvino

    # If the first calls come from two threads, both wait forever for this table.
    openvino.Type.u8.to_dtype()
    return openvino
