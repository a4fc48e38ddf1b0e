"""Writes the Python file through which RTAB-Map asks a network for descriptors of images."""

from pathlib import Path

from placevec.deploy.files import Facts
from placevec.whole_file import whole_file

_HOOK = '''"""Descriptors of images for RTAB-Map. Needs onnxruntime, opencv and numpy.

Start RTAB-Map with
    --Mem/GlobalDescriptorStrategy 1 --Kp/TfIdfLikelihoodUsed false --Mem/RehearsalSimilarity 1
    --PyDescriptor/Dim {dimensions} --PyDescriptor/Path {hook}
"""

import os

import cv2
import numpy as np
import onnxruntime

_ROWS, _COLUMNS, _DIMENSIONS, _CHANNELS = {rows}, {columns}, {dimensions}, {channels}
_MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "{model}")
_session = None


def init(dim):
    """Loads the network; `dim` must be its number of dimensions."""
    global _session
    if dim != _DIMENSIONS:
        raise ValueError("--PyDescriptor/Dim must be %d. Received: %d" % (_DIMENSIONS, dim))
    _session = onnxruntime.InferenceSession(_MODEL, providers=["CPUExecutionProvider"])


def extract(image):
    """Returns the descriptor (1, D) float32 of an image (rows, columns, channels) int8, BGR."""
    pixels = np.ascontiguousarray(image).view(np.uint8)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if _CHANNELS == 3:
        kind = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_GRAY2RGB
        pixels = cv2.cvtColor(pixels, kind)
    elif pixels.shape[2] == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    shrunk = min(_ROWS, pixels.shape[0]), min(_COLUMNS, pixels.shape[1])
    for rows, columns in (shrunk, (_ROWS, _COLUMNS)):
        if (rows, columns) != pixels.shape[:2]:
            pixels = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    photos = pixels.reshape(1, _ROWS, _COLUMNS, _CHANNELS)
    return _session.run(None, {{"photos": photos}})[0].astype(np.float32)
'''


def write_hook(path: Path, model: str, facts: Facts) -> None:
    """Writes the Python file that RTAB-Map calls. It loads the network from its own folder.

    Args:
        path: Path. The file to write.
        model: str. Name of the ONNX file.
        facts: Facts.
    """
    rows, columns = facts.image_size
    text = _HOOK.format(
        rows=rows,
        columns=columns,
        dimensions=facts.dimensions,
        channels=facts.channels,
        model=model,
        hook=path.name,
    )
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
