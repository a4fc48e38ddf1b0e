"""Counts the pairs of a tuple that satisfy the all-pair hinge loss."""

import keras
from keras import ops

from placevec.losses.tuples import TupleMetric, tuple_similarities


@keras.saving.register_keras_serializable(package="placevec")
class AllPairGoodFit(TupleMetric):
    """Counts the pairs (positive, negative) of a tuple that keep the margin. Averages over tuples.

        number of (p, n) with <q, n> - <q, p> + margin <= 0

    A pair that keeps the margin exactly counts, up to rounding in float32. These are the pairs
    for which `AllPairHingeLoss` with the same margin is zero. Larger is better, up to `P * Nn`.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        margin: float. Amount by which a positive's similarity must exceed a negative's.
            Defaults to `0.3`.
        name: str. Defaults to `"all_pair_good_fit"`.
        **kwargs: `dtype` of `keras.metrics.Metric`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm. `y_true` is ignored.

    Output shape:
        A scalar in [0, P * Nn].

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The negative has similarity 0.6. The positive of 1.0 keeps the margin of 0.3, that of 0.8 does
    not.

    >>> y_pred = ops.array([[[1.0, 0.0], [1.0, 0.0], [0.8, 0.6], [0.6, 0.8]]])
    >>> metric = AllPairGoodFit(num_positives=2, num_negatives=1)
    >>> metric.update_state(None, y_pred)
    >>> float(metric.result())
    1.0
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.3,
        name: str = "all_pair_good_fit",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)
        self.margin = margin

    def measure(self, y_pred):
        """Returns the count for each tuple, (B,) float32."""
        positive, negative = tuple_similarities(y_pred, self.num_positives, self.num_negatives)
        excess = negative[:, None, :] - positive[:, :, None] + self.margin  # (B, P, Nn)
        return ops.sum(ops.cast(excess <= 0, "float32"), axis=(1, 2))

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "margin": self.margin}
