"""Stochastic attraction-repulsion embedding (SARE) with all negatives at once."""

import keras
from keras import ops

from placevec.losses.tuples import TupleLoss, squared_distances


@keras.saving.register_keras_serializable(package="placevec")
class SAREJointLoss(TupleLoss):
    """Requires that the nearest positive is a likely match of the query among all negatives.

        -log(exp(-d^2(q, p)) / (exp(-d^2(q, p)) + sum over n of exp(-d^2(q, n))))

    The distance is L2, so the likelihood of a match falls like a Gaussian around the query. `p` is
    the positive nearest to the query: photos taken near it that do not show its scene cost nothing.
    There is no margin: the larger the share of a negative in the sum, the more it is pushed away.
    See `SAREIndependentLoss` for one negative at a time.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        name: str. Defaults to `"sare_joint_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives.
        `y_true` is ignored.

    Output shape:
        `(batch,)`, float32, before the reduction; above 0.

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The positive and each of the negatives have `d^2 = 0.8`. So the positive is one of three equally
    likely matches: `-log(1 / 3) = 1.099`.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8], [0.6, 0.8]]])
    >>> loss = SAREJointLoss(num_positives=1, num_negatives=2)
    >>> print(f"{float(loss(ops.zeros(1), y_pred)):.3f}")
    1.099

    Reference:
        [Liu et al., 2019](https://arxiv.org/abs/1808.08779).
    """

    def __init__(
        self, num_positives: int, num_negatives: int, name: str = "sare_joint_loss", **kwargs
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, negative = squared_distances(y_pred, self.num_positives, self.num_negatives)
        nearest = ops.min(positive, axis=1)  # (B,)
        return ops.softplus(nearest + ops.logsumexp(-negative, axis=1))
