"""Finds where one can walk in a world, from its triangles alone."""

import logging
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import AREA_TOO_SMALL, TOO_STEEP, Body, stand

_DRAWN_PER_POINT = 2
_MOST_POINTS = 20_000
_NUM_NEIGHBORS = 8
_REACH_IN_GAPS = 3.0
_LEAST_WAY_M = 1e-3  # Panda3D, in float32, treats the ends of a shorter one as one point
# A larger triangle counts as this area. A fine mesh usually has something to see; the plain around
# it and the floor of its sky are a few large triangles.
_PLAIN_M2 = 100.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Walkable:
    """Points of a world's ground where a camera can stand.

    Args:
        feet_m: (n, 3) float64. The points, in no particular order.
        free_m: (n, 8) float64. Free distance around each, clockwise from north, at most 100 m.
        areas: (n,) int64. The connected area of each; 0 is the largest.
        rejected: dict. Reason -> number of rejected points.
    """

    feet_m: NDArray[np.float64]
    free_m: NDArray[np.float64]
    areas: NDArray[np.int64]
    rejected: dict[str, int]


def find_walkable(
    collider: Collider,
    *,
    num_points: int,
    spacing_m: float,
    seed: int,
    body: Body | None = None,
    least_area_share: float = 0.1,
) -> Walkable:
    """Finds points of the ground where a camera can stand.

    Random points are chosen on all triangles that face up, by area but fewer on large triangles,
    and then thinned out. Points where a camera can stand are linked with their neighbors if one can
    walk straight from one to the other. Areas that are small compared with the largest one are
    rejected: roofs, ledges, mountain tops.

    Args:
        collider: Collider. The world.
        num_points: int. Maximum number of points to try.
        spacing_m: float. Minimum distance between points.
        seed: int. Seed of the points.
        body: Body. The room that a camera needs. Defaults to `Body()`.
        least_area_share: float. Smallest area that is kept, as a share of the largest one. Defaults
            to `0.1`.

    Returns:
        `Walkable`.
    """
    body, start_s = body or Body(), time.perf_counter()
    rng = np.random.default_rng((seed, 1))
    num_points = min(num_points, _MOST_POINTS)
    points_m, steep = draw_ground(collider, _DRAWN_PER_POINT * num_points, rng, body)
    rejected = Counter({TOO_STEEP: steep // _DRAWN_PER_POINT})
    points_m = points_m[apart(points_m, spacing_m)[:num_points]]
    found = stand(collider, points_m, body)
    rejected.update(found.reasons[~found.is_free].tolist())
    feet_m, free_m = found.feet_m[found.is_free], found.free_m[found.is_free]
    areas = _areas(collider, feet_m, body)
    sizes = np.bincount(areas)
    is_kept = sizes[areas] >= least_area_share * sizes.max(initial=0)
    rejected[AREA_TOO_SMALL] += int((~is_kept).sum())
    _log.info(
        "%d of %s walkable (%.1f s)",
        is_kept.sum(),
        counted(len(points_m), "point is", "points are"),
        time.perf_counter() - start_s,
    )
    counts = {reason: count for reason, count in rejected.items() if count}
    return Walkable(feet_m[is_kept], free_m[is_kept], areas[is_kept], counts)


def draw_ground(
    collider: Collider, count: int, rng: np.random.Generator, body: Body
) -> tuple[NDArray[np.float64], int]:
    """Chooses random points on triangles that face up, by area, but fewer on large triangles.

    Args:
        collider: Collider. The world.
        count: int. Number of points to choose.
        rng: np.random.Generator.
        body: Body. Its `max_slope_deg` says what is too steep.

    Returns:
        (n, 3) float64, the points that are not too steep, and int, the number of the others.
    """
    up = collider.normals[:, 2]
    flat = up >= np.cos(np.deg2rad(body.max_slope_deg))
    weights = np.where(up > 0, np.minimum(collider.areas_m2, _PLAIN_M2), 0.0)
    if not flat.any() or weights.sum() == 0:
        return np.empty((0, 3)), count
    triangles = rng.choice(len(weights), count, p=weights / weights.sum())
    shares = rng.dirichlet((1.0, 1.0, 1.0), count)
    points_m = np.einsum("nc,ncd->nd", shares, collider.corners_m[triangles])
    is_flat = flat[triangles]
    return points_m[is_flat], int((~is_flat).sum())


def apart(points_m: NDArray[np.float64], spacing_m: float) -> NDArray[np.int64]:
    """Returns which points, (n, 3), are far enough from all points kept before: (k,) int64."""
    tree, is_out, kept = scipy.spatial.cKDTree(points_m), np.zeros(len(points_m), bool), []
    for number, point_m in enumerate(points_m):
        if not is_out[number]:
            kept.append(number)
            is_out[tree.query_ball_point(point_m, spacing_m)] = True
    return np.array(kept, np.int64)


def _areas(collider: Collider, feet_m: NDArray[np.float64], body: Body) -> NDArray[np.int64]:
    """Returns the number of the connected area of each point, the largest first."""
    leaders = np.arange(len(feet_m))
    if len(feet_m) < 2:
        return leaders
    count = min(_NUM_NEIGHBORS + 1, len(feet_m))
    gaps_m, neighbors = scipy.spatial.cKDTree(feet_m).query(feet_m, count)
    reach_m = _REACH_IN_GAPS * np.median(gaps_m[:, count // 2])
    for rank in range(1, count):
        ones = np.flatnonzero(gaps_m[:, rank] <= reach_m)
        others = neighbors[ones, rank]
        is_new = leaders[ones] != leaders[others]
        ones, others = ones[is_new], others[is_new]
        is_way = can_walk(collider, feet_m[ones], feet_m[others], body)
        for one, other in zip(ones[is_way], others[is_way], strict=True):
            first, second = leaders[one], leaders[other]
            if first != second:
                leaders[leaders == second] = first
    _, areas, sizes = np.unique(leaders, return_inverse=True, return_counts=True)
    ranks = np.empty(len(sizes), np.int64)
    ranks[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return ranks[areas.reshape(-1)]


def can_walk(
    collider: Collider, starts_m: NDArray[np.floating], ends_m: NDArray[np.floating], body: Body
) -> NDArray[np.bool_]:
    """Returns whether one can walk straight from one point of the ground to another.

    The way must not be steeper than `body` allows for the ground, must be free at knee height, and
    must have ground below its middle.

    Args:
        collider: Collider. The world.
        starts_m: (n, 3) float. Start points.
        ends_m: (n, 3) float. End points.
        body: Body. The allowed slopes and steps.

    Returns:
        (n,) bool.
    """
    ways = ends_m - starts_m
    flat_m = np.hypot(ways[:, 0], ways[:, 1])
    climb_m = np.abs(ways[:, 2])
    is_way = climb_m <= flat_m * np.tan(np.deg2rad(body.max_slope_deg)) + body.step_m
    knees = np.array([0.0, 0.0, body.step_m + 0.05])
    rows = np.flatnonzero(is_way & (flat_m > 0))
    is_way[rows] = is_clear(collider, starts_m[rows] + knees, ends_m[rows] + knees)
    rows = np.flatnonzero(is_way)
    middles_m = (starts_m[rows] + ends_m[rows]) / 2 + knees
    deepest_m = knees[2] + body.step_m + flat_m[rows] / 4
    down = np.broadcast_to([0.0, 0.0, -1.0], middles_m.shape)
    below_m, _ = collider.cast(middles_m, down, float(deepest_m.max(initial=1.0)))
    is_way[rows] = below_m <= deepest_m
    return is_way


def is_clear(
    collider: Collider, starts_m: NDArray[np.floating], ends_m: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Returns whether nothing is between points: (n,) bool."""
    ways = ends_m - starts_m
    lengths_m = np.linalg.norm(ways, axis=1)
    clear = np.ones(len(ways), bool)
    rows = np.flatnonzero(lengths_m > _LEAST_WAY_M)
    if len(rows):
        hits_m, _ = collider.cast(starts_m[rows], ways[rows], float(lengths_m.max()))
        clear[rows] = hits_m > lengths_m[rows]
    return clear
