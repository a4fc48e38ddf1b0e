"""What a training minimizes."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import LOSSES, LossName
from placevec.config.limits import Above, AtLeast
from placevec.config.refusals import need_applicable, settle


@dataclass(frozen=True)
class LossConfig:
    """Loss: what the training minimizes."""

    loss: LossName = "info_nce"
    """Loss over the descriptors of a tuple, or of a batch of tuples."""
    margin: Annotated[float | None, AtLeast(0)] = None
    """How much closer a positive must be than a negative (epsilon of the hinge); for circle, how
    far similarities may be from 1 and 0. None: the usual one of the loss, 0.1 for
    triplet_ranking and multi_similarity, 0.4 for circle and 0.3 for the others; info_nce,
    sare_joint and sare_independent have none."""
    temperature: Annotated[float | None, Above(0)] = None
    """How softly info_nce weighs negatives: the smaller, the more the most similar ones count.
    None: the usual value, 0.05. The other losses have none."""
    distillation: Annotated[float, AtLeast(0)] = 0.0
    """Weight, such as 10, of an additional loss: the squared distance between a photo's descriptor
    and the one that the network computed for the unchanged photo before the first step
    (self-distillation). It teaches the network that `augmentation` does not change the place, and
    preserves what it knew of places that the training does not show. It keeps a descriptor of each
    photo in memory, and with flip_tuples also of each mirrored photo, 4 bytes per dimension. 0:
    none."""

    def __post_init__(self) -> None:
        settle(self)
        need_applicable(self, LOSSES, self.loss)

    @property
    def squared_margin(self) -> float | None:
        """`margin` if it is given and, as in mining, a difference of squared distances."""
        return self.margin if self.loss == "triplet_ranking" else None
