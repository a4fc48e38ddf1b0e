"""Base of losses over all pairs of photos in a batch: it says which pairs there are."""

from keras import ops

from placevec.losses.tuples import TupleLoss, split_tuple

_NEVER = -1e9  # an exponent that adds nothing to a sum of exponentials


class PairLoss(TupleLoss):
    """Base of losses over pairs of photos from any tuples of the batch.

    Each query and each positive is an anchor. It forms a negative pair with each photo of the batch
    that was taken farther than `negative_radius_m` from it, including photos of its own tuple. It
    forms a positive pair with each other query or positive of its own tuple that is closer. All
    other pairs are left out, because nobody has said that close photos of different tuples show the
    same. A batch of tuples without negatives is therefore a batch of places with `1 + P` photos
    each.

    A subclass implements `call(y_true, y_pred)`. `y_true` gives the position of each photo,
    `(B, 1 + P + Nn, 2)` in metres.

    Args:
        num_positives: int. `P`, number of positives of a tuple; at least 1.
        num_negatives: int. `Nn`, number of negatives of a tuple; at least 0.
        negative_radius_m: float. Photos farther apart than this form negative pairs. In metres.
        **kwargs: `name`, `reduction` and `dtype` of `keras.losses.Loss`.

    Raises:
        ValueError: If a number is not a positive integer.
    """

    least_negatives = 0

    def __init__(self, num_positives: int, num_negatives: int, negative_radius_m: float, **kwargs):
        super().__init__(num_positives, num_negatives, **kwargs)
        self.negative_radius_m = negative_radius_m

    def positive_pairs(self, y_true, y_pred):
        """Returns the similarities of anchors to their own tuple's query and positives.

        Both results are (B, 1 + P, 1 + P): the similarities, and which pairs are positive.
        """
        query, positives, _ = split_tuple(y_pred, self.num_positives, self.num_negatives)
        anchors = ops.concatenate([query, positives], axis=1)  # (B, 1 + P, D)
        similarity = ops.matmul(anchors, ops.transpose(anchors, (0, 2, 1)))
        places = ops.cast(y_true, "float32")[:, : 1 + self.num_positives]  # (B, 1 + P, 2)
        is_far = self._is_far(places[:, :, None], places[:, None])
        is_itself = ops.eye(1 + self.num_positives, dtype="bool")
        return similarity, ops.logical_not(ops.logical_or(is_far, is_itself))

    def negative_pairs(self, y_true, y_pred):
        """Returns the similarities of anchors to all photos of the batch.

        Both results are (B, 1 + P, B * T), for tuples of `T` photos: the similarities, and which
        pairs are negative.
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
    """Returns the log of the sum of exponentials over the pairs of each anchor, (B, 1 + P).

    For an anchor without pairs it is -1e9, which stands for minus infinity.
    """
    return ops.logsumexp(ops.where(is_pair, exponents, _NEVER), axis=-1)
