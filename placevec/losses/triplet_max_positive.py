"""The triplet loss with the most similar positive, on similarities."""

import keras
from keras import ops

from placevec.losses.tuples import TupleLoss, tuple_similarities


@keras.saving.register_keras_serializable(package="placevec")
class TripletMaxPositiveLoss(TupleLoss):
    """Requires that the best positive is more similar to the query than every negative.

        sum over n of max(0, <q, n> - max over p of <q, p> + margin)

    Positives that were taken near the query but do not show its scene cost nothing, because only
    the most similar one counts.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        margin: float. Amount by which the best positive's similarity must exceed a negative's.
            Defaults to `0.3`.
        name: str. Defaults to `"triplet_max_positive_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm. `y_true` is ignored.

    Output shape:
        `(batch,)`, float32, before the reduction; in [0, Nn * (2 + margin)].

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The best positive has similarity 1.0, the negative 0.8: `0.8 - 1.0 + 0.3 = 0.1`.

    >>> y_pred = ops.array([[[1.0, 0.0], [1.0, 0.0], [0.6, 0.8], [0.8, 0.6]]])
    >>> loss = TripletMaxPositiveLoss(num_positives=2, num_negatives=1)
    >>> print(f"{float(loss(ops.zeros(1), y_pred)):.3f}")
    0.100

    Reference:
        [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247), with similarities instead of
        distances, as in [Kuse and Shen, 2019](https://arxiv.org/abs/1904.06962).
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.3,
        name: str = "triplet_max_positive_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, negative = tuple_similarities(y_pred, self.num_positives, self.num_negatives)
        best_positive = ops.max(positive, axis=1, keepdims=True)  # (B, 1)
        return ops.sum(ops.relu(negative - best_positive + self.margin), axis=1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "margin": self.margin}
