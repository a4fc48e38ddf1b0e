"""Stochastic attraction-repulsion embedding (SARE) with one negative at a time."""

import keras
from keras import ops

from placevec.losses.tuples import TupleLoss, squared_distances


@keras.saving.register_keras_serializable(package="placevec")
class SAREIndependentLoss(TupleLoss):
    """Requires that the nearest positive is a more likely match of the query than each negative.

        sum over n of -log(exp(-d^2(q, p)) / (exp(-d^2(q, p)) + exp(-d^2(q, n))))

    The distance is L2, so the likelihood of a match falls like a Gaussian around the query. `p` is
    the positive nearest to the query: photos taken near it that do not show its scene cost nothing.
    It is like a triplet loss with a smooth hinge and without margin. See `SAREJointLoss` for all
    negatives at once.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        name: str. Defaults to `"sare_independent_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives.
        `y_true` is ignored.

    Output shape:
        `(batch,)`, float32, before the reduction; above 0.

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The positive and each of the negatives have `d^2 = 0.8`. So twice, the positive is one of two
    equally likely matches: `-2 log(1 / 2) = 1.386`.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8], [0.6, 0.8]]])
    >>> loss = SAREIndependentLoss(num_positives=1, num_negatives=2)
    >>> print(f"{float(loss(ops.zeros(1), y_pred)):.3f}")
    1.386

    Reference:
        [Liu et al., 2019](https://arxiv.org/abs/1808.08779).
    """

    def __init__(
        self, num_positives: int, num_negatives: int, name: str = "sare_independent_loss", **kwargs
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, negative = squared_distances(y_pred, self.num_positives, self.num_negatives)
        nearest = ops.min(positive, axis=1, keepdims=True)  # (B, 1)
        return ops.sum(ops.softplus(nearest - negative), axis=1)
