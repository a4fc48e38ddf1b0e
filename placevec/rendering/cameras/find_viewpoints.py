"""Finds places on the ground of a 3-D model, and cameras there."""

import logging
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.config import ModelRenderConfig
from placevec.counted import counted
from placevec.rendering.cameras.free_space.collisions import Collider, HasTriangles
from placevec.rendering.cameras.free_space.free_space import (
    FACES_WALL,
    REACH_M,
    REASONS,
    SEES_LITTLE,
    Body,
)
from placevec.rendering.cameras.free_space.walkable import Walkable, find_walkable
from placevec.rendering.cameras.placing import look, shake
from placevec.rendering.cameras.viewpoints import (
    SPACINGS_M,
    WALKING,
    Viewpoints,
    check_enough,
    listed,
    refuse_bad_counts,
)
from placevec.rendering.scenes.camera import Camera, Jitter, scaled

DIRECTIONS = ("streets", "around")
_CLEARANCES_M = (1.0, 0.5)
_POINTS_PER_PLACE = 6
_LEAST_POINTS = 1500
_TRIES = 6
_NARROW_M = 60.0
_WEIGHT_OF_THE_OPEN = 0.02

_log = logging.getLogger(__name__)


def find_viewpoints(
    world: HasTriangles,
    *,
    num_places: int,
    views_per_place: int = 1,
    seed: int = 0,
    eye_height_m: float = ModelRenderConfig.eye_height_m,
    spacing_m: float | None = None,
    max_slope_deg: float = 30.0,
    clearance_m: float | None = None,
    directions: str = "streets",
    jitter: Jitter = WALKING,
    least_seen: float = 0.2,
    sight_m: float = 150.0,
    least_area_share: float = 0.1,
) -> Viewpoints:
    """Finds places in a world where a camera can stand, and cameras there.

    Places are random. Those with walls, trees or slopes within 60 m are more likely: a place with
    twice the share of such directions is chosen four times as often. Every camera moves away from
    its place by `jitter`, and rays then check it again: it stands on the ground, has room above and
    around it, is not inside a solid, and sees something other than a wall right in front of it.

    Args:
        world: World. The triangles: `positions_m`, (T, 3, 3) float.
        num_places: int. Number of places.
        views_per_place: int. Number of cameras at each place. Defaults to `1`.
        seed: int. Seed of all random choices. Defaults to `0`.
        eye_height_m: float. Height of a camera above the ground. Defaults to `1.7`.
        spacing_m: float or None. Minimum distance between places. None: 10 m, then less, down to
            1 m, until there are enough places. Defaults to `None`.
        max_slope_deg: float. Steepest ground. Defaults to `30.0`.
        clearance_m: float or None. Room around a camera. None: 1 m, or 0.5 m if there are not
            enough places. Defaults to `None`.
        directions: str. `"streets"`: the first camera looks where the way is free the longest, the
            next one back, and so on to either side; directions with nothing to see come last.
            `"around"`: evenly all around. Defaults to `"streets"`.
        jitter: Jitter. How far cameras move away from their places.
        least_seen: float. Minimum share of the view around the horizon that shows more than flat
            ground. Defaults to `0.2`, three rays of fifteen.
        sight_m: float. Anything farther away does not count as seen. Defaults to `150.0`.
        least_area_share: float. Smallest connected area that is used, as a share of the largest
            one. Defaults to `0.1`.

    Returns:
        `Viewpoints`.

    Raises:
        ValueError: If an argument is out of range, or too few places are found.
    """
    refuse_bad_counts(num_places, views_per_place)
    if directions not in DIRECTIONS:
        names = ", ".join(DIRECTIONS)
        raise ValueError(f"`directions` must be one of {names}. Received: {directions!r}")
    collider, start_s = Collider(world), time.perf_counter()
    for clearance in _CLEARANCES_M if clearance_m is None else (clearance_m,):
        body = Body(eye_height_m, clearance_m=clearance, max_slope_deg=max_slope_deg)
        rng = np.random.default_rng((seed, 2))
        walkable = find_walkable(
            collider,
            num_points=max(_LEAST_POINTS, _POINTS_PER_PLACE * num_places),
            spacing_m=SPACINGS_M[-1] if spacing_m is None else spacing_m,
            seed=seed,
            body=body,
            least_area_share=least_area_share,
        )
        search = _Search(
            collider, walkable, rng, body, jitter, directions, views_per_place, least_seen, sight_m
        )
        for spacing in SPACINGS_M if spacing_m is None else (spacing_m,):
            search.go_on(num_places, spacing)
            if len(search.chosen) == num_places:
                break
        if len(search.chosen) == num_places:
            break
    counts = {reason: search.rejected[reason] for reason in REASONS if search.rejected[reason]}
    check_enough(len(search.chosen), num_places, counts)
    cameras = [camera for views in search.chosen for camera in views]
    _log.info(
        "%s at %s, at least %g m apart and %g m from walls (%.1f s); rejected: %s",
        counted(len(cameras), "camera"),
        counted(num_places, "place"),
        spacing,
        clearance,
        time.perf_counter() - start_s,
        listed(counts),
    )
    places = np.repeat(np.arange(num_places), views_per_place)
    return Viewpoints(collider, cameras, places, counts, body, jitter, spacing)


@dataclass(eq=False)
class _Search:
    """The cameras found so far, and the points still to try, the best ones first."""

    collider: Collider
    walkable: Walkable
    rng: np.random.Generator
    body: Body
    jitter: Jitter
    directions: str
    num_views: int
    least_seen: float
    sight_m: float

    def __post_init__(self) -> None:
        self.rejected = Counter(self.walkable.rejected)
        self.chosen: list[list[Camera]] = []
        # Sorting by uniform ** (1 / w), largest first, draws without replacement with weights w.
        weights = (self.walkable.free_m < _NARROW_M).mean(axis=1) ** 2 + _WEIGHT_OF_THE_OPEN
        draws = self.rng.uniform(0, 1, len(weights))
        self._waiting = np.argsort(-(draws ** (1 / weights)), kind="stable")
        self._feet_m: list[NDArray[np.float64]] = []

    def go_on(self, num_places: int, spacing_m: float) -> None:
        """Chooses more places, at least `spacing_m` from each other and from existing ones."""
        later: list[NDArray[np.int64]] = []
        while len(self.chosen) < num_places and len(self._waiting):
            some, near = self._next(num_places - len(self.chosen) + 8, spacing_m)
            later.append(near)
            if not len(some):
                break
            for row, views in zip(some, self._views(some), strict=True):
                if len(self.chosen) < num_places and views is not None:
                    self.chosen.append(views)
                    self._feet_m.append(self.walkable.feet_m[row])
        self._waiting = np.concatenate([*later, self._waiting])

    def _next(self, count: int, spacing_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Removes waiting points: some that are far enough apart, and those too near."""
        kept_m, some, near = list(self._feet_m), [], []
        taken = 0
        for row in self._waiting:
            if len(some) == count:
                break
            taken += 1
            foot_m = self.walkable.feet_m[row]
            gaps_m = np.linalg.norm(np.array(kept_m).reshape(-1, 3) - foot_m, axis=1)
            if gaps_m.min(initial=np.inf) < spacing_m:
                near.append(row)
            else:
                some.append(row)
                kept_m.append(foot_m)
        self._waiting = self._waiting[taken:]
        return np.array(some, np.int64), np.array(near, np.int64)

    def _views(self, rows: NDArray[np.int64]) -> list[list[Camera] | None]:
        """Returns the cameras of each point of the ground, None if one of them has no room."""
        count = self.num_views
        wishes_deg = headings(self.walkable.free_m[rows], count, self.directions, self.rng)
        eyes_m = np.repeat(self.walkable.feet_m[rows] + [0, 0, self.body.eye_height_m], count, 0)
        owner = np.repeat(np.arange(len(rows)), count)
        wish = np.tile(np.arange(count), len(rows))
        cameras: list[Camera | None] = [None] * len(eyes_m)
        missing = np.arange(len(eyes_m))
        for turn in range(_TRIES):
            turns_deg = np.zeros((len(missing), 3))
            turns_deg[:, 0] = wishes_deg[owner[missing], wish[missing] % wishes_deg.shape[1]]
            jitter = scaled(self.jitter, 1 - turn / _TRIES)
            trial = shake(
                self.collider, eyes_m[missing], turns_deg, self.rng, body=self.body, jitter=jitter
            )
            trial = look(
                self.collider,
                trial,
                body=self.body,
                least_seen=self.least_seen,
                sight_m=self.sight_m,
            )
            for row in np.flatnonzero(trial.reasons == ""):
                cameras[missing[row]] = trial.camera(int(row))
            self.rejected.update(trial.reasons[trial.reasons != ""].tolist())
            wish[missing[np.isin(trial.reasons, (SEES_LITTLE, FACES_WALL))]] += count
            missing = missing[trial.reasons != ""]
            if not len(missing):
                break
        groups = [
            [camera for camera in cameras[i * count : (i + 1) * count] if camera is not None]
            for i in range(len(rows))
        ]
        return [group if len(group) == count else None for group in groups]


def headings(
    free_m: NDArray[np.floating], count: int, directions: str, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Returns where the cameras of some points look, the best directions first.

    Args:
        free_m: (n, 8) float. Free distance around each point, clockwise from north.
        count: int. Number of cameras at each point.
        directions: str. One of `DIRECTIONS`, see `find_viewpoints`.
        rng: np.random.Generator.

    Returns:
        (n, m) float64, m >= count. Degrees clockwise from north; those after the first `count`
        replace cameras that see too little.
    """
    num_ways = free_m.shape[1]
    if directions == "around":
        turns_deg = 360.0 * np.arange(count) / count
        return (rng.uniform(0, 360, (len(free_m), 1)) + turns_deg) % 360.0
    half = num_ways // 2
    is_void = (np.stack([np.roll(free_m, k, 1) for k in (-1, 0, 1)]) >= REACH_M).all(axis=0)
    length_m = np.where(is_void, 0.0, free_m)
    way = (length_m[:, :half] + length_m[:, half:]).argmax(axis=1)
    way = way + half * rng.integers(0, 2, len(free_m))
    turns = np.arange(num_ways)
    aside = (turns // 2 + 1) // 2 * np.where(turns // 2 % 2, 1, -1)
    order = (way[:, None] + half * (turns % 2) + aside) % num_ways  # (n, ways)
    last = np.argsort(np.take_along_axis(is_void, order, 1), axis=1, kind="stable")
    order = np.take_along_axis(order, last, 1)
    return 360.0 / num_ways * np.resize(order.T, (max(count, num_ways), len(free_m))).T
