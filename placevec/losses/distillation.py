"""Self-distillation: a loss that keeps a network from forgetting what it knew."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="placevec")
class DistillationLoss(keras.losses.Loss):
    """Holds the descriptors of changed photos to those that were given for the photos themselves.

        mean over the photos of a tuple of |y_pred - y_true|^2

    `y_true` comes from the network as it was before the first step and from photos as they were
    taken. So a network learns that another hour or another camera is no other place, and stays
    near what it knew of places that the training does not show.

    Args:
        name: str. Defaults to `"distillation_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_true`: `(batch, 1 + P + Nn, D)`, float. Descriptors of the photos as they were taken.
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of unit L2 norm.

    Output shape:
        `(batch,)`, float32, before the reduction; between 0 and 4.

    Raises:
        ValueError: If the two differ in shape.

    Example:
    Of the two photos one is where it was, the other has turned by a right angle.

    >>> before = ops.array([[[1.0, 0.0], [1.0, 0.0]]])
    >>> float(DistillationLoss()(before, ops.array([[[1.0, 0.0], [0.0, 1.0]]])))
    1.0

    Reference:
        [Hinton et al., 2015](https://arxiv.org/abs/1503.02531), with the network itself as the
        teacher.
    """

    def __init__(self, name: str = "distillation_loss", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        if y_true.shape != y_pred.shape:
            raise ValueError(
                "The descriptors held to must have the shape of those that are trained. "
                f"Received: {tuple(y_true.shape)} and {tuple(y_pred.shape)}"
            )
        difference = ops.cast(y_pred, "float32") - ops.cast(y_true, "float32")
        return ops.mean(ops.sum(ops.square(difference), axis=-1), axis=-1)
