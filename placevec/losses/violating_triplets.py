"""Measures the share of triplets that a network gets wrong."""

import keras
from keras import ops

from placevec.losses.tuples import TupleMetric, tuple_similarities


@keras.saving.register_keras_serializable(package="placevec")
class ViolatingTriplets(TupleMetric):
    """Share of triplets (query, positive, negative) that violate the margin, averaged over tuples.

        share of (p, n) with <q, n> + margin >= <q, p>

    With margin 0, a triplet violates it if the negative is at least as similar to the query as the
    positive. Equal similarities count as a violation, so a network that maps everything to one
    point scores 1, not 0. Smaller is better; chance gives about 0.5.

    Args:
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        margin: float. Amount by which a positive's similarity must exceed a negative's.
            Defaults to `0.0`.
        name: str. Defaults to `"violating_triplets"`.
        **kwargs: `dtype` of `keras.metrics.Metric`.

    Input shape:
        `y_pred`: `(batch, 1 + P + Nn, D)`, float. Descriptors of query, positives, negatives, of
        unit L2 norm. `y_true` is ignored.

    Output shape:
        A scalar in [0, 1].

    Raises:
        ValueError: If a number is not a positive integer, or `y_pred` has another shape.

    Example:
    The negative has similarity 0.8. The positive of 1.0 is above it, that of 0.6 is not.

    >>> y_pred = ops.array([[[1.0, 0.0], [1.0, 0.0], [0.6, 0.8], [0.8, 0.6]]])
    >>> metric = ViolatingTriplets(num_positives=2, num_negatives=1)
    >>> metric.update_state(None, y_pred)
    >>> float(metric.result())
    0.5
    """

    def __init__(
        self,
        num_positives: int,
        num_negatives: int,
        margin: float = 0.0,
        name: str = "violating_triplets",
        **kwargs,
    ):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)
        self.margin = margin

    def measure(self, y_pred):
        """Returns the share for each tuple, (B,) float32."""
        positive, negative = tuple_similarities(y_pred, self.num_positives, self.num_negatives)
        violates = negative[:, None, :] + self.margin >= positive[:, :, None]  # (B, P, Nn)
        return ops.mean(ops.cast(violates, "float32"), axis=(1, 2))

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "margin": self.margin}
