"""Whole models in `.keras` files, which someone else may have written."""

import math
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np

from placevec.archive import open_archive
from placevec.input_file import parse_json
from placevec.models.files.hdf5 import MAX_WEIGHTS_BYTES, require_safe_inside

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_LARGEST_CONFIG = 2**26  # bytes
_MOST_MORE = 2**20  # numbers that a model may declare beyond those that its file holds


def load_keras(path: Path, *, compiled: bool = False) -> keras.Model:
    """Loads a `.keras` file; no code in it is run.

    Args:
        path: Path. The file.
        compiled: bool. Compile it with the optimizer and loss that the file holds.

    Returns:
        keras.Model.

    Raises:
        ValueError: If the archive or its weights are not safe to open, see `open_archive` and
            `require_safe`, its settings nest too deep or declare far more weights than the file
            holds, or a weight is NaN or infinite.
        Exception: Whatever Keras raises at a damaged file.
    """
    with open_archive(path, max_bytes=MAX_WEIGHTS_BYTES) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
        if missing := {_CONFIG, _WEIGHTS} - sizes.keys():
            raise ValueError(f"it must hold {' and '.join(sorted(missing))}")
        if sizes[_CONFIG] > _LARGEST_CONFIG:
            raise ValueError(f"{_CONFIG} in it must have at most {_LARGEST_CONFIG:,} bytes")
        config = parse_json(archive.read(_CONFIG), _CONFIG)
        with archive.open(_WEIGHTS) as weights:
            num_stored = require_safe_inside(weights, sizes[_WEIGHTS])
    _require_declared(config, num_stored)
    model = keras.saving.load_model(path, compile=compiled, safe_mode=True)
    require_finite(model)
    return model


def require_finite(model: keras.Model) -> None:
    """Refuses a model with weights that are NaN or infinite: its descriptors would be so, too.

    Raises:
        ValueError: If it has one; the message names the first.
    """
    for variable in model.weights:
        values = keras.ops.convert_to_numpy(variable)
        if not np.isfinite(values).all():
            raise ValueError(
                f"its weights must be finite. Received: NaN or infinity in {variable.path}"
            )


def _require_declared(config: Any, num_stored: int) -> None:
    """Refuses settings whose weights would take far more memory than those in the file.

    The model is built without memory for its weights. A thread of its own keeps what Keras
    remembers of that, such as names and weights still to be filled, out of this one; its seeds
    come from Python's `random`, which is set back.
    """
    state = random.getstate()
    try:
        with ThreadPoolExecutor(max_workers=1) as one:
            num_declared = one.submit(_count_weights, config).result()
    finally:
        random.setstate(state)
    if num_declared > num_stored + _MOST_MORE:
        raise ValueError(
            f"its layers must have the weights that are in it, {num_stored:,} numbers. Received: "
            f"settings for {num_declared:,}"
        )


def _count_weights(config: Any) -> int:
    if isinstance(config, dict):  # an optimizer makes its variables when the model is compiled
        config = {key: value for key, value in config.items() if key != "compile_config"}
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        return sum(math.prod(each.shape) for each in model.variables)
