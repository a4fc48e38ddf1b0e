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
    """nP, the number of photos of the query's place in a tuple."""
    num_negatives: Annotated[int, AtLeast(0)] = 0
    """nN, the number of photos of other places in a tuple. info_nce, multi_similarity, circle and
    batch_allpair_hinge need none: they use other tuples' photos."""
    positive_radius_m: Annotated[float, AtLeast(0)] = 10.0
    """Maximum distance of a positive from the query, in metres."""
    min_positive_distance_m: Annotated[float, AtLeast(0)] = 0.0
    """Minimum distance of a positive from the query, in metres. NetVLAD's paper uses 1. 0: no
    minimum."""
    negative_radius_m: float = 25.0
    """Minimum distance of a negative from the query, in metres."""
    max_heading_difference_deg: Annotated[float | None, AtLeast(0)] = None
    """Maximum difference of heading between a query and its positives, in degrees. None: no
    limit."""
    positive_rule: PositiveRule = "distance"
    """When a photo within positive_radius_m is a positive: distance needs nothing else;
    view_overlap needs overlapping fields of view on the ground, from the headings (without headings
    it equals distance); shared_points needs points that both photos see. With the last two, photos
    that share anything with the query are never negatives."""
    min_overlap: Annotated[float, Between(0, 1)] = 0.5
    """Minimum view overlap or share of points (0-1) for a photo to count as a positive."""
    view_depth_m: Annotated[float, Above(0)] = 50.0
    """How far a photo sees, in metres: the radius of its field of view for view_overlap. Photos of
    two tuples of a batch are not negatives of each other within twice this distance."""
    min_time_difference_s: Annotated[float | None, AtLeast(0)] = None
    """Minimum time between a query and its positives and right answers, in seconds. None: any other
    time."""

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
        """Photos of two tuples of a batch are not negatives of each other within this distance."""
        if self.positive_rule == "distance":
            return self.negative_radius_m
        return max(self.negative_radius_m, 2 * self.view_depth_m)

    @property
    def pair_radius_flag(self) -> str:
        """The flag that decides `pair_radius_m`."""
        is_view = self.pair_radius_m > self.negative_radius_m
        return "--view-depth-m" if is_view else "--negative-radius-m"
