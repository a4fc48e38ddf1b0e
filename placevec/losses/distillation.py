"""Self-distillation: a loss that keeps a network from forgetting what it has learned."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="placevec")
class DistillationLoss(keras.losses.Loss):
    """Adds to a loss of tuples a penalty on changes from earlier descriptors.

        loss + weight * mean over the photos of a tuple of |y_pred - before|^2

    `before` comes from the network as it was before the first step and from the original photos,
    while `y_pred` may come from augmented ones. So a network learns that another hour or another
    camera does not make another place. It also keeps what it has learned of places that the
    training does not show.

    Args:
        loss: keras.losses.Loss. The loss of tuples. Its own reduction is ignored.
        weight: float. Weight of the squared distance; at least 0.
        name: str. Defaults to `"distillation_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_true`: `(batch, 1 + P + Nn, 2 + D)`, float. Position of each photo, in metres, then its
        earlier descriptor.
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of unit L2 norm.

    Output shape:
        `(batch,)`, float32, before the reduction.

    Raises:
        ValueError: If the weight is below 0, or the shapes do not fit each other.

    Example:
    The query has turned by a right angle; its positive and its negative have not changed.

    >>> from placevec.losses import TripletRankingLoss
    >>> loss = DistillationLoss(TripletRankingLoss(1, 1), weight=3.0)
    >>> now = ops.array([[[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]])
    >>> before = ops.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    >>> positions_m = ops.array([[[0.0, 0.0], [5.0, 0.0], [90.0, 0.0]]])
    >>> float(loss(ops.concatenate([positions_m, before], axis=2), now))  # 0 + 3 * 2 / 3
    2.0

    Reference:
        [Hinton et al., 2015](https://arxiv.org/abs/1503.02531), with the network itself as the
        teacher.
    """

    def __init__(self, loss: keras.losses.Loss, weight: float, name="distillation_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        if not weight >= 0:
            raise ValueError(f"`weight` must be at least 0. Received: weight={weight}")
        self.loss = loss
        self.weight = weight

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positions_m, before = y_true[..., :2], y_true[..., 2:]
        if before.shape[-1] != y_pred.shape[-1]:
            raise ValueError(
                "Earlier descriptors must have as many dimensions as those that are trained. "
                f"Received: {before.shape[-1]} and {y_pred.shape[-1]} dimensions"
            )
        moved = ops.cast(y_pred, "float32") - ops.cast(before, "float32")
        distance = ops.mean(ops.sum(ops.square(moved), axis=-1), axis=-1)
        return self.loss.call(positions_m, y_pred) + self.weight * distance

    def get_config(self):
        """Returns the arguments."""
        loss = keras.losses.serialize(self.loss)
        return {**super().get_config(), "loss": loss, "weight": self.weight}

    @classmethod
    def from_config(cls, config):
        """Returns the loss with the arguments of `get_config`."""
        return cls(**{**config, "loss": keras.losses.deserialize(config["loss"])})
