"""Checks that both photos of a loop show the same things in the same arrangement."""

import math
from dataclasses import replace

import numpy as np

from placevec.loops.scorer import Loop
from placevec.retrieval.reranking.rerank import LocalMatcher

_LEAST_SHARE = 0.4  # of `full_count`; docs/lab/results.md shows what other shares accept


def check_geometry(loops: list[Loop], matcher: LocalMatcher, min_inliers: int | None) -> list[Loop]:
    """Counts the matched points of each match, and refuses loops with too few.

    The check only refuses loops. It never accepts one that the gap or the consistency refused.

    Args:
        loops: list of Loop.
        matcher: LocalMatcher. It takes numbers of photos of the run.
        min_inliers: int or None. Smallest number of matched points of a loop; 0 refuses none. None:
            40 % of `matcher.full_count`.

    Returns:
        List of Loop with `inliers`, in the same order.
    """
    if min_inliers is None:
        min_inliers = math.ceil(_LEAST_SHARE * matcher.full_count)
    checked = []
    for loop in loops:
        inliers = len(matcher.match(loop.query, np.array([loop.match]))[0])
        accepted = loop.accepted and inliers >= min_inliers
        checked.append(replace(loop, inliers=inliers, accepted=accepted))
    return checked
