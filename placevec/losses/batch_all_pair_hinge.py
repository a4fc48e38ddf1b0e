"""The all-pair hinge loss over the whole batch."""

import keras
from keras import ops

from placevec.losses.pairs import PairLoss


@keras.saving.register_keras_serializable(package="placevec")
class BatchAllPairHingeLoss(PairLoss):
    """Requires that each positive is more similar to the anchor than all other places in the batch.

        sum over p, n of max(0, <a, n> - <a, p> + margin)

    Each query and each positive is an anchor `a`; the loss is the mean over a tuple's anchors. `n`
    runs over all photos of the batch that were taken farther than `negative_radius_m` from the
    anchor. `p` runs over the other photos among its tuple's query and positives. It is
    `AllPairHingeLoss` with more negatives from the same photos; tuples need no negatives of their
    own. Because it is a sum, it grows with the batch.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple; at least 0.
        margin: float. Amount by which a positive's similarity must exceed a negative's.
            Defaults to `0.3`.
        negative_radius_m: float. Photos closer to the anchor than this are not negatives. Photos
            farther away are not positives. In metres.
        name: str. Defaults to `"batch_all_pair_hinge_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_true`: `(batch, 1 + P + Nn, 2)`, float. Position of each photo, in metres.
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm.

    Output shape:
        `(batch,)`, float32, before the reduction; at least 0.

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The query has similarity 0.6 to the positive and to the negative, which costs the margin, 0.3.
    Seen from the positive, the negative has -0.28, far below the query's 0.6, which costs nothing.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]]])
    >>> positions_m = ops.array([[[0.0, 0.0], [5.0, 0.0], [90.0, 0.0]]])
    >>> loss = BatchAllPairHingeLoss(num_positives=1, num_negatives=1, negative_radius_m=25)
    >>> print(f"{float(loss(positions_m, y_pred)):.3f}")
    0.150

    Reference:
        [Kuse and Shen, 2019](https://arxiv.org/abs/1904.06962), over the batch as
        [Hermans et al., 2017](https://arxiv.org/abs/1703.07737) do with triplets.
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.3,
        *,
        negative_radius_m: float,
        name: str = "batch_all_pair_hinge_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, negative_radius_m, name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, is_positive = self.positive_pairs(y_true, y_pred)  # (B, 1 + P, 1 + P)
        negative, is_negative = self.negative_pairs(y_true, y_pred)  # (B, 1 + P, B * T)
        excess = negative[:, :, None] - positive[..., None] + self.margin
        counts = ops.logical_and(is_negative[:, :, None], is_positive[..., None])
        costs = ops.where(counts, ops.relu(excess), 0.0)  # (B, 1 + P, 1 + P, B * T)
        return ops.mean(ops.sum(costs, axis=(2, 3)), axis=1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "margin": self.margin}
