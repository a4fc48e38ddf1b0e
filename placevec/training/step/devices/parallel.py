"""Trains a tuple model on the parts of a batch, with the loss of the whole batch."""

from collections.abc import Callable
from typing import Any

import keras

from placevec.models import without_xla


class Parallel(keras.Model):
    """Trains a tuple model on the parts of a batch, with the loss of the whole batch.

    Args:
        tuple_model: keras.Model, compiled.
        forward: callable. The model on this device. Takes tuples and `training`.
        join: callable. From this device's part of a tensor to the whole tensor.
    """

    def __init__(self, tuple_model: keras.Model, forward: Callable, join: Callable) -> None:
        super().__init__(name="parallel")
        self.tuple_model = tuple_model
        self.forward_part = forward.__call__  # not a layer: Keras would count its weights twice
        self.join = join

    def take_settings(self) -> None:
        """Copies the optimizer and the loss of the tuple model."""
        self.compile(self.tuple_model.optimizer, self.tuple_model.loss, auto_scale_loss=False)
        without_xla(self)

    def call(self, tuples: Any, training: bool = False) -> Any:
        """Returns descriptors of a part."""
        return self.forward_part(tuples, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Returns the loss of the whole batch, the same on all devices."""
        y, y_pred = self.join(y), self.join(y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)


def copy_model(model: keras.Model) -> keras.Model:
    """Returns a copy with the same weights, whose variables belong to the current `scope`."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return without_xla(copy)
