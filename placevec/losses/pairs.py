"""What losses over all pairs of photos in a batch share: which pairs there are."""

from keras import ops

from placevec.losses.tuples import TupleLoss, split_tuple

_NEVER = -1e9  # an exponent that takes no part in a sum of exponentials


class PairLoss(TupleLoss):
    """Base of losses over pairs of photos, of whichever tuple of the batch.

    An anchor is a query or a positive. It makes a negative pair with each photo of the batch that
    was taken farther than `negative_radius_m` from it, its own tuple's photos among them, and a
    positive pair with each other query or positive of its own tuple that was not. All other pairs
    are left out: of photos that are near each other but in different tuples nobody has said that
    they show the same. A batch of tuples without negatives so is one of places with `1 + P`
    photos each.

    A subclass implements `call(y_true, y_pred)`, where `y_true` tells where each photo was taken,
    `(B, 1 + P + Nn, 2)` in metres.

    Args:
        num_positives: int. `P`, the positives of a tuple; at least 1.
        num_negatives: int. `Nn`, the negatives of a tuple; at least 0.
        negative_radius_m: float. The photos of a negative pair are farther apart, in metres.
        **kwargs: `name`, `reduction` and `dtype` of `keras.losses.Loss`.

    Raises:
        ValueError: If a number is not a positive integer.
    """

    least_negatives = 0

    def __init__(self, num_positives: int, num_negatives: int, negative_radius_m: float, **kwargs):
        super().__init__(num_positives, num_negatives, **kwargs)
        self.negative_radius_m = negative_radius_m

    def positive_pairs(self, y_true, y_pred):
        """Returns anchors' similarities to their own tuple's query and positives.

        Both are (B, 1 + P, 1 + P): the similarities, and whether the two are a positive pair.
        """
        query, positives, _ = split_tuple(y_pred, self.num_positives, self.num_negatives)
        anchors = ops.concatenate([query, positives], axis=1)  # (B, 1 + P, D)
        similarity = ops.matmul(anchors, ops.transpose(anchors, (0, 2, 1)))
        places = ops.cast(y_true, "float32")[:, : 1 + self.num_positives]  # (B, 1 + P, 2)
        is_far = self._is_far(places[:, :, None], places[:, None])
        is_itself = ops.eye(1 + self.num_positives, dtype="bool")
        return similarity, ops.logical_not(ops.logical_or(is_far, is_itself))

    def negative_pairs(self, y_true, y_pred):
        """Returns anchors' similarities to all photos of the batch.

        Both are (B, 1 + P, B * T), of tuples of `T` photos: the similarities, and whether the two
        are a negative pair.
        """
        parts = split_tuple(y_pred, self.num_positives, self.num_negatives)
        photos = ops.concatenate(parts, axis=1)  # (B, T, D)
        anchors = photos[:, : 1 + self.num_positives]  # (B, 1 + P, D)
        everyone = ops.reshape(photos, (-1, photos.shape[-1]))  # (B * T, D)
        places = ops.cast(y_true, "float32")
        anchor_places = places[:, : 1 + self.num_positives, None]  # (B, 1 + P, 1, 2)
        is_far = self._is_far(anchor_places, ops.reshape(places, (1, 1, -1, 2)))
        return ops.matmul(anchors, ops.transpose(everyone)), is_far

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "negative_radius_m": self.negative_radius_m}

    def _is_far(self, places, other_places):
        apart = ops.sum(ops.square(places - other_places), axis=-1)
        return apart > self.negative_radius_m**2


def log_sum_exp_where(is_pair, exponents):
    """Returns the log of the sum of exponentials over an anchor's pairs, (B, 1 + P).

    Where an anchor has no pair it is -1e9, which means minus infinity.
    """
    return ops.logsumexp(ops.where(is_pair, exponents, _NEVER), axis=-1)
