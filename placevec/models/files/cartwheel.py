"""Trained `.h5` models of the cartwheel scripts (Keras 2), as descriptor models."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.input_file import parse_json, shown
from placevec.kinds import DESCRIPTORS, refuse_kind
from placevec.layers import NetVLAD, PixelScaling
from placevec.models.backbones.backbones import local_features
from placevec.models.files.hdf5 import HLOC_DESCRIPTOR, open_hdf5
from placevec.models.files.weights import AGGREGATOR, OLD_CLUSTERS, load_weights, read_weights

_FIRST_LAYERS = {"Conv1": "mobilenetv2", "conv1": "mobilenet"}


def load_cartwheel(path: Path) -> keras.Model:
    """Loads a trained model that `noveou_train_netvlad_v3.py` of cartwheel_train wrote.

    placevec only reads arrays and layer names from the file and runs no code in it. The old
    networks took BGR photos scaled to [-1, 1] and stored their cluster centers negated. The
    returned model takes raw RGB (or gray) photos of any size, like every model of placevec.

    Args:
        path: Path. An `.h5` file of a MobileNet or MobileNetV2 with a NetVLADLayer.

    Returns:
        keras.Model. `(batch, height, width, channels)` uint8 in, `(batch, K * D)` float32 out.

    Raises:
        ValueError: If the file is damaged or holds another kind of model.
    """
    arrays = read_weights(path)
    if any(HLOC_DESCRIPTOR in each for each in arrays.values()):
        refuse_kind(path, DESCRIPTORS, "a model")
    settings = _layer_settings(path)
    layers = [str(each["name"]) for each in settings]
    first = next((name for name in arrays if name in _FIRST_LAYERS), None)
    channels = None if first is None else _axis(arrays[first].get("kernel"), 2)
    clusters = arrays.get(OLD_CLUSTERS)
    if first is None or channels not in (1, 3) or clusters is None:
        raise ValueError(
            f"{path} must hold a MobileNet or MobileNetV2 that ends in a NetVLADLayer. Received: "
            f"layers {shown(layers[0])} to {shown(layers[-1])}"
        )
    images = keras.Input((None, None, channels), dtype="uint8", name="photos")
    # `read_weights` already turned the first kernel from BGR to RGB.
    pixels = PixelScaling(
        scale=2.0 / 255.0, offset=-1.0, image_size=_trained_size(settings[0]), name="pixel_scaling"
    )(images)
    features = local_features(pixels, backbone=_FIRST_LAYERS[first], cut_layer=layers[-2])
    num_clusters = clusters["kernel"].shape[1]
    aggregator = NetVLAD(num_clusters=num_clusters, normalize_inputs=False, name=AGGREGATOR)
    model = keras.Model(images, aggregator(features), name="descriptor")
    load_weights(model, path, old_clusters=True)
    return model


def _axis(array: NDArray[np.generic] | None, axis: int) -> int:
    """Returns the length of an axis of a kernel, or 0 if the kernel does not exist."""
    return array.shape[axis] if array is not None and array.ndim == 4 else 0


def _trained_size(settings: dict) -> tuple[int, int] | None:
    """Returns the rows and columns of the training photos, from the first layer."""
    shape = settings.get("batch_input_shape")
    if not isinstance(shape, list) or len(shape) != 4:
        return None
    rows, columns = shape[1:3]
    is_size = all(type(side) is int and side > 0 for side in (rows, columns))
    return (rows, columns) if is_size else None


def _layer_settings(path: Path) -> list[dict]:
    """Returns the settings of a stored model's layers, from the first to the last."""
    with open_hdf5(path) as file:
        text = file.attrs.get("model_config", "null")
    if not isinstance(text, str | bytes):
        text = "null"
    config = parse_json(text, f"the model's settings in {path}")
    try:
        settings = [layer["config"] for layer in config["config"]["layers"]]
    except (TypeError, KeyError):
        settings = []
    if len(settings) < 2 or not all(isinstance(s, dict) and "name" in s for s in settings):
        raise ValueError(
            f"{path} holds weights without a model. `placevec train` starts from them: "
            "`--model.weights`"
        )
    return settings
