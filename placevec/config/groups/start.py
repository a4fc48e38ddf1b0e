"""What NetVLAD's clusters start from."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import Assignment
from placevec.config.limits import Above
from placevec.config.refusals import need_used, settle


@dataclass(frozen=True)
class StartConfig:
    """Start: how NetVLAD's clusters are initialized."""

    clusters: str = "photos"
    """Initial clusters of NetVLAD: photos (k-means of the training photos' local features), random,
    or a .mat file of centers as NetVLAD's authors publish them (`clsts`, D x K)."""
    assignment: Assignment = "v1"
    """Initial soft assignment of the clusters: v1 by the angle to a center, as in the paper's
    published networks, v2 by the distance to it, as in the paper's formula."""
    assignment_ratio: Annotated[float, Above(1)] = 100.0
    """How many times larger the largest assignment of a local feature is than the second largest at
    the start, on average: 100 in the paper. Smaller values assign more softly. 5 and 10 work better
    in other light."""

    def __post_init__(self) -> None:
        settle(self)
        for name in ("assignment", "assignment_ratio"):
            need_used(self, name, self.clusters != "random", f"clusters={self.clusters}")
