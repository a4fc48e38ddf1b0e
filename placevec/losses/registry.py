"""Finds losses by the names that settings use."""

from placevec.config.choices import LOSSES, choose
from placevec.losses.tuples import TupleLoss


def get_loss(name: str, num_positives: int, num_negatives: int, **arguments) -> TupleLoss:
    """Makes the loss with a name.

    Args:
        name: str. A key of `LOSSES` in `placevec.config.choices`.
        num_positives: int. `P`, number of positives of a tuple.
        num_negatives: int. `Nn`, number of negatives of a tuple.
        **arguments: Further arguments of the loss, such as `margin`.

    Returns:
        The loss, for `model.compile`.

    Raises:
        ValueError: If there is no loss with that name.

    Example:
    >>> get_loss("triplet_ranking", num_positives=2, num_negatives=5).margin
    0.1
    """
    return choose(LOSSES, name, "loss").find()(num_positives, num_negatives, **arguments)
