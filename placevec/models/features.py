"""The outputs of a model before its descriptor: local features, and their clusters."""

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.layers import NetVLAD
from placevec.layers.aggregator import Aggregator
from placevec.models.descriptor_model import without_xla


def with_features(model: keras.Model) -> keras.Model:
    """Returns a model that also returns the local features that it aggregates.

    Args:
        model: keras.Model. A descriptor model. The new one shares its layers.

    Returns:
        keras.Model. Photos in; descriptors `(batch, D)` and local features `(batch, rows, columns,
        D')` of unit length out.

    Raises:
        ValueError: If the model does not have exactly one aggregator, such as NetVLAD.
    """
    found = [layer for layer in model.layers if isinstance(layer, Aggregator)]
    if len(found) != 1:
        raise ValueError(
            "Local features are the inputs of a model's aggregator, such as NetVLAD. Received: a "
            f"model with {counted(len(found), 'aggregator')}. Take `--rerank sift`, or another "
            "model"
        )
    features = keras.layers.UnitNormalization(name="unit_features", dtype="float32")(found[0].input)
    return without_xla(keras.Model(model.inputs[0], [model.outputs[0], features]))


def soft_assignment(
    model: keras.Model,
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Returns a function that computes each local feature's soft assignment to NetVLAD's clusters.

    Args:
        model: keras.Model. A descriptor model.

    Returns:
        callable. From photos `(B, H, W, C)` uint8 to `(B, rows, columns, K)` float32 in [0, 1].
        The clusters of a local feature sum to 1, minus the shares of ghost clusters.

    Raises:
        ValueError: If the model does not have exactly one NetVLAD layer.
    """
    found = [layer for layer in model.layers if isinstance(layer, NetVLAD)]
    if len(found) != 1:
        raise ValueError(
            f"Clusters need a model with one NetVLAD layer. Received: a model with {len(found)}"
        )
    (layer,) = found
    features = without_xla(keras.Model(model.inputs[0], layer.input))

    def assign(photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        return keras.ops.convert_to_numpy(layer.assign(features.predict_on_batch(photos)))

    return assign
