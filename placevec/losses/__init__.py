"""Losses and metrics of tuples (query, positives, negatives) for training."""

from placevec.losses.all_pair_good_fit import AllPairGoodFit as AllPairGoodFit
from placevec.losses.all_pair_hinge import AllPairHingeLoss as AllPairHingeLoss
from placevec.losses.all_pair_hinge_deviation import (
    AllPairHingeDeviationLoss as AllPairHingeDeviationLoss,
)
from placevec.losses.batch_all_pair_hinge import BatchAllPairHingeLoss as BatchAllPairHingeLoss
from placevec.losses.circle import CircleLoss as CircleLoss
from placevec.losses.distillation import DistillationLoss as DistillationLoss
from placevec.losses.info_nce import InfoNCELoss as InfoNCELoss
from placevec.losses.multi_similarity import MultiSimilarityLoss as MultiSimilarityLoss
from placevec.losses.positive_deviation import PositiveDeviationLoss as PositiveDeviationLoss
from placevec.losses.registry import get_loss as get_loss
from placevec.losses.sare_independent import SAREIndependentLoss as SAREIndependentLoss
from placevec.losses.sare_joint import SAREJointLoss as SAREJointLoss
from placevec.losses.triplet_max_positive import TripletMaxPositiveLoss as TripletMaxPositiveLoss
from placevec.losses.triplet_ranking import TripletRankingLoss as TripletRankingLoss
from placevec.losses.violating_triplets import ViolatingTriplets as ViolatingTriplets
