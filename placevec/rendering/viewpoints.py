"""Chooses where photos of a 3-D model are taken, and which way they look."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from placevec.rendering.cameras import Camera, Jitter
from placevec.rendering.collisions import Collider, HasTriangles
from placevec.rendering.free_space import (
    AREA_TOO_SMALL,
    NEAR_WALL,
    REASONS,
    SEES_LITTLE,
    Body,
    around,
    stand,
)
from placevec.rendering.renderer import Pose
from placevec.rendering.walkable import Walkable, find_walkable, is_clear

DIRECTIONS = ("streets", "around")
WALKING = Jitter(along_m=1.0, across_m=1.0, height_m=0.15, heading_deg=8.0, tilt_deg=2.0)
_POINTS_PER_PLACE = 4
_LEAST_POINTS = 1500
_TRIES = 6
_STREAM_TRIES = 40
_SIGHT_TURNS_DEG = (-30.0, -15.0, 0.0, 15.0, 30.0)
_SIGHT_RISES_DEG = (2.0, 12.0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Viewpoints:
    """Cameras in a world that stand on its ground, clear of its walls.

    Args:
        collider: Collider. The world.
        cameras: list of Camera. All views of the first place, then those of the next.
        places: (n,) int64. The place of each camera.
        rejected: dict. Reason -> how many points and cameras were given up for it.
        body: Body. The room that each camera has.
        jitter: Jitter. How far drawn cameras stray.
    """

    collider: Collider
    cameras: list[Camera]
    places: np.ndarray
    rejected: dict[str, int] = field(default_factory=dict)
    body: Body = Body()
    jitter: Jitter = WALKING

    def sample(self, rng: np.random.Generator) -> Camera:
        """Returns a camera beside one of `cameras`."""
        return self._beside(self.cameras[rng.integers(len(self.cameras))], rng)

    def sample_near(
        self, camera: Camera, rng: np.random.Generator, radius_m: float = 10.0
    ) -> Camera:
        """Returns a camera that shows the same place.

        It stands at most `radius_m` from `camera`, with nothing between the two, and looks about
        the same way. Where no room is found, `camera` itself is returned.
        """
        start_m = np.array(camera.pose.position_m)
        for _ in range(_STREAM_TRIES):
            moved_m = start_m + [*rng.normal(0, radius_m / 3, 2), 0]
            if np.hypot(*(moved_m - start_m)[:2]) <= radius_m:
                pose = Pose(tuple(moved_m), camera.heading_deg)
                found = self._shaken(camera_of(pose), rng, start_m)
                if found is not None and _distance_m(found, camera) <= radius_m:
                    return found
        return camera

    def sample_far(
        self, camera: Camera, rng: np.random.Generator, distance_m: float = 25.0
    ) -> Camera:
        """Returns a camera that shows another place: more than `distance_m` from `camera`.

        Raises:
            ValueError: If there is none.
        """
        for index in rng.permutation(len(self.cameras)):
            if _distance_m(self.cameras[index], camera) > distance_m:
                found = self._beside(self.cameras[index], rng)
                far = _distance_m(found, camera) > distance_m
                return found if far else self.cameras[index]
        raise ValueError(
            f"One camera must stand more than {distance_m} m from another. Received: "
            f"{len(self.cameras)} cameras, none so far away. Lower `distance_m`, or use a larger "
            "world"
        )

    def _beside(self, camera: Camera, rng: np.random.Generator) -> Camera:
        for _ in range(_STREAM_TRIES):
            found = self._shaken(camera, rng, np.array(camera.pose.position_m))
            if found is not None:
                return found
        return camera

    def _shaken(
        self, camera: Camera, rng: np.random.Generator, seen_from_m: np.ndarray
    ) -> Camera | None:
        feet_m = np.array([camera.pose.position_m]) - [0, 0, self.body.eye_height_m]
        heading_deg = np.array([camera.heading_deg])
        trial = _shake(
            self.collider, feet_m, heading_deg, seen_from_m[None], rng, self.body, self.jitter
        )
        return trial.camera(0) if trial.reasons[0] == "" else None


def find_viewpoints(
    world: HasTriangles,
    *,
    num_places: int,
    views_per_place: int = 1,
    seed: int = 0,
    eye_height_m: float = 1.7,
    spacing_m: float = 5.0,
    max_slope_deg: float = 30.0,
    clearance_m: float = 1.0,
    directions: str = "streets",
    jitter: Jitter = WALKING,
    least_seen: float = 0.2,
    sight_m: float = 150.0,
    least_area_share: float = 0.1,
) -> Viewpoints:
    """Finds places in a world where one can stand, and cameras there.

    Every camera strays from its place by `jitter`, and is then tried once more by rays: it stands
    on the ground, has room above and around it, is not inside a solid, and sees something.

    Args:
        world: World. The triangles: `positions_m`, (T, 3, 3) float.
        num_places: int. How many places.
        views_per_place: int. Cameras at each. Defaults to `1`.
        seed: int. Seed of all that is drawn. Defaults to `0`.
        eye_height_m: float. From the ground to a camera. Defaults to `1.7`.
        spacing_m: float. Least distance from place to place. Defaults to `5.0`.
        max_slope_deg: float. Steepest ground. Defaults to `30.0`.
        clearance_m: float. Room around a camera. Defaults to `1.0`.
        directions: str. `"streets"`: cameras look the way that is free the longest, the next one
            back, and so on to either side; `"around"`: evenly all around. Defaults to `"streets"`.
        jitter: Jitter. How far cameras stray from their places.
        least_seen: float. Share of a view at and above the horizon that must show something.
            Defaults to `0.2`.
        sight_m: float. What lies farther away counts as nothing. Defaults to `150.0`.
        least_area_share: float. Smallest connected area that is used, as share of the largest.
            Defaults to `0.1`.

    Returns:
        `Viewpoints`.

    Raises:
        ValueError: If an argument is out of range, or too few places are found.
    """
    if num_places < 1 or views_per_place < 1:
        raise ValueError(
            "`num_places` and `views_per_place` must be positive integers. "
            f"Received: {num_places} and {views_per_place}"
        )
    if directions not in DIRECTIONS:
        raise ValueError(f"`directions` must be one of {DIRECTIONS}. Received: {directions!r}")
    start_s = time.perf_counter()
    body = Body(eye_height_m, clearance_m=clearance_m, max_slope_deg=max_slope_deg)
    collider, rng = Collider(world), np.random.default_rng((seed, 2))
    walkable = find_walkable(
        collider,
        num_points=max(_LEAST_POINTS, _POINTS_PER_PLACE * num_places),
        spacing_m=spacing_m,
        seed=seed,
        body=body,
        least_area_share=least_area_share,
    )
    rejected = Counter(walkable.rejected)
    order = rng.permutation(len(walkable.feet_m))
    chosen: list[list[Camera]] = []
    while len(chosen) < num_places and len(order):
        missing = num_places - len(chosen)
        some, order = order[: missing + 8], order[missing + 8 :]
        headings_deg = _headings(walkable, some, views_per_place, directions, rng)
        views = _place(
            collider, walkable.feet_m[some], headings_deg, rng, body, jitter, rejected,
            (least_seen, sight_m),
        )  # fmt: skip
        chosen.extend(views[:missing])
    counts = {reason: rejected[reason] for reason in REASONS if rejected[reason]}
    _check_enough(len(chosen), num_places, counts)
    cameras = [camera for views in chosen for camera in views]
    logger.info(
        "%d cameras at %d places (%.1f s); given up: %s",
        len(cameras),
        len(chosen),
        time.perf_counter() - start_s,
        _listed(counts),
    )
    places = np.repeat(np.arange(len(chosen)), views_per_place)
    return Viewpoints(collider, cameras, places, counts, body, jitter)


def camera_of(pose: Pose) -> Camera:
    """Returns the camera of a pose in a world whose x is east and whose y is north."""
    east_m, north_m, _ = pose.position_m
    return Camera(pose, float(east_m), float(north_m), float(pose.heading_deg) % 360.0)


@dataclass(frozen=True, eq=False)
class _Trial:
    """Cameras after jitter, and why they cannot stand there; empty where they can."""

    reasons: np.ndarray  # (n,)
    eyes_m: np.ndarray  # (n, 3)
    turns_deg: np.ndarray  # (n, 3): heading, pitch, roll

    def camera(self, row: int) -> Camera:
        """Returns one of them."""
        heading_deg, pitch_deg, roll_deg = self.turns_deg[row].tolist()
        return camera_of(Pose(tuple(self.eyes_m[row].tolist()), heading_deg, pitch_deg, roll_deg))


def _shake(
    collider: Collider,
    feet_m: np.ndarray,
    headings_deg: np.ndarray,
    seen_from_m: np.ndarray,
    rng: np.random.Generator,
    body: Body,
    jitter: Jitter,
) -> _Trial:
    """Moves and turns cameras a little, and tries whether they can stand there.

    A camera too near a wall includes one that `seen_from_m` does not see: it is beyond the wall.
    """
    draws = rng.uniform(-1, 1, (len(feet_m), 6))
    turn = np.deg2rad(headings_deg)
    ahead = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    moved_m = feet_m.copy()
    moved_m[:, :2] += draws[:, :1] * jitter.along_m * ahead
    moved_m[:, :2] += draws[:, 1:2] * jitter.across_m * right
    lifts_m = draws[:, 2] * jitter.height_m
    found = stand(collider, moved_m, body, lifts_m)
    eyes_m = found.feet_m + np.stack([0 * lifts_m, 0 * lifts_m, body.eye_height_m + lifts_m], 1)
    rows = np.flatnonzero(found.is_free)
    hidden = rows[~is_clear(collider, seen_from_m[rows], eyes_m[rows])]
    found.reasons[hidden] = NEAR_WALL
    scale = np.array([jitter.heading_deg, jitter.tilt_deg, jitter.tilt_deg / 2])
    turns_deg = draws[:, 3:] * scale
    turns_deg[:, 0] += headings_deg
    return _Trial(found.reasons, eyes_m, turns_deg)


def _place(
    collider: Collider,
    feet_m: np.ndarray,
    headings_deg: np.ndarray,
    rng: np.random.Generator,
    body: Body,
    jitter: Jitter,
    rejected: Counter,
    least_sight: tuple[float, float],
) -> list[list[Camera]]:
    """Returns the cameras of each point of the ground where all of them find room."""
    num_places, num_views = headings_deg.shape
    all_feet_m = np.repeat(feet_m, num_views, axis=0)
    all_headings_deg = headings_deg.reshape(-1)
    eyes_m = all_feet_m + [0, 0, body.eye_height_m]
    cameras: list[Camera | None] = [None] * len(eyes_m)
    missing = np.arange(len(eyes_m))
    for _ in range(_TRIES):
        trial = _shake(
            collider,
            all_feet_m[missing],
            all_headings_deg[missing],
            eyes_m[missing],
            rng,
            body,
            jitter,
        )
        rows = np.flatnonzero(trial.reasons == "")
        seen = _share_seen(collider, trial.eyes_m[rows], trial.turns_deg[rows, 0], least_sight[1])
        trial.reasons[rows[seen < least_sight[0]]] = SEES_LITTLE
        is_good = trial.reasons == ""
        rejected.update(trial.reasons[~is_good].tolist())
        for row in np.flatnonzero(is_good):
            cameras[missing[row]] = trial.camera(row)
        missing = missing[~is_good]
        if not len(missing):
            break
    groups = [cameras[i * num_views : (i + 1) * num_views] for i in range(num_places)]
    return [group for group in groups if None not in group]


def _share_seen(
    collider: Collider, eyes_m: np.ndarray, headings_deg: np.ndarray, sight_m: float
) -> np.ndarray:
    """Returns in what share of its directions each camera sees the front of something: (n,)."""
    turns, rises = np.meshgrid(np.deg2rad(_SIGHT_TURNS_DEG), np.deg2rad(_SIGHT_RISES_DEG))
    turns = np.deg2rad(headings_deg)[:, None] + turns.reshape(-1)  # (n, rays)
    rises = np.broadcast_to(rises.reshape(-1), turns.shape)
    ways = np.stack(
        [np.sin(turns) * np.cos(rises), np.cos(turns) * np.cos(rises), np.sin(rises)], axis=-1
    )
    starts_m = np.repeat(eyes_m, ways.shape[1], axis=0)
    _, triangles = collider.cast(starts_m, ways.reshape(-1, 3), sight_m)
    is_seen = (triangles >= 0) & ~collider.is_back(triangles, ways.reshape(-1, 3))
    return is_seen.reshape(turns.shape).mean(axis=1)


def _headings(
    walkable: Walkable, rows: np.ndarray, count: int, directions: str, rng: np.random.Generator
) -> np.ndarray:
    """Returns where the cameras of some points look: (n, count) degrees clockwise from north."""
    if directions == "around":
        offsets_deg = rng.uniform(0, 360, (len(rows), 1))
        return (offsets_deg + 360.0 * np.arange(count) / count) % 360.0
    free_m = walkable.free_m[rows]
    half = free_m.shape[1] // 2
    way = (free_m[:, :half] + free_m[:, half:]).argmax(axis=1)
    way = way + half * rng.integers(0, 2, len(rows))
    turns = np.arange(count)
    aside = 45.0 * ((turns // 2 + 1) // 2) * np.where(turns // 2 % 2, 1, -1)
    ahead_deg = 360.0 / len(around()) * way[:, None]
    return (ahead_deg + 180.0 * (turns % 2) + aside) % 360.0


def _check_enough(found: int, wanted: int, rejected: dict[str, int]) -> None:
    if found >= wanted:
        return
    hint = "Ask for fewer places, or lower `spacing_m`, `clearance_m` or `least_seen`"
    if rejected and max(rejected, key=rejected.__getitem__) == AREA_TOO_SMALL:
        hint = "Ask for fewer places, or lower `least_area_share`"
    raise ValueError(
        f"{wanted} places must be found in the world. Received: {found}; given up: "
        f"{_listed(rejected)}. {hint}, and check which axis of the model is up and its scale"
    )


def _listed(counts: dict[str, int] | Sequence) -> str:
    if not counts:
        return "nothing"
    return ", ".join(f"{reason} {count}" for reason, count in counts.items())


def _distance_m(one: Camera, other: Camera) -> float:
    return float(np.hypot(one.east_m - other.east_m, one.north_m - other.north_m))
