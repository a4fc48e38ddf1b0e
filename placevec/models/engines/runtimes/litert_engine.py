"""Runs a model with LiteRT, the successor of TensorFlow Lite."""

import queue
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

from placevec.models.engines.outputs import Outputs, in_order

if TYPE_CHECKING:
    import keras

MODEL_FILE = "model.tflite"


def export(model: "keras.Model", folder: Path) -> None:
    """Writes `model.tflite`, which takes any batch size, rows and columns."""
    model.export(str(folder / MODEL_FILE), format="litert", verbose=False)


def load(folder: Path, precision: str, threads: int, calls: int) -> Callable:
    """Returns a function from (B, H, W, C) uint8 to descriptors (and features), as `in_order`.

    Args:
        folder: Path. The folder that `export` wrote.
        precision: str. `"float32"`.
        threads: int. Number of all threads together.
        calls: int. Number of simultaneous calls, which share the threads.
    """
    idle = queue.SimpleQueue()
    for _ in range(calls):
        path = str(folder / MODEL_FILE)
        idle.put(Interpreter(model_path=path, num_threads=max(1, threads // calls)))

    def run(photos: NDArray[np.uint8]) -> Outputs:
        interpreter = idle.get()
        try:
            source = interpreter.get_input_details()[0]
            if tuple(source["shape"]) != photos.shape:
                interpreter.resize_tensor_input(source["index"], photos.shape)
                interpreter.allocate_tensors()
            interpreter.set_tensor(source["index"], photos)
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            return in_order(interpreter.get_tensor(each["index"]) for each in outputs)
        finally:
            idle.put(interpreter)

    return run
