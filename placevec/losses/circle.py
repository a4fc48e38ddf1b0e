"""The circle loss: weighs each pair of photos by its distance from the optimum."""

import keras
from keras import ops

from placevec.losses.pairs import PairLoss, log_sum_exp_where


@keras.saving.register_keras_serializable(package="placevec")
class CircleLoss(PairLoss):
    """Requires positives of similarity near 1, and negatives of similarity near or below 0.

        log(1 + sum over n of exp(gamma * w_n * (<a, n> - margin))
              * sum over p of exp(-gamma * w_p * (<a, p> - (1 - margin))))

        w_n = max(0, <a, n> + margin),    w_p = max(0, 1 + margin - <a, p>)

    Each query and each positive is an anchor `a`; the loss is the mean over a tuple's anchors. `n`
    runs over all photos of the batch that were taken farther than `negative_radius_m` from the
    anchor. `p` runs over the other photos among its tuple's query and positives. An anchor without
    either costs nothing. The weights say how far a pair is from its optimum; no gradient flows
    through them. The loss asks for `<a, p> > 1 - margin` and `<a, n> < margin`. Unlike with a
    hinge, a larger margin asks for less.

    Tuples need no negatives, and no photos have to be described in advance. The defaults are those
    of the paper for image retrieval.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple; at least 0.
        margin: float. Allowed distance of similarities from 1 and 0. Defaults to `0.4`.
        gamma: float. How strongly the pairs farthest from the optimum dominate; above 0. Defaults
            to `80.0`.
        negative_radius_m: float. Photos closer to the anchor than this are not negatives. Photos
            farther away are not positives. In metres.
        name: str. Defaults to `"circle_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_true`: `(batch, 1 + P + Nn, 2)`, float. Position of each photo, in metres.
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm.

    Output shape:
        `(batch,)`, float32, before the reduction; at least 0.

    Raises:
        ValueError: If a number is not a positive integer, `gamma` is not above 0, or `y_pred`
            has another shape.

    Example:
    The query has similarity 0.6 to the positive, which is just `1 - margin`: its exponential is 1.
    The negative's 0.6 has the weight `0.6 + 0.4 = 1` and is 0.2 above the margin, which costs
    `log(1 + exp(80 * 0.2)) = 16`. Seen from the positive, the negative has -0.28, with weight 0.12
    and exponent `80 * 0.12 * -0.68 = -6.5`, which costs 0.001. The mean is 8.001.

    >>> y_pred = ops.array([[[1.0, 0.0], [0.6, 0.8], [0.6, -0.8]]])
    >>> positions_m = ops.array([[[0.0, 0.0], [5.0, 0.0], [90.0, 0.0]]])
    >>> loss = CircleLoss(num_positives=1, num_negatives=1, negative_radius_m=25)
    >>> print(f"{float(loss(positions_m, y_pred)):.3f}")
    8.001

    Reference:
        [Sun et al., 2020](https://arxiv.org/abs/2002.10857).
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.4,
        gamma: float = 80.0,
        *,
        negative_radius_m: float,
        name: str = "circle_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, negative_radius_m, name=name, **kwargs)
        if not gamma > 0:
            raise ValueError(f"`gamma` must be above 0. Received: gamma={gamma}")
        self.margin = margin
        self.gamma = gamma

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        positive, is_positive = self.positive_pairs(y_true, y_pred)  # (B, 1 + P, 1 + P)
        negative, is_negative = self.negative_pairs(y_true, y_pred)  # (B, 1 + P, B * T)
        positive_weight = ops.stop_gradient(ops.relu(1 + self.margin - positive))
        negative_weight = ops.stop_gradient(ops.relu(negative + self.margin))
        shortfall = positive_weight * (1 - self.margin - positive)
        excess = negative_weight * (negative - self.margin)
        pull = log_sum_exp_where(is_positive, self.gamma * shortfall)  # (B, 1 + P)
        push = log_sum_exp_where(is_negative, self.gamma * excess)
        return ops.mean(ops.softplus(pull + push), axis=1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "margin": self.margin, "gamma": self.gamma}
