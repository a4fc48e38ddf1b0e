"""Tuples to train on: a query, photos of its place and photos of other places."""

import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbours import DatabaseNeighbours

_CHUNK = 4096  # queries looked at together when a sampler is made


class TupleSampler:
    """Draws a query's positives and negatives by where, when and facing which way they were taken.

    A positive is a database photo within `positive_radius_m` of the query, other than itself and,
    where times are known, of another time. A negative is a database photo farther away than
    `negative_radius_m`; every one is as likely as any other, whatever its direction, pitch or
    name, so that nothing but the place tells negatives from positives. Photos between the two
    radii are neither. In a data set without positions, positives show the same place, negatives
    another one, and photos of an unknown place are neither.

    No draw looks at the whole database, so a draw costs the same for a million photos.

    Args:
        dataset: PlaceDataset.
        num_positives: int. `P`, positives in a tuple.
        num_negatives: int. `Nn`, negatives in a tuple.
        positive_radius_m: float. Largest distance of a positive, in metres.
        negative_radius_m: float. Negatives lie farther away than this, in metres.
        max_heading_difference_deg: float or None. Largest angle between the directions of query
            and positive, in (0, 180]; photos of unknown direction are no positives then. Defaults
            to `None`: any.
        min_time_difference_s: float or None. Least time between query and positive, in seconds;
            photos of unknown time are no positives then; 0 allows all. Defaults to `None`: any
            other time than the query's, where both are known.
        min_positive_distance_m: float. Positives lie farther away than this, in metres, if it is
            above 0; 1.0 is the rule of the NetVLAD paper. Defaults to `0.0`.

    Raises:
        ValueError: If a number is out of range, a limit is set on what the data set does not
            know, no query has a positive, or a query has fewer negatives than a tuple needs.

    Example:

    >>> line = PlaceDataset("photos", ["a", "b", "c"], positions_m=[[0, 0], [5, 0], [90, 0]])
    >>> sampler = TupleSampler(
    ...     line, num_positives=2, num_negatives=1, positive_radius_m=10, negative_radius_m=25
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
        max_heading_difference_deg: float | None = None,
        min_time_difference_s: float | None = None,
        min_positive_distance_m: float = 0.0,
    ):
        self.dataset = dataset
        self.num_positives = num_positives
        self.num_negatives = num_negatives
        self.positive_radius_m = positive_radius_m
        self.negative_radius_m = negative_radius_m
        self.max_heading_difference_deg = max_heading_difference_deg
        self.min_time_difference_s = min_time_difference_s
        self.min_positive_distance_m = min_positive_distance_m
        self._refuse_bad_numbers()
        self._refuse_unknown_limits()
        self._neighbours = DatabaseNeighbours(dataset)
        self._unknown = self._neighbours.of_unknown_place
        self._queries = self._find_queries()

    @property
    def queries(self) -> np.ndarray:
        """(Q,) int64. Rows of the queries that have at least one positive."""
        return self._queries

    def shuffled_queries(self, rng: np.random.Generator) -> np.ndarray:
        """Returns the queries in random order; without positions one of each place, at random.

        So tuples that follow each other show different places, and a place of many photos comes
        no more often than one of few, where places are known by identity alone.

        Args:
            rng: np.random.Generator. Where the randomness comes from.

        Returns:
            (n,) int64. Rows of the data set.
        """
        order = rng.permutation(self._queries)
        if self.dataset.positions_m is not None:
            return order
        _, firsts = np.unique(self.dataset.place_ids[order], return_index=True)
        return rng.permutation(order[firsts])

    def positives(self, query: int) -> np.ndarray:
        """Returns the photos that may be positives of a query.

        Args:
            query: int. Row of a photo in the data set.

        Returns:
            (n,) int64, ascending. Rows of the data set.
        """
        return self._of_same_place(np.array([query]))[1]

    def near(self, query: int) -> np.ndarray:
        """Returns the database photos that are no negatives of a query: too close, or unknown.

        Args:
            query: int. Row of a photo in the data set.

        Returns:
            (n,) int64, ascending. Rows of the data set.
        """
        return self._neighbours.database[self._no_negatives(query)]

    def draw(self, query: int, rng: np.random.Generator) -> tuple[int, np.ndarray, np.ndarray]:
        """Draws one tuple.

        Positives and negatives are drawn without replacement; only where a query has fewer than
        `num_positives` positives do these stand repeatedly, each equally often but for one.

        Args:
            query: int. One of `queries`.
            rng: np.random.Generator. Where the randomness comes from.

        Returns:
            query, positives (P,) int64, negatives (Nn,) int64. Rows of the data set.

        Raises:
            ValueError: If the query has no positive or too few negatives.
        """
        candidates = self.positives(query)
        if len(candidates) == 0:
            raise ValueError(
                f"A query must have a positive, as those in `queries` have. Received: {query} "
                f"({self.dataset.names[query]})"
            )
        rounds = -(-self.num_positives // len(candidates))
        order = np.concatenate([rng.permutation(candidates) for _ in range(rounds)])
        positives = order[: self.num_positives]
        return int(query), positives, self.draw_negatives(query, self.num_negatives, rng)

    def draw_negatives(self, query: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws negatives of a query, all different, each as likely as any other.

        Args:
            query: int. Row of a photo in the data set.
            count: int. How many.
            rng: np.random.Generator. Where the randomness comes from.

        Returns:
            (count,) int64. Rows of the data set.

        Raises:
            ValueError: If the query has fewer negatives.
        """
        database = self._neighbours.database
        barred = self._no_negatives(query)
        available = len(database) - len(barred)
        if available < count:
            raise ValueError(self._too_few_negatives(query, available, count))
        ranks = rng.choice(available, size=count, replace=False)
        # The r-th photo that is not barred: so many barred ones stand before it.
        before = np.searchsorted(barred - np.arange(len(barred)), ranks, side="right")
        return database[ranks + before]

    def _refuse_bad_numbers(self) -> None:
        for name, least in (("num_positives", 1), ("num_negatives", 0)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}")
        limits = ("positive_radius_m", "min_positive_distance_m", "min_time_difference_s")
        for name in limits:
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
                "`max_heading_difference_deg` must lie in (0, 180]. Received: "
                f"max_heading_difference_deg={angle}"
            )

    def _refuse_unknown_limits(self) -> None:
        limits = (
            ("max_heading_difference_deg", "headings", self.dataset.headings_deg),
            ("min_time_difference_s", "times", self.dataset.times_s),
            ("min_positive_distance_m", "positions", self.dataset.positions_m),
        )
        for name, what, known in limits:
            if getattr(self, name) and known is None:
                raise ValueError(
                    f"`{name}` needs {what}, and the photos in {self.dataset.root} have none. "
                    f"Leave it out. Received: {name}={getattr(self, name)}"
                )

    def _find_queries(self) -> np.ndarray:
        everyone = self.dataset.queries
        with_positive = np.zeros(len(everyone), dtype=bool)
        for start in range(0, len(everyone), _CHUNK):
            owners, _ = self._of_same_place(everyone[start : start + _CHUNK])
            with_positive[start + owners] = True
        if not with_positive.any():
            raise ValueError(
                f"None of {len(everyone)} queries in {self.dataset.root} has a positive among "
                f"{len(self._neighbours.database)} database photos within "
                f"{self.positive_radius_m:g} m. Enlarge `positive_radius_m` or lift the limits "
                "on heading, time and distance"
            )
        queries = everyone[with_positive]
        for start in range(0, len(queries), _CHUNK):
            self._refuse_too_few_negatives(queries[start : start + _CHUNK])
        return queries

    def _refuse_too_few_negatives(self, queries: np.ndarray) -> None:
        barred = self._neighbours.count_within(queries, self.negative_radius_m)
        available = len(self._neighbours.database) - len(self._unknown) - barred
        short = np.flatnonzero(available < self.num_negatives)
        if len(short):
            query, left = queries[short[0]], available[short[0]]
            raise ValueError(self._too_few_negatives(query, left, self.num_negatives))

    def _of_same_place(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns all pairs of a query, as a place in `queries`, and a potential positive."""
        owners, found = self._neighbours.within(queries, self.positive_radius_m)
        photos = self._neighbours.database[found]
        kept = self._are_positives(queries[owners], photos)
        return owners[kept], photos[kept]

    def _are_positives(self, queries: np.ndarray, photos: np.ndarray) -> np.ndarray:
        dataset = self.dataset
        kept = photos != queries
        if self.min_positive_distance_m > 0:
            apart_m = dataset.positions_m[photos] - dataset.positions_m[queries]
            kept &= np.square(apart_m).sum(axis=1) > self.min_positive_distance_m**2
        if self.max_heading_difference_deg is not None:
            turn_deg = dataset.headings_deg[photos] - dataset.headings_deg[queries]
            angle_deg = np.abs((turn_deg + 180) % 360 - 180)
            kept &= angle_deg <= self.max_heading_difference_deg  # false where unknown
        if dataset.times_s is not None and self.min_time_difference_s != 0:
            apart_s = np.abs(dataset.times_s[photos] - dataset.times_s[queries])
            if self.min_time_difference_s is None:
                kept &= apart_s != 0  # true where unknown
            else:
                kept &= apart_s >= self.min_time_difference_s
        return kept

    def _no_negatives(self, query: int) -> np.ndarray:
        """Returns which database photos may not be negatives, ascending, as `within` counts."""
        _, near = self._neighbours.within(np.array([query]), self.negative_radius_m)
        return np.union1d(near, self._unknown) if len(self._unknown) else near

    def _too_few_negatives(self, query: int, available: int, count: int) -> str:
        return (
            f"{self.dataset.names[query]} in {self.dataset.root} has {available} negatives of "
            f"{count}: so few of {len(self._neighbours.database)} database photos lie beyond "
            f"{self.negative_radius_m:g} m. Lower `negative_radius_m` or `num_negatives`, or add "
            "photos of other places"
        )
