"""The deviation of a query's similarities to its positives."""

import keras
from keras import ops

from placevec.losses.tuples import TupleLoss, tuple_similarities


@keras.saving.register_keras_serializable(package="placevec")
class PositiveDeviationLoss(TupleLoss):
    """Requires that all positives are equally similar to the query.

        standard deviation over p of <q, p>        (divided by P, not P - 1)

    By itself, it accepts a network that maps everything to one point, so use it together with
    another loss, or as a metric. If the deviation is zero, so is the gradient.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple, which are ignored.
        name: str. Defaults to `"positive_deviation_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm. `y_true` is ignored.

    Output shape:
        `(batch,)`, float32, before the reduction; in [0, 1].

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The similarities 1.0 and 0.6 are 0.2 from their mean.

    >>> y_pred = ops.array([[[1.0, 0.0], [1.0, 0.0], [0.6, 0.8], [0.8, 0.6]]])
    >>> loss = PositiveDeviationLoss(num_positives=2, num_negatives=1)
    >>> print(f"{float(loss(ops.zeros(1), y_pred)):.3f}")
    0.200

    Reference:
        [Kuse and Shen, 2019](https://arxiv.org/abs/1904.06962).
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        name: str = "positive_deviation_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, _ = tuple_similarities(y_pred, self.num_positives, self.num_negatives)
        variance = ops.mean(
            ops.square(positive - ops.mean(positive, axis=1, keepdims=True)), axis=1
        )
        # The root has no gradient at 0, and `where` multiplies by it, so it must never see a 0.
        varies = variance > 0
        root = ops.sqrt(ops.where(varies, variance, ops.ones_like(variance)))
        return ops.where(varies, root, ops.zeros_like(root))
