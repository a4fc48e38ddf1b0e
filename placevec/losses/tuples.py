"""Base of losses and metrics of tuples: the order of a tuple, similarities and distances."""

import keras
from keras import ops

from placevec.counted import counted


class TupleLoss(keras.losses.Loss):
    """Base of losses of tuples (query, positives, negatives).

    A subclass implements `call(y_true, y_pred)`, which returns one loss per tuple in float32.

    Args:
        num_positives: int. `P`, number of positives of a tuple; at least 1.
        num_negatives: int. `Nn`, number of negatives of a tuple; at least 1.
        **kwargs: `name`, `reduction` and `dtype` of `keras.losses.Loss`.

    Raises:
        ValueError: If a number is not a positive integer.
    """

    least_negatives = 1

    def __init__(self, num_positives: int, num_negatives: int, **kwargs):
        super().__init__(**kwargs)
        _check_counts(num_positives, num_negatives, self.least_negatives)
        self.num_positives = num_positives
        self.num_negatives = num_negatives

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "num_positives": self.num_positives,
            "num_negatives": self.num_negatives,
        }


class TupleMetric(keras.metrics.Mean):
    """Base of metrics of tuples (query, positives, negatives), averaged over tuples.

    A subclass implements `measure(y_pred)`, which returns one number per tuple in float32.

    Args:
        num_positives: int. `P`, number of positives of a tuple; at least 1.
        num_negatives: int. `Nn`, number of negatives of a tuple; at least 1.
        **kwargs: `name` and `dtype` of `keras.metrics.Metric`.

    Raises:
        ValueError: If a number is not a positive integer.
    """

    def __init__(self, num_positives: int, num_negatives: int, **kwargs):
        super().__init__(**kwargs)
        _check_counts(num_positives, num_negatives)
        self.num_positives = num_positives
        self.num_negatives = num_negatives

    def measure(self, y_pred):
        """Returns one number per tuple, (B,) float32, for descriptors (B, 1 + P + Nn, D)."""
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds the tuples of a batch to the mean; `y_true` is ignored."""
        return super().update_state(self.measure(y_pred), sample_weight)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "num_positives": self.num_positives,
            "num_negatives": self.num_negatives,
        }


def split_tuple(y_pred, num_positives: int, num_negatives: int):
    """Splits the descriptors of tuples into query, positives and negatives.

    Args:
        y_pred: `(B, 1 + P + Nn, D)`, float. Descriptors: the query, then the positives, then the
            negatives.
        num_positives: int. `P`.
        num_negatives: int. `Nn`.

    Returns:
        Descriptors of query `(B, 1, D)`, positives `(B, P, D)` and negatives `(B, Nn, D)`, in
        float32 or better.

    Raises:
        ValueError: If `y_pred` does not have three axes, or has another number of descriptors.
    """
    shape = tuple(y_pred.shape)
    count = 1 + num_positives + num_negatives
    if len(shape) != 3 or shape[1] not in (None, count):
        raise ValueError(
            f"Tuple descriptors must have shape (batch, {count}, D): one query, "
            f"{counted(num_positives, 'positive')} and {counted(num_negatives, 'negative')}. "
            f"Received: shape {shape}"
        )
    dtype = keras.backend.standardize_dtype(y_pred.dtype)
    y_pred = ops.cast(y_pred, keras.backend.result_type(dtype, "float32"))
    first_negative = 1 + num_positives
    return y_pred[:, :1], y_pred[:, 1:first_negative], y_pred[:, first_negative:]


def tuple_similarities(y_pred, num_positives: int, num_negatives: int):
    """Returns `<q, p>` `(B, P)` and `<q, n>` `(B, Nn)`. See `split_tuple` for the arguments."""
    query, positives, negatives = split_tuple(y_pred, num_positives, num_negatives)
    return ops.sum(query * positives, axis=-1), ops.sum(query * negatives, axis=-1)


def squared_distances(y_pred, num_positives: int, num_negatives: int):
    """Returns `d^2(q, p)` `(B, P)` and `d^2(q, n)` `(B, Nn)`. See `split_tuple` for arguments."""
    query, positives, negatives = split_tuple(y_pred, num_positives, num_negatives)
    positive = ops.sum(ops.square(query - positives), axis=-1)
    return positive, ops.sum(ops.square(query - negatives), axis=-1)


def _check_counts(num_positives: int, num_negatives: int, least_negatives: int = 1) -> None:
    counts = (
        ("num_positives", num_positives, 1),
        ("num_negatives", num_negatives, least_negatives),
    )
    for name, count, least in counts:
        if not isinstance(count, int) or count < least:
            kind = "a positive integer" if least else "an integer of at least 0"
            raise ValueError(f"`{name}` must be {kind}. Received: {name}={count}")
