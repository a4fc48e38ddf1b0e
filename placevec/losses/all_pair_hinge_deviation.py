"""The all-pair hinge loss with the deviation of the positives added."""

import keras

from placevec.losses.all_pair_hinge import AllPairHingeLoss
from placevec.losses.positive_deviation import PositiveDeviationLoss


@keras.saving.register_keras_serializable(package="placevec")
class AllPairHingeDeviationLoss(AllPairHingeLoss):
    """Requires in addition to the all-pair hinge loss equal similarities of all positives.

        sum over p, n of max(0, <q, n> - <q, p> + margin)
            + deviation_weight * standard deviation over p of <q, p>

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        margin: float. Amount by which a positive's similarity must exceed a negative's.
            Defaults to `0.3`.
        deviation_weight: float. Weight of the deviation. Defaults to `1.0`.
        name: str. Defaults to `"all_pair_hinge_deviation_loss"`.
        **kwargs: `reduction` and `dtype` of `keras.losses.Loss`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm. `y_true` is ignored.

    Output shape:
        `(batch,)`, float32, before the reduction.

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The hinge costs 0.6 (see `AllPairHingeLoss`) and the deviation 0.2.

    >>> y_pred = keras.ops.array([[[1.0, 0.0], [1.0, 0.0], [0.6, 0.8], [0.8, 0.6]]])
    >>> loss = AllPairHingeDeviationLoss(num_positives=2, num_negatives=1)
    >>> print(f"{float(loss(keras.ops.zeros(1), y_pred)):.3f}")
    0.800

    Reference:
        [Kuse and Shen, 2019](https://arxiv.org/abs/1904.06962).
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.3,
        deviation_weight: float = 1.0,
        name: str = "all_pair_hinge_deviation_loss",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, margin, name=name, **kwargs)
        self.deviation_weight = deviation_weight
        self._deviation = PositiveDeviationLoss(num_positives, num_negatives)

    def call(self, y_true, y_pred):
        """Returns one loss per tuple, (B,)."""
        hinge = super().call(y_true, y_pred)
        return hinge + self.deviation_weight * self._deviation.call(y_true, y_pred)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "deviation_weight": self.deviation_weight}
