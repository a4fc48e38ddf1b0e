"""The multi-similarity loss: weighs the informative pairs of photos in a batch."""

import keras
from keras import ops

from placevec.losses.pairs import PairLoss, log_sum_exp_where


@keras.saving.register_keras_serializable(package="placevec")
class MultiSimilarityLoss(PairLoss):
    """Requires similar positives and dissimilar negatives, using only pairs that violate this.

        log(1 + sum over p of exp(-alpha * (<a, p> - base))) / alpha
            + log(1 + sum over n of exp(beta * (<a, n> - base))) / beta

    Each query and each positive is an anchor `a`; the loss is the mean over a tuple's anchors. `n`
    runs over all photos of the batch that were taken farther than `negative_radius_m` from the
    anchor. `p` runs over the other photos among its tuple's query and positives. Only informative
    pairs count. A positive counts unless it is more similar to the anchor than the most similar
    negative by `margin`. A negative counts unless it is less similar than the least similar
    positive by `margin`. An anchor without such pairs costs nothing.

    Tuples need no negatives, and no photos have to be described in advance. A batch of P places
    with K photos each is a batch of P tuples with K - 1 positives. The defaults are those of
    GSV-Cities.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple; at least 0.
        alpha: float. How strongly the least similar positives dominate; above 0. Defaults to `1.0`.
        beta: float. How strongly the most similar negatives dominate; above 0. Defaults to `50.0`.
        base: float. Similarity from which on a negative counts fully. Defaults to `0.0`.
        margin: float. Amount by which an anchor's least similar positive must exceed its most
            similar negative (epsilon in the paper). Defaults to `0.1`.
        negative_radius_m: float. Photos closer to the anchor than this are not negatives. Photos
            farther away are not positives. In metres.
        name: str. Defaults to `"multi_similarity_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_true`: `(batch, 1 + P + Nn, 2)`, float. Position of each photo, in metres.
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm.

    Output shape:
        `(batch,)`, float32, before the reduction; at least 0.

    Raises:
        ValueError: If a number is not a positive integer, `alpha` or `beta` is not above 0, or
            `y_pred` has another shape.

    Example:
    The query has similarity 0.6 to the positive and to the negative, so both count:
    `log(1 + exp(-0.6)) = 0.437` and `log(1 + exp(50 * 0.6)) / 50 = 0.6`. Seen from the positive,
    the negative has -0.28, far below the query's 0.6, which costs nothing. The mean is 0.519.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]]])
    >>> positions_m = ops.array([[[0.0, 0.0], [5.0, 0.0], [90.0, 0.0]]])
    >>> loss = MultiSimilarityLoss(num_positives=1, num_negatives=1, negative_radius_m=25)
    >>> print(f"{float(loss(positions_m, y_pred)):.3f}")
    0.519

    Reference:
        [Wang et al., 2019](https://arxiv.org/abs/1904.06627);
        [Ali-bey et al., 2022](https://arxiv.org/abs/2210.10239), GSV-Cities.
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        alpha: float = 1.0,
        beta: float = 50.0,
        base: float = 0.0,
        margin: float = 0.1,
        *,
        negative_radius_m: float,
        name: str = "multi_similarity_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, negative_radius_m, name=name, **kwargs)
        if not (alpha > 0 and beta > 0):
            raise ValueError(
                f"`alpha` and `beta` must be above 0. Received: alpha={alpha}, beta={beta}"
            )
        self.alpha = alpha
        self.beta = beta
        self.base = base
        self.margin = margin

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, is_positive = self.positive_pairs(y_true, y_pred)  # (B, 1 + P, 1 + P)
        negative, is_negative = self.negative_pairs(y_true, y_pred)  # (B, 1 + P, B * T)
        worst_positive = ops.min(ops.where(is_positive, positive, 1e9), axis=-1, keepdims=True)
        worst_negative = ops.max(ops.where(is_negative, negative, -1e9), axis=-1, keepdims=True)
        tells_positive = ops.logical_and(is_positive, positive - self.margin < worst_negative)
        tells_negative = ops.logical_and(is_negative, negative + self.margin > worst_positive)
        pull = log_sum_exp_where(tells_positive, self.alpha * (self.base - positive))
        push = log_sum_exp_where(tells_negative, self.beta * (negative - self.base))
        return ops.mean(ops.softplus(pull) / self.alpha + ops.softplus(push) / self.beta, axis=1)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
            "base": self.base,
            "margin": self.margin,
        }
