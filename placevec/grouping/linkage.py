"""Joins photos into larger and larger groups, the most similar first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Linkage:
    """The groups that arise if the most similar photos are joined first (single linkage).

    Join `j` makes group `N + j` from two earlier groups; a group number below `N` is one photo.
    The gap of a group is a difference of similarities: that of the last join inside it, minus that
    of the join that merges it into a larger group. So each photo has a match in the group that is
    more similar than any photo outside, by at least the gap.

    Args:
        pairs: (N - 1, 2) int64. The two groups of each join, the most similar first.
        gaps: (N - 1,) float. Gap of the group that each join makes; -infinity for the group of all
            photos, because nothing is outside it.
    """

    pairs: NDArray[np.int64]
    gaps: NDArray[np.floating]

    def groups_of(self, is_group: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Returns the largest of the chosen groups that each photo belongs to.

        Args:
            is_group: (N - 1,) bool. The joins whose groups are chosen.

        Returns:
            (N,) int64, the number of the join; -1 for a photo in none of them.
        """
        num_photos = len(self.pairs) + 1
        groups = np.full(num_photos + len(self.pairs), -1, np.int64)
        for join in range(len(self.pairs) - 1, -1, -1):  # larger groups first
            group = groups[num_photos + join]
            if group < 0 and is_group[join]:
                group = join
            groups[self.pairs[join]] = group
        return groups[:num_photos]

    def stand_out(self) -> NDArray[np.bool_]:
        """Returns which groups have at least the gap of every group inside them, (N - 1,) bool."""
        num_photos = len(self.pairs) + 1
        largest = np.full(num_photos + len(self.pairs), -np.inf)
        for join, pair in enumerate(self.pairs):
            largest[num_photos + join] = max(largest[pair].max(), self.gaps[join])
        inside = largest[self.pairs].max(axis=1)
        return (self.gaps >= inside) & np.isfinite(self.gaps)


def link(vectors: NDArray[np.floating]) -> Linkage:
    """Joins photos by their similarity.

    It builds a maximum spanning tree with Prim's algorithm. Memory grows with the number of
    photos, time with its square.

    Args:
        vectors: (N, D) float, of unit L2 norm; N at least 1.

    Returns:
        Linkage.

    Reference:
        Gower and Ross, "Minimum spanning trees and single linkage cluster analysis",
        [1969](https://doi.org/10.2307/2346439).
    """
    ends, similarities = _spanning_tree(vectors)
    order = np.argsort(-similarities, kind="stable")
    num_photos = len(vectors)
    pairs = np.zeros((num_photos - 1, 2), np.int64)
    home = np.arange(2 * num_photos - 1)  # the larger group that each group was merged into
    joined_at = np.full(2 * num_photos - 1, -np.inf)
    for join, edge in enumerate(order.tolist()):
        pairs[join] = [_outermost(home, end) for end in ends[edge].tolist()]
        home[pairs[join]] = num_photos + join
        joined_at[pairs[join]] = similarities[edge]
    gaps = similarities[order] - joined_at[num_photos:]
    gaps[len(gaps) - 1 :] = -np.inf
    return Linkage(pairs, gaps)


def _spanning_tree(
    vectors: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Returns the N - 1 most similar pairs that connect all photos, and their similarities."""
    count = len(vectors)
    ends, similarities = np.zeros((count - 1, 2), np.int64), np.zeros(count - 1)
    best, nearest = np.full(count, -np.inf), np.zeros(count, np.int64)
    is_joined = np.zeros(count, bool)
    photo = 0
    for edge in range(count - 1):
        is_joined[photo] = True
        values = vectors @ vectors[photo]
        is_nearer = values > best
        best[is_nearer], nearest[is_nearer] = values[is_nearer], photo
        best[is_joined] = -np.inf
        photo = int(best.argmax())
        ends[edge], similarities[edge] = (nearest[photo], photo), best[photo]
    return ends, similarities


def _outermost(home: NDArray[np.int64], group: int) -> int:
    """Returns the outermost group that a group is in so far, and shortens the path to it."""
    way = []
    while home[group] != group:
        way.append(group)
        group = int(home[group])
    home[way] = group
    return group
