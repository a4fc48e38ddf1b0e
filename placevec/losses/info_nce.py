"""The InfoNCE loss: a softmax over a positive and all photos of other places in the batch."""

import keras
from keras import ops

from placevec.losses.tuples import TupleLoss, split_tuple

_NEVER = -1e9  # a logit that takes no part in a softmax


@keras.saving.register_keras_serializable(package="placevec")
class InfoNCELoss(TupleLoss):
    """Asks that each positive wins a softmax of similarities against all other places at hand.

        -log(exp(<q, p> / t) / (exp(<q, p> / t) + sum over n of exp(<q, n> / t)))

    where `n` runs over all photos of the batch, of whichever tuple, that were taken farther than
    `negative_radius_m` from the query. The same is asked the other way, of `q` against what is
    far from `p`; the loss is the mean over positives and both ways. A batch of many small tuples
    so has many negatives for the price of few; the tuples themselves need none. There is no
    margin: a negative counts the more, the closer it comes to the positive, and the temperature
    `t` says how sharply.

    Args:
        num_positives: int. `P`, the positives of a tuple.
        num_negatives: int. `Nn`, the negatives of a tuple; at least 0.
        temperature: float. `t`, above 0. Defaults to `0.05`.
        negative_radius_m: float. Photos nearer to the query than this are no negatives, in
            metres. Defaults to `25.0`.
        name: str. Defaults to `"info_nce_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_true`: `(batch, 1 + P + Nn, 2)`, float. Where each photo was taken, in metres.
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm.

    Output shape:
        `(batch,)`, float32, before the reduction; at least 0.

    Raises:
        ValueError: If a number is not a positive integer, the temperature is not above 0, or
            `y_pred` is of another shape.

    Example:
    The positive and the one negative are equally similar to the query: from there the positive
    wins half the softmax, `-log(0.5) = 0.693`. From the positive the query wins all of it, which
    costs nothing.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]]])
    >>> positions_m = ops.array([[[0.0, 0.0], [5.0, 0.0], [90.0, 0.0]]])
    >>> loss = InfoNCELoss(num_positives=1, num_negatives=1)
    >>> print(f"{float(loss(positions_m, y_pred)):.3f}")
    0.347

    Reference:
        [van den Oord et al., 2018](https://arxiv.org/abs/1807.03748).
    """

    least_negatives = 0

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        temperature: float = 0.05,
        negative_radius_m: float = 25.0,
        name: str = "info_nce_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)
        if not temperature > 0:
            raise ValueError(f"`temperature` must be above 0. Received: temperature={temperature}")
        self.temperature = temperature
        self.negative_radius_m = negative_radius_m

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        query, positives, negatives = split_tuple(y_pred, self.num_positives, self.num_negatives)
        photos = ops.concatenate([query, positives, negatives], axis=1)  # (B, T, D)
        anchors = photos[:, : 1 + self.num_positives]  # (B, 1 + P, D)
        everyone = ops.reshape(photos, (-1, photos.shape[-1]))  # (B * T, D)
        logits = ops.matmul(anchors, ops.transpose(everyone)) / self.temperature
        places = ops.cast(y_true, "float32")
        anchor_places = places[:, : 1 + self.num_positives, None]  # (B, 1 + P, 1, 2)
        apart = anchor_places - ops.reshape(places, (1, 1, -1, 2))  # (B, 1 + P, B * T, 2)
        is_far = ops.sum(ops.square(apart), axis=-1) > self.negative_radius_m**2
        against = ops.logsumexp(ops.where(is_far, logits, _NEVER), axis=-1)  # (B, 1 + P)
        positive = ops.sum(query * positives, axis=-1) / self.temperature  # (B, P)
        ways = ops.softplus(against[:, :1] - positive), ops.softplus(against[:, 1:] - positive)
        return ops.mean(ways[0] + ways[1], axis=1) / 2

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "negative_radius_m": self.negative_radius_m,
        }
