"""The losses by the names that settings know them by."""

import difflib

from placevec.losses.all_pair_hinge import AllPairHingeLoss
from placevec.losses.all_pair_hinge_deviation import AllPairHingeDeviationLoss
from placevec.losses.batch_all_pair_hinge import BatchAllPairHingeLoss
from placevec.losses.circle import CircleLoss
from placevec.losses.info_nce import InfoNCELoss
from placevec.losses.multi_similarity import MultiSimilarityLoss
from placevec.losses.sare_independent import SAREIndependentLoss
from placevec.losses.sare_joint import SAREJointLoss
from placevec.losses.triplet_max_positive import TripletMaxPositiveLoss
from placevec.losses.triplet_ranking import TripletRankingLoss
from placevec.losses.tuples import TupleLoss

LOSSES: dict[str, type[TupleLoss]] = {
    "allpair_hinge": AllPairHingeLoss,
    "allpair_hinge_deviation": AllPairHingeDeviationLoss,
    "batch_allpair_hinge": BatchAllPairHingeLoss,
    "circle": CircleLoss,
    "info_nce": InfoNCELoss,
    "multi_similarity": MultiSimilarityLoss,
    "sare_independent": SAREIndependentLoss,
    "sare_joint": SAREJointLoss,
    "triplet_max_positive": TripletMaxPositiveLoss,
    "triplet_ranking": TripletRankingLoss,
}


def get_loss(name: str, num_positives: int, num_negatives: int, **arguments) -> TupleLoss:
    """Makes the loss of a name.

    Args:
        name: str. A key of `LOSSES`.
        num_positives: int. `P`, the positives of a tuple.
        num_negatives: int. `Nn`, the negatives of a tuple.
        **arguments: Further arguments of that loss, such as `margin`.

    Returns:
        The loss, for `model.compile`.

    Raises:
        ValueError: If there is no loss of that name.

    Example:
    >>> get_loss("triplet_ranking", num_positives=2, num_negatives=5).margin
    0.1
    """
    if name not in LOSSES:
        near = difflib.get_close_matches(name, LOSSES, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"There is no such loss. Received: name={name!r}. {hint}Known: {', '.join(LOSSES)}"
        )
    return LOSSES[name](num_positives, num_negatives, **arguments)
