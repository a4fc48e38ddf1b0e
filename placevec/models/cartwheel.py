"""Trained `.h5` models of the cartwheel scripts (Keras 2), as descriptor models."""

import json
from pathlib import Path

import h5py
import keras
import numpy as np

from placevec.layers import NetVLAD, PixelScaling
from placevec.models.backbones import local_features
from placevec.models.weights import AGGREGATOR, load_weights, read_weights

_FIRST_LAYERS = {"Conv1": "mobilenetv2", "conv1": "mobilenet"}


def load_cartwheel(path: Path) -> keras.Model:
    """Loads a trained model that `noveou_train_netvlad_v3.py` of cartwheel_train wrote.

    Only arrays and the names of layers are read from the file; no code in it is run. The old
    networks saw BGR photos scaled to [-1, 1] and stored their cluster centers negated; the model
    returned takes raw RGB (or grey) photos of any size, like every model here.

    Args:
        path: Path. An `.h5` file of a MobileNet or MobileNetV2 with a NetVLADLayer.

    Returns:
        keras.Model. `(batch, height, width, channels)` uint8 in, `(batch, K * D)` float32 out.

    Raises:
        ValueError: If the file is damaged or holds another kind of model.
    """
    arrays = read_weights(path)
    layers = _layer_names(path)
    backbone = next((_FIRST_LAYERS[name] for name in arrays if name in _FIRST_LAYERS), None)
    vlad = arrays.get(layers[-1], {})
    if backbone is None or not {"kernel", "bias", "cluster_centers"} <= vlad.keys():
        raise ValueError(
            f"{path} must hold a MobileNet or MobileNetV2 that ends in a NetVLADLayer. Received: "
            f"layers {layers[0]} to {layers[-1]}"
        )
    channels = next(arrays[name]["kernel"].shape[2] for name in arrays if name in _FIRST_LAYERS)
    feature_dim, num_clusters = vlad["kernel"].shape[-2:]

    images = keras.Input((None, None, channels), dtype="uint8", name="photos")
    # `read_weights` has turned the first kernel from BGR to RGB.
    pixels = PixelScaling(scale=2.0 / 255.0, offset=-1.0, name="pixel_scaling")(images)
    features = local_features(pixels, backbone=backbone, cut_layer=layers[-2])
    aggregator = NetVLAD(num_clusters=num_clusters, normalize_inputs=False, name=AGGREGATOR)
    model = keras.Model(images, aggregator(features), name="descriptor")
    load_weights(model, path)
    aggregator.kernel.assign(vlad["kernel"].reshape(feature_dim, num_clusters))
    aggregator.bias.assign(vlad["bias"].reshape(num_clusters))
    centers = vlad["cluster_centers"].reshape(feature_dim, num_clusters)
    aggregator.centers.assign(-np.ascontiguousarray(centers.T))
    return model


def _layer_names(path: Path) -> list[str]:
    """Returns the names of a stored model's layers, first to last."""
    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
    try:
        names = [layer["config"]["name"] for layer in json.loads(text)["config"]["layers"]]
    except (TypeError, KeyError, ValueError):
        names = []
    if len(names) < 2:
        raise ValueError(
            f"{path} holds weights without a model. Give it with `--model.weights` instead"
        )
    return names
