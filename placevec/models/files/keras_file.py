"""Loads whole models from `.keras` files that a stranger may have written."""

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
_MAX_CONFIG_BYTES = 2**26
_MAX_UNSTORED_WEIGHTS = 2**20


def load_keras(path: Path, *, compiled: bool = False) -> keras.Model:
    """Loads a `.keras` file without running any code in it.

    Args:
        path: Path. The file.
        compiled: bool. Compile the model with the optimizer and loss in the file.

    Returns:
        keras.Model.

    Raises:
        ValueError: If the archive or its weights are not safe to open (see `open_archive` and
            `require_safe`), the settings are nested too deeply or declare far more weights than
            the file holds, or a weight is NaN or infinite.
        Exception: Any error that Keras raises for a damaged file.
    """
    with open_archive(path, max_bytes=MAX_WEIGHTS_BYTES) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
        if missing := {_CONFIG, _WEIGHTS} - sizes.keys():
            raise ValueError(f"it must hold {' and '.join(sorted(missing))}")
        if sizes[_CONFIG] > _MAX_CONFIG_BYTES:
            raise ValueError(f"{_CONFIG} in it must have at most {_MAX_CONFIG_BYTES:,} bytes")
        config = parse_json(archive.read(_CONFIG), _CONFIG)
        with archive.open(_WEIGHTS) as weights:
            num_stored = require_safe_inside(weights, sizes[_WEIGHTS])
    _require_declared(config, num_stored)
    model = keras.saving.load_model(path, compile=compiled, safe_mode=True)
    require_finite(model)
    return model


def require_finite(model: keras.Model) -> None:
    """Refuses a model with weights that are NaN or infinite, because its descriptors would be too.

    Raises:
        ValueError: If a weight is NaN or infinite. The message names the first one.
    """
    for variable in model.weights:
        values = keras.ops.convert_to_numpy(variable)
        if not np.isfinite(values).all():
            raise ValueError(
                f"its weights must be finite. Received: NaN or infinity in {variable.path}"
            )


def _require_declared(config: Any, num_stored: int) -> None:
    """Refuses settings whose weights would take far more memory than those in the file.

    placevec builds the model without memory for its weights. It does so in another thread, so that
    Keras's state, such as names and weights to be filled, does not leak into this one. Building
    draws seeds from Python's `random`, whose state is restored afterward.
    """
    state = random.getstate()
    try:
        with ThreadPoolExecutor(max_workers=1) as one:
            num_declared = one.submit(_count_weights, config).result()
    finally:
        random.setstate(state)
    if num_declared > num_stored + _MAX_UNSTORED_WEIGHTS:
        raise ValueError(
            f"its layers must fit the {num_stored:,} weights in it. Received: settings for "
            f"{num_declared:,} weights"
        )


def _count_weights(config: Any) -> int:
    if isinstance(config, dict):  # compiling would add the optimizer's variables to the count
        config = {key: value for key, value in config.items() if key != "compile_config"}
    with keras.StatelessScope(initialize_variables=False):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
        return sum(math.prod(each.shape) for each in model.variables)
