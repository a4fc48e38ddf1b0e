"""Tuples to train on: a query, photos of its place and photos of other places."""

import numpy as np
from numpy.typing import NDArray

from placevec.config.choices import PositiveRule
from placevec.counted import counted
from placevec.places.dataset import PlaceDataset
from placevec.places.place_rule import PlaceRule

_QUERIES_AT_A_TIME = 4096


class TupleSampler:
    """Draws positives and negatives of a query by their positions, times and directions.

    A positive is another database photo within `positive_radius_m` of the query. If times are
    known, it has another time. `positive_rule` may also require that the two show the same things.
    A negative is a database photo farther away than `negative_radius_m`. All negatives are equally
    likely, independent of direction, pitch or name, so that only the place distinguishes negatives
    from positives. Photos between the two radii are neither. If the rule looks at what photos
    share, photos that share anything with the query are not negatives. In a data set without
    positions, positives show the same place and negatives another place, and photos of an unknown
    place are neither.

    A draw never examines the whole database, so its cost does not grow with the number of photos.

    Args:
        dataset: PlaceDataset.
        num_positives: int. `P`, positives in a tuple.
        num_negatives: int. `Nn`, negatives in a tuple.
        positive_radius_m: float. Largest distance of a positive, in metres.
        negative_radius_m: float. Negatives are farther away than this, in metres.
        max_heading_difference_deg: float or None. Largest angle between the directions of query
            and positive, in (0, 180]. Photos of unknown direction are then not positives. None: no
            limit.
        min_time_difference_s: float or None. Minimum time between query and positive, in seconds.
            Photos of unknown time are then not positives. 0 allows all. None: any other time than
            the query's, if both are known.
        min_positive_distance_m: float. Positives are farther away than this, in metres, if it is
            above 0. The NetVLAD paper uses 1.0.
        positive_rule: str. When a photo within the radius is a positive: `"distance"` always;
            `"view_overlap"` if the fields of view overlap (see `ViewOverlap`); `"shared_points"` if
            both see the same points (see `SharedPoints`).
        min_overlap: float. Minimum overlap or share of points, in [0, 1].
        view_depth_m: float. How far a photo sees, in metres, for `view_overlap`.

    Raises:
        ValueError: If a number is out of range, a limit or rule needs values that the data set does
            not have, no query has a positive, or a query has fewer negatives than a tuple needs.

    Example:

    >>> line = PlaceDataset("photos", ["a", "b", "c"], positions_m=[[0, 0], [5, 0], [90, 0]])
    >>> sampler = TupleSampler(
    ...     line, num_positives=2, num_negatives=1, positive_radius_m=10, negative_radius_m=25,
    ...     max_heading_difference_deg=None, min_time_difference_s=None,
    ...     min_positive_distance_m=0, positive_rule="distance", min_overlap=0, view_depth_m=50,
    ... )
    >>> sampler.queries.tolist()
    [0, 1]
    >>> sampler.draw(0, np.random.default_rng(0))
    (0, array([1, 1]), array([2]))

    Reference:
        [Arandjelovic et al., 2016](https://arxiv.org/abs/1511.07247).
    """

    def __init__(
        self,
        dataset: PlaceDataset,
        *,
        num_positives: int,
        num_negatives: int,
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
        self.num_positives = num_positives
        self.num_negatives = num_negatives
        for name, least in (("num_positives", 1), ("num_negatives", 0)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}")
        self._rule = PlaceRule(
            dataset,
            positive_radius_m=positive_radius_m,
            negative_radius_m=negative_radius_m,
            max_heading_difference_deg=max_heading_difference_deg,
            min_time_difference_s=min_time_difference_s,
            min_positive_distance_m=min_positive_distance_m,
            positive_rule=positive_rule,
            min_overlap=min_overlap,
            view_depth_m=view_depth_m,
        )
        self._queries = self._find_queries()

    @property
    def queries(self) -> NDArray[np.int64]:
        """Rows of the queries that have at least one positive, (Q,) int64."""
        return self._queries

    def shuffled_queries(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Returns the queries in random order; without positions, one random query of each place.

        Without positions, this makes consecutive tuples show different places, and a place with
        many photos is not drawn more often than a place with few.

        Args:
            rng: np.random.Generator. Source of randomness.

        Returns:
            (n,) int64. Rows of the data set.
        """
        order = rng.permutation(self._queries)
        if self.dataset.positions_m is not None:
            return order
        _, firsts = np.unique(self.dataset.known("place_ids")[order], return_index=True)
        return rng.permutation(order[firsts])

    def positives(self, query: int) -> NDArray[np.int64]:
        """Returns the photos that may be positives of a query.

        Args:
            query: int. Row of a photo in the data set.

        Returns:
            (n,) int64, ascending. Rows of the data set.
        """
        return self._rule.positives(np.array([query]))[1]

    def near(self, query: int) -> NDArray[np.int64]:
        """Returns the database photos that are not negatives of a query.

        They are too close, share something with it (if the rule looks at that), or are unknown.

        Args:
            query: int. Row of a photo in the data set.

        Returns:
            (n,) int64, ascending. Rows of the data set.
        """
        return self._rule.database[self._rule.no_negatives(query)]

    def why(self, query: int, photo: int) -> str:
        """Returns as text why a photo is a positive, a negative or neither.

        Args:
            query: int. Row of a photo in the data set.
            photo: int. Row of another photo.

        Returns:
            str. The result and its numbers, such as `"positive: 4.2 m apart, headings 12 deg
            apart, 61 % of the points shared"`.
        """
        return self._rule.why(query, photo)

    def draw(
        self, query: int, rng: np.random.Generator
    ) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
        """Draws one tuple.

        Positives and negatives are drawn without replacement. If a query has fewer than
        `num_positives` positives, these are repeated; their counts differ by at most one.

        Args:
            query: int. One of `queries`.
            rng: np.random.Generator. Source of randomness.

        Returns:
            query, positives (P,) int64, negatives (Nn,) int64. Rows of the data set.

        Raises:
            ValueError: If the query has no positive or too few negatives.
        """
        candidates = self.positives(query)
        if len(candidates) == 0:
            raise ValueError(
                f"A query must have a positive: use one of `queries`. Received: {query} "
                f"({self.dataset.names[query]})"
            )
        rounds = -(-self.num_positives // len(candidates))
        order = np.concatenate([rng.permutation(candidates) for _ in range(rounds)])
        positives = order[: self.num_positives]
        return int(query), positives, self.draw_negatives(query, self.num_negatives, rng)

    def draw_negatives(self, query: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws different negatives of a query, all with equal probability.

        Args:
            query: int. Row of a photo in the data set.
            count: int. Number of negatives.
            rng: np.random.Generator. Source of randomness.

        Returns:
            (count,) int64. Rows of the data set.

        Raises:
            ValueError: If the query has fewer negatives than `count`.
        """
        database = self._rule.database
        barred = self._rule.no_negatives(query)
        available = len(database) - len(barred)
        if available < count:
            raise ValueError(self._too_few_negatives(query, available, count))
        ranks = rng.choice(available, size=count, replace=False)
        # Finds the r-th photo that may be drawn, by the number of excluded photos before it.
        before = np.searchsorted(barred - np.arange(len(barred)), ranks, side="right")
        return database[ranks + before]

    def _find_queries(self) -> NDArray[np.int64]:
        everyone = self.dataset.queries
        with_positive = np.zeros(len(everyone), dtype=bool)
        for start in range(0, len(everyone), _QUERIES_AT_A_TIME):
            owners, _ = self._rule.positives(everyone[start : start + _QUERIES_AT_A_TIME])
            with_positive[start + owners] = True
        if not with_positive.any():
            database = counted(len(self._rule.database), "database photo")
            raise ValueError(
                f"None of {counted(len(everyone), 'query', 'queries')} in {self.dataset.root} has "
                f"a positive among {database} within "
                f"{self._rule.positive_radius_m:g} {self.dataset.unit}. Enlarge "
                "`positive_radius_m` or lift the limits on heading, time, distance and overlap"
            )
        queries = everyone[with_positive]
        for start in range(0, len(queries), _QUERIES_AT_A_TIME):
            short = self._rule.find_short(
                queries[start : start + _QUERIES_AT_A_TIME], self.num_negatives
            )
            if short is not None:
                raise ValueError(self._too_few_negatives(*short, self.num_negatives))
        return queries

    def _too_few_negatives(self, query: int, available: int, count: int) -> str:
        alike = "" if self._rule.positive_rule == "distance" else " and share nothing with it"
        return (
            f"{self.dataset.names[query]} in {self.dataset.root} must have "
            f"{counted(count, 'negative')}. Received: {available} of "
            f"{counted(len(self._rule.database), 'database photo')} beyond "
            f"{self._rule.negative_radius_m:g} {self.dataset.unit}{alike}. Lower "
            "`negative_radius_m` or `num_negatives`, or add photos of other places"
        )
