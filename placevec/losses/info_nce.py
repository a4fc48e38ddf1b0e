"""The InfoNCE loss: a softmax over a positive and all photos of other places in the batch."""

import keras
from keras import ops

from placevec.losses.pairs import PairLoss, log_sum_exp_where
from placevec.losses.tuples import tuple_similarities


@keras.saving.register_keras_serializable(package="placevec")
class InfoNCELoss(PairLoss):
    """Requires that each positive wins a softmax against all other places in the batch.

        -log(exp(<q, p> / t) / (exp(<q, p> / t) + sum over n of exp(<q, n> / t)))

    Here `n` runs over all photos of the batch, of any tuple, that were taken farther than
    `negative_radius_m` from the query. The same is required in the other direction: of `q`, against
    the photos far from `p`. The loss is the mean over positives and both directions. A batch of
    many small tuples thus has many negatives at low cost; tuples need no negatives of their own.
    There is no margin: the closer a negative comes to the positive, the more it counts. The
    temperature `t` sets how sharply.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple; at least 0.
        temperature: float. `t`, above 0. Defaults to `0.05`.
        negative_radius_m: float. Photos closer to the query than this are not negatives. In metres.
        name: str. Defaults to `"info_nce_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_true`: `(batch, 1 + P + Nn, 2)`, float. Position of each photo, in metres.
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm.

    Output shape:
        `(batch,)`, float32, before the reduction; at least 0.

    Raises:
        ValueError: If a number is not a positive integer, the temperature is not above 0, or
            `y_pred` has another shape.

    Example:
    The positive and the only negative are equally similar to the query, so the positive wins half
    of the softmax: `-log(0.5) = 0.693`. Seen from the positive, the query wins all of it, which
    costs nothing.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]]])
    >>> positions_m = ops.array([[[0.0, 0.0], [5.0, 0.0], [90.0, 0.0]]])
    >>> loss = InfoNCELoss(num_positives=1, num_negatives=1, negative_radius_m=25)
    >>> print(f"{float(loss(positions_m, y_pred)):.3f}")
    0.347

    Reference:
        [van den Oord et al., 2018](https://arxiv.org/abs/1807.03748).
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        temperature: float = 0.05,
        *,
        negative_radius_m: float,
        name: str = "info_nce_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, negative_radius_m, name=name, **kwargs)
        if not temperature > 0:
            raise ValueError(f"`temperature` must be above 0. Received: temperature={temperature}")
        self.temperature = temperature

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        similarity, is_far = self.negative_pairs(y_true, y_pred)
        against = log_sum_exp_where(is_far, similarity / self.temperature)  # (B, 1 + P)
        positive, _ = tuple_similarities(y_pred, self.num_positives, self.num_negatives)
        positive = positive / self.temperature  # (B, P)
        ways = ops.softplus(against[:, :1] - positive), ops.softplus(against[:, 1:] - positive)
        return ops.mean(ways[0] + ways[1], axis=1) / 2

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "temperature": self.temperature}
