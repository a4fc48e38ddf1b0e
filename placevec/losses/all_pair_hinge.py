"""The all-pair hinge loss."""

import keras
from keras import ops

from placevec.losses.tuples import TupleLoss, tuple_similarities


@keras.saving.register_keras_serializable(package="placevec")
class AllPairHingeLoss(TupleLoss):
    """Requires that every positive is more similar to the query than every negative, by a margin.

        sum over p, n of max(0, <q, n> - <q, p> + margin)

    All `P * Nn` pairs count, not only the hardest, so gradients are steadier than with triplets.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        margin: float. Amount by which a positive's similarity must exceed a negative's.
            Defaults to `0.3`.
        name: str. Defaults to `"all_pair_hinge_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm. `y_true` is ignored.

    Output shape:
        `(batch,)`, float32, before the reduction; in [0, P * Nn * (2 + margin)].

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The negative has similarity 0.8, the positives 1.0 and 0.6: with margin 0.3 the pairs cost
    `0.8 - 1.0 + 0.3 = 0.1` and `0.8 - 0.6 + 0.3 = 0.5`.

    >>> y_pred = ops.array([[[1.0, 0.0], [1.0, 0.0], [0.6, 0.8], [0.8, 0.6]]])
    >>> loss = AllPairHingeLoss(num_positives=2, num_negatives=1)
    >>> print(f"{float(loss(ops.zeros(1), y_pred)):.3f}")
    0.600

    Reference:
        [Kuse and Shen, 2019](https://arxiv.org/abs/1904.06962).
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.3,
        name: str = "all_pair_hinge_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, negative = tuple_similarities(y_pred, self.num_positives, self.num_negatives)
        excess = negative[:, None, :] - positive[:, :, None] + self.margin  # (B, P, Nn)
        return ops.sum(ops.relu(excess), axis=(1, 2))

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "margin": self.margin}
