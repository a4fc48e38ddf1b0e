"""Fits a network in 8-bit numbers to photos, with NNCF, for OpenVINO."""

import contextlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.images import UnreadableImageError, read_image
from placevec.models.engines.runtimes.openvino_engine import (
    MODEL_FILE,
    import_openvino,
    keep_signal_stack,
)

if TYPE_CHECKING:
    from openvino import Model

LARGEST_NUMBER = 128
"""Number of photos that the ranges of values are measured on."""

PHOTOS_FILE = "photos.npy"
"""File with photos that are kept back from the measurement of ranges, to compare on."""

_NUM_CHECKED = 8
_AGGREGATOR = "aggregator"  # `build_descriptor_model` gives the layer after the backbone this name
_log = logging.getLogger(__name__)


def quantize(network: Path, photos: NDArray[np.uint8], folder: Path) -> None:
    """Writes `model.xml` and `model.bin` of the network with its backbone in int8.

    Ranges of values are fitted to most of the photos. The folder keeps the other photos, to compare
    engines on. The layers after the backbone stay in float32. Weights use 7 bits, because sums with
    8 bits overflow on CPUs without VNNI.

    Args:
        network: Path. The folder of the network in float32.
        photos: (N, H, W, C) uint8, at least 9.
        folder: Path. The folder for the files.

    Raises:
        ValueError: If there are too few photos, or no layer is named `aggregator`.

    Reference:
        [NNCF](https://github.com/openvinotoolkit/nncf), post-training quantization;
        [Jacob et al. 2018](https://arxiv.org/abs/1712.05877).
    """
    if len(photos) <= _NUM_CHECKED:
        raise ValueError(
            f"int8 is fitted to at least {_NUM_CHECKED + 1} photos that can be read. "
            f"Received: {len(photos)}"
        )
    openvino = import_openvino()
    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)  # nncf's own function silences all loggers
    places = np.linspace(0, len(photos) - 1, _NUM_CHECKED).astype(int)
    fitted_to = np.delete(photos, places, axis=0)
    whole = openvino.Core().read_model(network / MODEL_FILE)
    with keep_signal_stack(), contextlib.redirect_stdout(io.StringIO()):  # no progress bars
        quantized = nncf.quantize(
            whole,
            nncf.Dataset([photo[None] for photo in fitted_to]),
            subset_size=len(fitted_to),
            preset=nncf.QuantizationPreset.MIXED,
            fast_bias_correction=False,
            ignored_scope=nncf.IgnoredScope(names=_behind_backbone(whole), validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE
            ),
        )
    openvino.save_model(quantized, folder / MODEL_FILE, compress_to_fp16=False)
    np.save(folder / PHOTOS_FILE, photos[places])


def _behind_backbone(network: "Model") -> list[str]:
    """Returns the names of all operations from the aggregator on."""
    behind, names = set(), []
    for each in network.get_ordered_ops():
        name = each.get_friendly_name()
        sources = {one.get_node().get_friendly_name() for one in each.input_values()}
        if _AGGREGATOR in name or sources & behind:
            behind.add(name)
            if each.get_type_name() not in ("Constant", "Result"):
                names.append(name)
    if not names:
        raise ValueError(
            f"int8 needs a model with a layer named {_AGGREGATOR!r} after its backbone. Received: "
            "a model without"
        )
    return names


def read_photos(
    paths: Sequence[Path | str], image_size: tuple[int, int], channels: int
) -> NDArray[np.uint8]:
    """Reads up to 136 photos, spread evenly over a set, and leaves out unreadable ones.

    Returns:
        (N, H, W, C) uint8.
    """
    count = min(len(paths), LARGEST_NUMBER + _NUM_CHECKED)
    photos = []
    for place in np.linspace(0, len(paths) - 1, count).astype(int):
        try:
            photos.append(read_image(paths[place], image_size=image_size, channels=channels))
        except (UnreadableImageError, OSError) as error:
            _log.warning("%s", error)
    return np.array(photos, np.uint8).reshape(-1, *image_size, channels)


def kept_photos(folder: Path, image_size: tuple[int, int]) -> NDArray[np.uint8]:
    """Returns the photos that int8 was not fitted to, resized: (8, H, W, C) uint8."""
    rows, columns = image_size
    photos = np.load(folder / PHOTOS_FILE, allow_pickle=False)
    shape = (rows, columns, photos.shape[-1])
    resized = [cv2.resize(each, (columns, rows), interpolation=cv2.INTER_AREA) for each in photos]
    return np.stack(resized).reshape(-1, *shape)
