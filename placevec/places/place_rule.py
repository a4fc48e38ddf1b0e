"""Decides which database photos show a query's place and which another place, and says why."""

import logging

import numpy as np
from numpy.typing import NDArray

from placevec.config.choices import POSITIVE_RULES, PositiveRule, choose
from placevec.places.dataset import PlaceDataset
from placevec.places.neighbors import DatabaseNeighbors
from placevec.places.shared_points import SharedPoints
from placevec.places.turn import turn_deg
from placevec.places.view_overlap import ViewOverlap

_log = logging.getLogger(__name__)


class PlaceRule:
    """Decides which photos are positives, negatives or neither, by the settings of `TupleSampler`.

    Every rule only finds positives within `positive_radius_m`. `view_overlap` and `shared_points`
    also require that the two photos share at least `min_overlap`, and more than 0, of what they
    show: see `ViewOverlap` and `SharedPoints`. With these rules, photos that share anything with
    the query are never negatives, at any distance. With `view_overlap`, photos within 2
    `view_depth_m` whose direction is unknown are not negatives either. If a data set has no
    headings, distance replaces `view_overlap`, and placevec logs that.

    Args:
        dataset: PlaceDataset.
        positive_radius_m: float. See `TupleSampler`, also for the other arguments.
        negative_radius_m: float.
        max_heading_difference_deg: float or None.
        min_time_difference_s: float or None.
        min_positive_distance_m: float.
        positive_rule: str. `"distance"`, `"view_overlap"` or `"shared_points"`.
        min_overlap: float.
        view_depth_m: float.

    Raises:
        ValueError: If a number is out of range, or a limit or rule needs values that the data set
            does not have.
    """

    def __init__(
        self,
        dataset: PlaceDataset,
        *,
        positive_radius_m: float,
        negative_radius_m: float,
        max_heading_difference_deg: float | None,
        min_time_difference_s: float | None,
        min_positive_distance_m: float,
        positive_rule: PositiveRule,
        min_overlap: float,
        view_depth_m: float,
    ):
        self.dataset = dataset
        self.positive_radius_m = positive_radius_m
        self.negative_radius_m = negative_radius_m
        self.max_heading_difference_deg = max_heading_difference_deg
        self.min_time_difference_s = min_time_difference_s
        self.min_positive_distance_m = min_positive_distance_m
        self.positive_rule = positive_rule
        self.min_overlap = min_overlap
        self.view_depth_m = view_depth_m
        self._refuse_bad_numbers()
        self._refuse_unknown_limits()
        self._neighbors = DatabaseNeighbors(dataset)
        self._unknown = self._neighbors.of_unknown_place
        self._overlap = self._choose_overlap()

    @property
    def database(self) -> NDArray[np.int64]:
        """Rows of the database photos, (M,) int64."""
        return self._neighbors.database

    def positives(
        self, queries: NDArray[np.integer]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Finds all pairs of a query and a potential positive.

        Args:
            queries: (n,) int. Rows of the data set.

        Returns:
            Two arrays of int64 with an entry for each pair: the index in `queries`, ascending; and
            the positive's row in the data set, ascending for each query.
        """
        owners, found = self._neighbors.within(queries, self.positive_radius_m)
        photos = self.database[found]
        kept = np.flatnonzero(self._are_allowed(queries[owners], photos))
        if self._overlap is not None:
            share = self._overlap.share(queries[owners[kept]], photos[kept])
            kept = kept[(share >= self.min_overlap) & (share > 0)]  # false if unknown
        return owners[kept], photos[kept]

    def no_negatives(self, query: int) -> NDArray[np.int64]:
        """Returns the database photos that are not negatives: too close, similar or unknown.

        Args:
            query: int. Row of a photo in the data set.

        Returns:
            (n,) int64, ascending. Indices in `database`.
        """
        _, near = self._neighbors.within(np.array([query]), self.negative_radius_m)
        if self._overlap is not None:
            near = np.union1d(near, self._overlap.touching(np.array([query]))[1])
        return np.union1d(near, self._unknown) if len(self._unknown) else near

    def find_short(
        self, queries: NDArray[np.integer], num_negatives: int
    ) -> tuple[int, int] | None:
        """Finds a query with too few negatives.

        Args:
            queries: (n,) int. Rows of the data set.
            num_negatives: int. Number of negatives that each query needs.

        Returns:
            The first such query and its number of negatives, or None.
        """
        if num_negatives == 0:
            return None
        barred = self._neighbors.count_within(queries, self.negative_radius_m)
        barred += len(self._unknown)
        if self._overlap is not None:
            barred += self._overlap.most_touching(queries)
        for place in np.flatnonzero(len(self.database) - barred < num_negatives):
            available = len(self.database) - len(self.no_negatives(queries[place]))
            if available < num_negatives:
                return int(queries[place]), available
        return None

    def why(self, query: int, photo: int) -> str:
        """Returns as text whether a photo is a positive or negative of a query, and why.

        Args:
            query: int. Row of a photo in the data set.
            photo: int. Row of another photo.

        Returns:
            str, such as `"positive: 4.2 m apart, headings 12 deg apart, 61 % of the points
            shared"`. The first word is `positive`, `negative` or `neither`.
        """
        return f"{self._kind(query, photo)}: {', '.join(self._numbers(query, photo))}"

    def _kind(self, query: int, photo: int) -> str:
        if photo in self.positives(np.array([query]))[1]:
            return "positive"
        is_negative = self.dataset.is_database[photo] and query != photo
        is_negative &= photo not in self.database[self.no_negatives(query)]
        return "negative" if is_negative else "neither"

    def _numbers(self, query: int, photo: int) -> list[str]:
        dataset, pair = self.dataset, (np.array([query]), np.array([photo]))
        words = []
        if dataset.positions_m is not None:
            apart = np.hypot(*(dataset.positions_m[photo] - dataset.positions_m[query]))
            words.append(f"{apart:.1f} {dataset.unit} apart")
        else:
            places = dataset.known("place_ids")[[query, photo]]
            is_known, is_same = (places != -1).all(), places[0] == places[1]
            same = "same place" if is_same else "different places"
            words.append(same if is_known else "place unknown")
        if dataset.headings_deg is not None:
            angle_deg = self._angle_deg(*pair)[0]
            known = f"headings {angle_deg:.0f} deg apart"
            words.append("heading unknown" if np.isnan(angle_deg) else known)
        if self._overlap is not None:
            share = self._overlap.share(*pair)[0]
            if not np.isnan(share):
                words.append(f"{100 * share:.0f} % {self._overlap.words}")
        if dataset.times_s is not None:
            apart_s = abs(dataset.times_s[photo] - dataset.times_s[query])
            words += [] if np.isnan(apart_s) else [f"{_duration(apart_s)} between them"]
        return words

    def _are_allowed(
        self, queries: NDArray[np.integer], photos: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Returns which pairs within the radius obey the limits of distance, heading and time."""
        dataset = self.dataset
        kept = photos != queries
        if self.min_positive_distance_m > 0:
            positions_m = dataset.known("positions_m")
            apart_m = positions_m[photos] - positions_m[queries]
            kept &= np.square(apart_m).sum(axis=1) > self.min_positive_distance_m**2
        if self.max_heading_difference_deg is not None:
            angle_deg = self._angle_deg(queries, photos)
            kept &= angle_deg <= self.max_heading_difference_deg  # false if unknown
        if dataset.times_s is not None and self.min_time_difference_s != 0:
            apart_s = np.abs(dataset.times_s[photos] - dataset.times_s[queries])
            if self.min_time_difference_s is None:
                kept &= apart_s != 0  # true if unknown
            else:
                kept &= apart_s >= self.min_time_difference_s
        return kept

    def _angle_deg(
        self, photos: NDArray[np.integer], others: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        headings_deg = self.dataset.known("headings_deg")
        return turn_deg(headings_deg[others], headings_deg[photos])

    def _choose_overlap(self) -> ViewOverlap | SharedPoints | None:
        dataset = self.dataset
        if self.positive_rule == "shared_points":
            return SharedPoints(dataset, self._neighbors)
        if self.positive_rule == "distance":
            return None
        if dataset.headings_deg is None or np.isnan(dataset.headings_deg).all():
            _log.warning(
                "%s has no headings: distance decides what is positive, not view_overlap",
                dataset.root,
            )
            return None
        return ViewOverlap(dataset, self._neighbors, self.view_depth_m)

    def _refuse_bad_numbers(self) -> None:
        for name in ("positive_radius_m", "min_positive_distance_m", "min_time_difference_s"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise ValueError(f"`{name}` must not be negative. Received: {name}={value}")
        if not self.positive_radius_m <= self.negative_radius_m:
            raise ValueError(
                "`negative_radius_m` must not be below `positive_radius_m`. Received: "
                f"positive_radius_m={self.positive_radius_m}, "
                f"negative_radius_m={self.negative_radius_m}"
            )
        angle = self.max_heading_difference_deg
        if angle is not None and not 0 < angle <= 180:
            raise ValueError(
                "`max_heading_difference_deg` must be in (0, 180]. Received: "
                f"max_heading_difference_deg={angle}"
            )
        if not 0 <= self.min_overlap <= 1:
            raise ValueError(
                f"`min_overlap` must be in [0, 1]. Received: min_overlap={self.min_overlap}"
            )
        if not 0 < self.view_depth_m < np.inf:
            raise ValueError(
                f"`view_depth_m` must be above 0. Received: view_depth_m={self.view_depth_m}"
            )

    def _refuse_unknown_limits(self) -> None:
        dataset = self.dataset
        choose(POSITIVE_RULES, self.positive_rule, "positive_rule")
        sees = self.positive_rule == "shared_points"
        looks = self.positive_rule == "view_overlap"
        needs = (
            ("max_heading_difference_deg", self.max_heading_difference_deg, "headings_deg"),
            ("min_time_difference_s", self.min_time_difference_s, "times_s"),
            ("min_positive_distance_m", self.min_positive_distance_m, "positions_m"),
            ("positive_rule", self.positive_rule if sees else None, "points_seen"),
            ("positive_rule", self.positive_rule if looks else None, "positions_m"),
        )
        for name, value, field in needs:
            if value and getattr(dataset, field) is None:
                what = _WORDS[field]
                raise ValueError(
                    f"`{name}` needs {what}, and the photos in {dataset.root} have none. "
                    f"Leave it out. Received: {name}={value}"
                )


_WORDS = {
    "headings_deg": "headings",
    "times_s": "times",
    "positions_m": "positions",
    "points_seen": "points that the photos see (points.npz)",
}


def _duration(seconds: float) -> str:
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
