"""Chooses cameras in the air above a 3-D model."""

import logging
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.rendering.cameras.free_space.collisions import Collider, HasTriangles
from placevec.rendering.cameras.free_space.free_space import NEAR_WALL, REASONS, SEES_LITTLE, Body
from placevec.rendering.cameras.free_space.walkable import apart, draw_ground, is_clear
from placevec.rendering.cameras.placing import Trial, shake
from placevec.rendering.cameras.viewpoints import (
    SPACINGS_M,
    Viewpoints,
    check_enough,
    distance_m,
    listed,
    refuse_bad_counts,
)
from placevec.rendering.scenes.camera import Camera, Jitter

HEIGHTS_M = (45.0, 120.0)
FLYING = Jitter(along_m=1.0, across_m=1.0, height_m=1.0, heading_deg=5.0, tilt_deg=2.0)
HALF_VIEW = 0.698
"""Half of the angle of view of the cameras that this scheme was designed for, in radians."""

_PITCH_DEG = -65.0
_LARGEST_TURN_DEG = 85.0
_CLEARANCE_M = 2.0
_SIGHT_TURNS_DEG, _SIGHT_PITCHES_DEG = (-25.0, 0.0, 25.0), (-20.0, 0.0, 20.0)
_LEAST_SEEN = 0.3
_POINTS_PER_PLACE, _LEAST_POINTS, _MOST_POINTS = 4, 500, 20_000
_TRIES = 200
_TURNS = 3
_REACH_M = 400.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Flight(Viewpoints):
    """Cameras in the air that look ahead and down, by the Monte-Carlo scheme of earlier versions.

    Which cameras are near depends on the height Z above the ground. Near cameras are spread around
    a camera with sigma = Z * tan(0.698) / 3, a third of what half of its view covers on the ground.
    Far cameras are beyond 2 sigma.

    Args:
        heights_m: (minimum, maximum). Heights above the ground.
    """

    heights_m: tuple[float, float] = HEIGHTS_M

    def sigma_m(self, camera: Camera) -> float:
        """Returns the spread of the cameras near a camera, in metres."""
        eye_m = np.array([camera.pose.position_m])
        reach_m = float(self.heights_m[1] + np.ptp(self.collider.corners_m[..., 2]))
        down_m, _ = self.collider.cast(eye_m, np.array([[0.0, 0.0, -1.0]]), reach_m)
        height_m = down_m[0] if np.isfinite(down_m[0]) else self.heights_m[0]
        return float(np.clip(height_m, *self.heights_m) * np.tan(HALF_VIEW) / 3)

    def sample_near(
        self, camera: Camera, rng: np.random.Generator, radius_m: float | None = None
    ) -> Camera:
        """Returns a camera that shows the same place.

        Its east and north are normally distributed around those of `camera`, with the spread sigma,
        at most `radius_m` away (None: 2 sigma). It looks up to 85 degrees to either side of where
        `camera` looks, usually a third of that; with `radius_m`, it looks the same way. Returns
        `camera` itself if no room is found.
        """
        sigma_m = self.sigma_m(camera) if radius_m is None else radius_m / 3
        most_m = 2 * sigma_m if radius_m is None else radius_m
        turn_deg = _LARGEST_TURN_DEG / 3 if radius_m is None else 0.0
        start_m = np.array(camera.pose.position_m)
        for _ in range(_TRIES):
            moved_m = start_m + [*rng.normal(0, sigma_m, 2), 0.0]
            turn = float(np.clip(rng.normal(0, turn_deg), -_LARGEST_TURN_DEG, _LARGEST_TURN_DEG))
            found = self._shaken(camera, moved_m, rng)
            if found is not None and distance_m(found, camera) <= most_m:
                return found if radius_m is not None else _turned(found, turn)
        return camera

    def sample_far(
        self, camera: Camera, rng: np.random.Generator, least_m: float | None = None
    ) -> Camera:
        """Returns a camera that shows another place.

        Args:
            camera: Camera.
            rng: np.random.Generator.
            least_m: float or None. Minimum distance. None: 2 sigma of `camera`.

        Raises:
            ValueError: If no such camera exists.
        """
        return super().sample_far(
            camera, rng, 2 * self.sigma_m(camera) if least_m is None else least_m
        )


def find_flight(
    world: HasTriangles,
    *,
    num_places: int,
    views_per_place: int = 1,
    seed: int = 0,
    heights_m: tuple[float, float] = HEIGHTS_M,
    spacing_m: float | None = None,
    jitter: Jitter = FLYING,
) -> Flight:
    """Finds cameras above the ground of a world.

    They are above points of the ground or of things on it, at uniformly random heights, and look in
    any direction and 65 degrees down. Rays check that nothing is between them and that point, that
    they are not inside a solid, have 2 m of room, and see the world in a third of their view.

    Args:
        world: World. The triangles: `positions_m`, (T, 3, 3) float.
        num_places: int. Number of places.
        views_per_place: int. Number of cameras at each place, which look evenly all around.
            Defaults to `1`.
        seed: int. Seed of all random choices. Defaults to `0`.
        heights_m: (minimum, maximum). Heights above the ground. Defaults to `(45.0, 120.0)`.
        spacing_m: float or None. Minimum distance between places. None: 10 m, then less, down to
            1 m, until there are enough places. Defaults to `None`.
        jitter: Jitter. How far cameras move away from their places.

    Returns:
        `Flight`.

    Raises:
        ValueError: If an argument is out of range, or too few places are found.

    Example:

    >>> from types import SimpleNamespace
    >>> field = np.array([[[-400, -400, 0], [400, -400, 0], [0, 400, 0]]], np.float32)
    >>> flight = find_flight(SimpleNamespace(positions_m=field), num_places=3)
    >>> all(44 <= camera.pose.position_m[2] <= 121 for camera in flight.cameras)
    True
    """
    refuse_bad_counts(num_places, views_per_place)
    if not 0 < heights_m[0] <= heights_m[1] < np.inf:
        raise ValueError(
            "`heights_m` must be the minimum and the maximum height, above 0. "
            f"Received: heights_m={heights_m}"
        )
    start_s, collider = time.perf_counter(), Collider(world)
    rng = np.random.default_rng((seed, 3))
    body = Body(clearance_m=_CLEARANCE_M)
    count = min(max(_LEAST_POINTS, _POINTS_PER_PLACE * num_places), _MOST_POINTS)
    feet_m, steep = draw_ground(collider, 4 * count, rng, Body(max_slope_deg=60.0))
    rejected = Counter()
    for spacing in SPACINGS_M if spacing_m is None else (spacing_m,):
        kept = apart(feet_m, spacing) if len(feet_m) else np.empty(0, np.int64)
        chosen: list[list[Camera]] = []
        for first in range(0, min(len(kept), count), num_places):
            some = feet_m[kept[first : first + num_places]]
            heights = rng.uniform(*heights_m, len(some))
            chosen += _views(collider, some, heights, views_per_place, rng, body, jitter, rejected)
            if len(chosen) >= num_places:
                break
        if len(chosen) >= num_places:
            break
    counts = {reason: rejected[reason] for reason in REASONS if rejected[reason]}
    check_enough(len(chosen), num_places, counts)
    cameras = [camera for views in chosen[:num_places] for camera in views]
    _log.info(
        "%s in the air at %s, at least %g m apart (%.1f s); rejected: %s",
        counted(len(cameras), "camera"),
        counted(num_places, "place"),
        spacing,
        time.perf_counter() - start_s,
        listed(counts),
    )
    places = np.repeat(np.arange(num_places), views_per_place)
    low, high = heights_m
    return Flight(collider, cameras, places, counts, body, jitter, spacing, False, (low, high))


def _views(
    collider: Collider,
    feet_m: NDArray[np.float64],
    heights_m: NDArray[np.float64],
    num_views: int,
    rng: np.random.Generator,
    body: Body,
    jitter: Jitter,
    rejected: Counter,
) -> list[list[Camera]]:
    """Returns the cameras above each point of the ground at which all of them have room."""
    eyes_m = feet_m + heights_m[:, None] * [0.0, 0.0, 1.0]
    is_open = is_clear(collider, feet_m + [0.0, 0.0, 0.05], eyes_m)
    rejected[NEAR_WALL] += int((~is_open).sum())
    eyes_m = eyes_m[is_open]
    groups: list[list[Camera]] = []
    for _ in range(_TURNS):
        turns_deg = np.zeros((len(eyes_m), num_views, 3))
        first_deg = rng.uniform(0, 360, (len(eyes_m), 1))
        turns_deg[..., 0] = first_deg + 360.0 * np.arange(num_views) / num_views
        turns_deg[..., 1] = _PITCH_DEG
        trial = shake(
            collider,
            np.repeat(eyes_m, num_views, axis=0),
            turns_deg.reshape(-1, 3),
            rng,
            body=body,
            jitter=jitter,
            is_on_ground=False,
        )
        rows = np.flatnonzero(trial.reasons == "")
        trial.reasons[rows[_share_seen(collider, trial, rows) < _LEAST_SEEN]] = SEES_LITTLE
        rejected.update(trial.reasons[trial.reasons != ""].tolist())
        is_good = (trial.reasons == "").reshape(-1, num_views).all(axis=1)
        for i in np.flatnonzero(is_good) * num_views:
            groups.append([trial.camera(int(i) + view) for view in range(num_views)])
        eyes_m = eyes_m[~is_good]
    return groups


def _share_seen(collider: Collider, trial: Trial, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the share of directions in which each camera sees anything: (k,)."""
    turns, tilts = np.meshgrid(_SIGHT_TURNS_DEG, _SIGHT_PITCHES_DEG)
    headings = np.deg2rad(trial.turns_deg[rows, :1] + turns.reshape(-1))
    pitches = np.deg2rad(trial.turns_deg[rows, 1:2] + tilts.reshape(-1))
    ways = np.stack(
        [
            np.sin(headings) * np.cos(pitches),
            np.cos(headings) * np.cos(pitches),
            np.sin(pitches),
        ],
        axis=-1,
    )
    starts_m = np.repeat(trial.eyes_m[rows], ways.shape[1], axis=0)
    hits_m, _ = collider.cast(starts_m, ways.reshape(-1, 3), _REACH_M)
    return np.isfinite(hits_m).reshape(headings.shape).mean(axis=1)


def _turned(camera: Camera, turn_deg: float) -> Camera:
    pose = camera.pose
    heading_deg = pose.heading_deg + turn_deg
    turned = type(pose)(pose.position_m, heading_deg, pose.pitch_deg, pose.roll_deg)
    return Camera(turned, camera.east_m, camera.north_m, heading_deg % 360.0)
