"""The NetVLAD paper's weakly supervised triplet ranking loss."""

import keras
from keras import ops

from placevec.losses.tuples import TupleLoss, squared_distances


@keras.saving.register_keras_serializable(package="placevec")
class TripletRankingLoss(TupleLoss):
    """Requires that the nearest positive is nearer to the query than every negative.

        sum over n of max(0, min over p of d^2(q, p) + margin - d^2(q, n))

    The distance is squared L2. For unit descriptors `d^2 = 2 - 2 <q, x>`, so this loss is twice
    `TripletMaxPositiveLoss` with half the margin.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        margin: float. Amount by which a negative's squared distance must exceed that of the
            nearest positive. Defaults to `0.1`.
        name: str. Defaults to `"triplet_ranking_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives.
        `y_true` is ignored.

    Output shape:
        `(batch,)`, float32, before the reduction; not negative.

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The nearest positive has `d^2 = 0.16 + 0.64 = 0.8`, the negative `0.04 + 0.36 = 0.4`:
    `0.8 + 0.1 - 0.4 = 0.5`.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, 0.6]]])
    >>> loss = TripletRankingLoss(num_positives=2, num_negatives=1)
    >>> print(f"{float(loss(ops.zeros(1), y_pred)):.3f}")
    0.500

    Reference:
        [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247), equation 7.
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.1,
        name: str = "triplet_ranking_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, negative = squared_distances(y_pred, self.num_positives, self.num_negatives)
        nearest = ops.min(positive, axis=1, keepdims=True)  # (B, 1)
        return ops.sum(ops.relu(nearest + self.margin - negative), axis=1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "margin": self.margin}
