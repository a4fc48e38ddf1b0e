"""Measures how many of its clusters a network uses, and how firmly it assigns features."""

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.layers import NetVLAD


def cluster_use(model: keras.Model, photos: NDArray[np.uint8]) -> dict[str, float]:
    """Measures the soft assignment of local features to NetVLAD's clusters.

    Args:
        model: keras.Model. A descriptor model.
        photos: (n, H, W, C) uint8.

    Returns:
        `clusters_used`: how many clusters share the features, from 1 (all in one) to K, including
        ghost clusters (evenly spread); the exponential of the entropy of the mean assignment.
        `assignment_entropy`: mean entropy of a feature's assignment, from 0 (all to one cluster)
        to log K, in nats. Empty if the aggregator is not NetVLAD.
    """
    layer = next((layer for layer in model.layers if isinstance(layer, NetVLAD)), None)
    if layer is None:
        return {}
    grid = keras.Model(model.input, layer.input)(photos, training=False)
    features = np.asarray(keras.ops.convert_to_numpy(grid), np.float64)
    features = features.reshape(-1, features.shape[-1])
    if layer.normalize_inputs:
        features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    logits = features @ keras.ops.convert_to_numpy(layer.kernel)
    if layer.use_bias:
        logits = logits + keras.ops.convert_to_numpy(layer.bias)
    logits -= logits.max(axis=1, keepdims=True)
    assignment = np.exp(logits)
    assignment /= assignment.sum(axis=1, keepdims=True)  # (n * h * w, K + G)
    return {
        "clusters_used": float(np.exp(_entropy(assignment.mean(axis=0)))),
        "assignment_entropy": float(_entropy(assignment).mean()),
    }


def _entropy(shares: NDArray[np.floating]) -> NDArray[np.floating]:
    """Returns the entropy along the last axis, in nats."""
    return -np.sum(shares * np.log(np.maximum(shares, 1e-300)), axis=-1)
