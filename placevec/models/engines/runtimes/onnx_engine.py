"""Runs a model with ONNX Runtime."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

from placevec.models.engines.outputs import Outputs, in_order

if TYPE_CHECKING:
    import keras

MODEL_FILE = "model.onnx"


def export(model: "keras.Model", folder: Path) -> None:
    """Writes `model.onnx`, which takes any batch size, rows and columns."""
    path = str(folder / MODEL_FILE)
    with warnings.catch_warnings():
        # Keras asks NumPy whether it has a name that tf2onnx uses.
        warnings.filterwarnings("ignore", "In the future `np.object`", FutureWarning)
        model.export(path, format="onnx", verbose=False, input_signature=list(model.inputs))


def from_onnx(path: Path, folder: Path) -> None:
    """Writes `model.onnx`, a copy of the file."""
    shutil.copyfile(path, folder / MODEL_FILE)


def load(folder: Path, precision: str, threads: int, calls: int) -> Callable:
    """Returns a function from (B, H, W, C) uint8 to descriptors (and features), as `in_order`.

    Args:
        folder: Path. The folder that `export` wrote.
        precision: str. `"float32"`.
        threads: int. Number of all threads together.
        calls: int. Number of simultaneous calls, which share the threads.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads // calls)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name

    def run(photos: NDArray[np.uint8]) -> Outputs:
        return in_order(session.run(None, {name: photos}))

    return run
