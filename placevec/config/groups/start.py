"""What NetVLAD's clusters start from."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import Assignment
from placevec.config.limits import Above
from placevec.config.refusals import need_used, settle


@dataclass(frozen=True)
class StartConfig:
    """Start: what NetVLAD's clusters start from."""

    clusters: str = "photos"
    """What NetVLAD's clusters start from: photos (k-means of the training photos' local features),
    random, or a .mat file of centers as NetVLAD's authors publish them (`clsts`, D x K)."""
    assignment: Assignment = "v1"
    """How the clusters' soft assignment starts: v1 by the angle to a center, as in the paper's
    published networks, v2 by the distance to it, as in its formula."""
    assignment_ratio: Annotated[float, Above(1)] = 100.0
    """How many times larger than the second a local feature's largest assignment is at the start,
    on average: 100 in the paper; the smaller, the softer. 5 and 10 hold better in other light."""

    def __post_init__(self) -> None:
        settle(self)
        for name in ("assignment", "assignment_ratio"):
            need_used(self, name, self.clusters != "random", f"clusters={self.clusters}")
