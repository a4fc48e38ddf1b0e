"""The map of local features as a second output of a model, from the same pass."""

import keras

from placevec.layers.aggregator import Aggregator
from placevec.models.descriptor_model import without_xla


def with_features(model: keras.Model) -> keras.Model:
    """Returns a model that also returns the local features that are aggregated.

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
            "Local features are those in front of a model's aggregator, such as NetVLAD. Received: "
            f"a model with {len(found)} aggregators. Take `--rerank sift`, or another model"
        )
    features = keras.layers.UnitNormalization(name="unit_features", dtype="float32")(found[0].input)
    return without_xla(keras.Model(model.inputs[0], [model.outputs[0], features]))
