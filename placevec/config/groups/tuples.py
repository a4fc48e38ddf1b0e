"""Which photos form a tuple."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import POSITIVE_RULES, PositiveRule
from placevec.config.limits import Above, AtLeast, Between
from placevec.config.refusals import need_applicable, settle


@dataclass(frozen=True)
class TupleConfig:
    """Tuples: a query, photos of its place, and photos of other places."""

    num_positives: Annotated[int, AtLeast(1)] = 1
    """nP, photos of the query's place in a tuple."""
    num_negatives: Annotated[int, AtLeast(0)] = 0
    """nN, photos of other places in a tuple. info_nce, multi_similarity, circle and
    batch_allpair_hinge need none: they take other tuples' photos."""
    positive_radius_m: Annotated[float, AtLeast(0)] = 10.0
    """Largest distance of a positive from the query, in metres."""
    min_positive_distance_m: Annotated[float, AtLeast(0)] = 0.0
    """Positives lie farther from the query than this, in metres, if it is above 0. NetVLAD's paper
    takes 1."""
    negative_radius_m: float = 25.0
    """Negatives are farther away than this, in metres."""
    max_heading_difference_deg: Annotated[float | None, AtLeast(0)] = None
    """Largest difference of heading between a query and its positives, in degrees. None: any."""
    positive_rule: PositiveRule = "distance"
    """What makes a photo within positive_radius_m a positive: distance nothing else; view_overlap
    the share of the two fields of view on the ground, from the headings (without any: distance);
    shared_points that of the points which both see. Photos that share anything with the query
    are no negatives then."""
    min_overlap: Annotated[float, Between(0, 1)] = 0.5
    """Least such share of a positive, in [0, 1]."""
    view_depth_m: Annotated[float, Above(0)] = 50.0
    """How far a photo sees, in metres: the radius of its field of view for view_overlap. Photos of
    two tuples of a batch are no negatives within twice this distance."""
    min_time_difference_s: Annotated[float | None, AtLeast(0)] = None
    """Least time between a query and its positives, and its right answers, in seconds. None: any
    other time."""

    def __post_init__(self) -> None:
        settle(self)
        need_applicable(self, POSITIVE_RULES, self.positive_rule, prefix="positive_rule=")
        if not self.negative_radius_m >= self.positive_radius_m:
            raise ValueError(
                "`negative_radius_m` must not be smaller than `positive_radius_m`. Received: "
                f"negative_radius_m={self.negative_radius_m}, "
                f"positive_radius_m={self.positive_radius_m}"
            )

    @property
    def tuple_size(self) -> int:
        """Photos in a tuple, `1 + P + Nn`."""
        return 1 + self.num_positives + self.num_negatives

    @property
    def pair_radius_m(self) -> float:
        """Photos of two tuples of a batch are no negatives of each other within this distance."""
        if self.positive_rule == "distance":
            return self.negative_radius_m
        return max(self.negative_radius_m, 2 * self.view_depth_m)

    @property
    def pair_radius_flag(self) -> str:
        """The flag that decides `pair_radius_m`."""
        is_view = self.pair_radius_m > self.negative_radius_m
        return "--view-depth-m" if is_view else "--negative-radius-m"
