"""Scores how surely a photo of a run shows a place that the run has seen before."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from placevec.loops.own_threshold import OwnThreshold
from placevec.retrieval.hubness import NUM_NEIGHBORS, csls, mean_nearest
from placevec.retrieval.normalize import Normalizer
from placevec.retrieval.sequences import SequenceMatcher
from placevec.store.map_statistics import MapStatistics

_SETTLED = 50  # After this many photos, the mean of the first ones is good enough to keep.
_FEWEST_ELSEWHERE = 10  # photos of other places; the best of fewer would say little


@dataclass(frozen=True)
class Loop:
    """The best earlier match of a photo of a run.

    Args:
        query: int. Number of the photo in the run, from 0.
        match: int. Number of the earlier photo.
        similarity: float in [-1, 1]. Cosine of their descriptors, without the mean of the run up to
            each. If photos are matched together, it is the mean over them. Larger is better.
        gap: float. Lead of `similarity` over the best photo of any other place. Larger is more
            certain.
        num_consistent: int. Number of photos in a row, up to this one, whose matches are near each
            other.
        inliers: int or None. Number of points that both photos share, see `find_loops`. None: not
            counted.
        confidence: float or None. Probability that the match is right, in (0, 1). None: unknown for
            this model and these settings.
        accepted: bool. Whether the match counts as a loop.
    """

    query: int
    match: int
    similarity: float
    gap: float
    num_consistent: int
    inliers: int | None
    confidence: float | None
    accepted: bool


class LoopScorer:
    """Compares each descriptor of a run with those before it, in the order of the run.

    The score is the gap: the similarity to the best match, minus the similarity to the best photo
    of any other place. A threshold for the gap can be used for other runs, too. Descriptors are
    compared without the mean of the run so far; the first 50 use the mean of all 50, see
    `Normalizer`. Similarities are those of `sequence` photos matched together, see
    `SequenceMatcher`.

    Photos within `exclusion` of the query are not compared. Nor are the photos right before them
    that are still more similar to the query than two photos of the run are on average, because a
    long street looks alike for longer than any fixed window. Photos within `exclusion` of the
    match, or of a place that a loop joined to it, show the same place. Memory grows by
    `4 * (D + sequence)` bytes per photo up to `capacity` photos; then the oldest tenth is
    forgotten.

    Args:
        exclusion: float. Smallest distance along the run, in the unit of `along`.
        threshold: float or None. Smallest gap of a loop. None: learned from the run so far, see
            `OwnThreshold`.
        precision: float in (0, 1). Precision that the run's own threshold is for.
        sequence: int. Number of photos to match together: the query and those before it, with
            photos that follow one another. 1: each photo alone.
        consistency: int. Number of photos in a row whose matches must be near each other.
        normalize: str. `"running"`: descriptors lose the mean of the run up to each. `"own"`: they
            come without the mean of the run. `"none"`: they stay as they are.
        hubness: str. `"none"`, or `"csls"`: similarities become scores of `csls`, whose neighbors
            are the photos of the run so far. That takes 40 bytes more per photo.
        capacity: int. Largest number of photos that are remembered.

    Raises:
        ValueError: If a setting is out of range.

    Reference:
        Schubert, Neubert and Protzel, "Unsupervised learning methods for visual place recognition
        in discretely and continuously changing environments",
        [ICRA 2020](https://arxiv.org/abs/2001.08960), where subtracting the mean comes from.
    """

    def __init__(
        self,
        *,
        exclusion: float,
        threshold: float | None,
        precision: float,
        sequence: int,
        consistency: int,
        normalize: str,
        hubness: str,
        capacity: int,
    ):
        if not 0 < exclusion < math.inf:
            raise ValueError(
                f"`exclusion` must be positive and finite. Received: exclusion={exclusion:g}"
            )
        if consistency < 1:
            raise ValueError(f"`consistency` must be at least 1. Received: {consistency}")
        if capacity < 10:
            raise ValueError(f"`capacity` must be at least 10 photos. Received: {capacity}")
        self.exclusion, self.threshold, self.consistency = exclusion, threshold, consistency
        self.own = OwnThreshold(precision)
        self.num_forgotten = 0
        self._capacity = capacity
        self._count = 0  # number of photos that are remembered
        self._normalize = normalize
        self._normalizer: Normalizer | None = None
        self._num_nearest = NUM_NEIGHBORS if hubness == "csls" else 0
        self._nearest = np.empty((0, self._num_nearest), np.float32)  # cosines, -inf for none
        self._newest = np.empty(0, np.float32)  # the same of the photo that is being added
        self._matcher = SequenceMatcher(np.empty(0, np.int64), sequence)
        self._descriptors = np.empty((0, 0), np.float32)
        self._unsettled: list[NDArray[np.floating]] = []  # the first descriptors, unchanged
        self._along = np.empty(0)
        self._sequence = np.empty(0, np.int64)  # number of the stretch between two jumps
        self._place = np.empty(0)  # `along` of the first photo that shows the photo's place
        self._recent: deque[float] = deque(maxlen=consistency)  # `along` of the last matches

    def __len__(self) -> int:
        return self.num_forgotten + self._count

    def add(self, descriptor: ArrayLike, along: float) -> Loop | None:
        """Adds the next photo and returns its best match.

        Args:
            descriptor: (D,) float, of unit L2 norm.
            along: float. How far along the run: number of the photo, seconds or metres travelled.
                It must not be less than that of the photo before.

        Returns:
            Loop, or None while fewer than ten photos of other places can be compared.

        Raises:
            ValueError: If `descriptor` is not finite, is zero or has another size than the first,
                or if `along` falls.
        """
        vector = self._checked(descriptor, along)
        if not len(self):
            self._descriptors = np.empty((0, len(vector)), np.float32)
        raw, vector = vector, self._centered(vector)
        sequence = 0
        if self._count:
            is_jump = along - self._along[self._count - 1] > self.exclusion
            sequence = int(self._sequence[self._count - 1]) + is_jump
            if is_jump:
                self._matcher.start_run()
        loop, place = self._match(vector, along, sequence)
        self._remember(vector, along, place, sequence)
        is_settled = self._normalizer is None or len(self) >= _SETTLED
        self._unsettled = [] if is_settled else [*self._unsettled, raw]
        return loop

    def _centered(self, vector: NDArray[np.floating]) -> NDArray[np.float32]:
        """Returns a descriptor as it is compared, and centers the first ones again."""
        if self._normalize != "running":
            return vector.astype(np.float32)
        if self._normalizer is None:
            self._normalizer = Normalizer(MapStatistics.of_no_photos(len(vector)), "running")
        centered = self._normalizer(vector[None])[0]
        if self._unsettled:
            self._descriptors[: self._count] = self._normalizer.again(np.stack(self._unsettled))
        return centered

    def _match(
        self, vector: NDArray[np.float32], along: float, sequence: int
    ) -> tuple[Loop | None, float]:
        """Returns the best match, and where along the run the query's place was first seen."""
        similarities = self._similarities(vector, along, sequence)
        comparable = len(similarities)
        best, is_elsewhere = 0, np.zeros(0, bool)
        if comparable:
            best, is_elsewhere = self._best(similarities, np.ones(comparable, bool))
        if is_elsewhere.sum() < _FEWEST_ELSEWHERE:
            self._recent.clear()
            return None, along
        second, is_third = self._best(similarities, is_elsewhere)
        gap = float(similarities[best] - similarities[second])
        if is_third.any():
            third = similarities[is_third].max()
            self.own.add(gap, float(similarities[second] - third))
        threshold = self.own.value() if self.threshold is None else self.threshold
        num_consistent = self._count_consistent(float(self._along[best]))
        accepted = gap >= threshold and num_consistent >= self.consistency
        loop = Loop(
            query=len(self),
            match=self.num_forgotten + best,
            similarity=float(similarities[best]),
            gap=gap,
            num_consistent=num_consistent,
            inliers=None,
            confidence=None,
            accepted=accepted,
        )
        return loop, float(self._place[best]) if gap >= threshold else along

    def _similarities(
        self, vector: NDArray[np.float32], along: float, sequence: int
    ) -> NDArray[np.floating]:
        """Returns the similarities to all photos before those of the query's own place."""
        cosines = np.full(self._count, -np.inf, np.float32)
        comparable = int(np.searchsorted(self._along[: self._count], along - self.exclusion))
        found = np.clip(self._descriptors[:comparable] @ vector, -1, 1)
        comparable = self._own_place_begins(found, sequence)
        cosines[:comparable] = self._without_hubs(found[:comparable])
        self._matcher.grow(self._sequence[: self._count])
        return self._matcher.add(cosines)[:comparable]

    def _without_hubs(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns scores by CSLS, and notes which photos are the nearest to each other."""
        if not self._num_nearest:
            return cosines
        near = self._nearest[: len(cosines)]
        scores = csls(cosines[None], mean_nearest(cosines[None]), mean_nearest(near)[None])[0]
        rows = np.arange(len(near))
        farthest = near.argmin(axis=1)
        is_nearer = cosines > near[rows, farthest]
        near[rows[is_nearer], farthest[is_nearer]] = cosines[is_nearer]
        self._newest = np.full(self._num_nearest, -np.inf, np.float32)
        found = -np.sort(-cosines)[: self._num_nearest]
        self._newest[: len(found)] = found
        return scores

    def _own_place_begins(self, similarities: NDArray[np.floating], sequence: int) -> int:
        """Returns the number of the first photo of the stretch that shows the query's place.

        Going back along the query's sequence, the photos of the stretch are more similar to the
        query than two photos of the run are on average, which is about 0 without the mean.
        """
        usual = 0.0
        if self._normalize == "none" and len(similarities):
            usual = float(similarities.mean())
        is_other = similarities <= usual
        is_other |= self._sequence[: len(similarities)] != sequence
        different = np.flatnonzero(is_other)
        return int(different[-1]) + 1 if len(different) else 0

    def _best(
        self, similarities: NDArray[np.floating], is_open: NDArray[np.bool_]
    ) -> tuple[int, NDArray[np.bool_]]:
        """Returns the best of the open photos, and which open photos show another place."""
        best = int(np.argmax(np.where(is_open, similarities, -np.inf)))
        count = len(similarities)
        along, place = self._along[:count], self._place[:count]
        is_near = np.abs(along - along[best]) <= self.exclusion
        is_near |= np.abs(place - place[best]) <= self.exclusion
        return best, is_open & ~is_near

    def _count_consistent(self, match_along: float) -> int:
        count, after = 1, match_along
        for before in reversed(self._recent):
            if count >= self.consistency or abs(before - after) > self.exclusion:
                break
            count, after = count + 1, before
        self._recent.append(match_along)
        return count

    def _remember(
        self, vector: NDArray[np.floating], along: float, place: float, sequence: int
    ) -> None:
        if self._count == self._capacity:
            forgotten = self._capacity // 10
            kept = self._count - forgotten
            for values in (
                self._descriptors, self._along, self._place, self._sequence, self._nearest
            ):  # fmt: skip
                values[:kept] = values[forgotten : self._count].copy()
            self._matcher.forget(forgotten)
            self._unsettled = self._unsettled[forgotten:]
            self._count, self.num_forgotten = kept, self.num_forgotten + forgotten
        if self._count == len(self._along):
            size = min(self._capacity, max(64, 2 * self._count))
            self._descriptors = _enlarged(self._descriptors, (size, len(vector)))
            self._along = _enlarged(self._along, (size,))
            self._place = _enlarged(self._place, (size,))
            self._sequence = _enlarged(self._sequence, (size,))
            self._nearest = _enlarged(self._nearest, (size, self._num_nearest))
        self._descriptors[self._count] = vector
        self._along[self._count], self._place[self._count] = along, place
        self._sequence[self._count] = sequence
        self._nearest[self._count] = self._newest
        self._count += 1

    def _checked(self, descriptor: ArrayLike, along: float) -> NDArray[np.floating]:
        vector = np.asarray(descriptor, float)
        before = self._descriptors.shape[1:]
        if vector.ndim != 1 or (len(self) and vector.shape != before):
            raise ValueError(
                "The descriptors of a run must be vectors of equal size. Received: shape "
                f"{vector.shape} after {before}"
            )
        length = float(np.linalg.norm(vector))
        if not (np.isfinite(length) and length > 0):
            raise ValueError(
                f"A descriptor must be finite and not zero. Received: length {length:g} for photo "
                f"{len(self)}"
            )
        if not np.isfinite(along) or (self._count and along < self._along[self._count - 1]):
            raise ValueError(
                "Photos must be added in the order of the run. Received: photo "
                f"{len(self)} at {along:g}, before the previous photo. Sort them by time"
            )
        return vector / length


def _enlarged(values: NDArray, shape: tuple[int, ...]) -> NDArray:
    larger = np.empty(shape, values.dtype)
    if len(values):
        larger[: len(values)] = values
    return larger
