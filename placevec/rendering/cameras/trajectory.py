"""Follows a given trajectory through a 3-D model."""

import logging
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.config import ModelRenderConfig
from placevec.counted import counted
from placevec.places import PlaceDataset
from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import REASONS, Body, hover, stand
from placevec.rendering.cameras.viewpoints import SPACINGS_M, WALKING, Viewpoints, listed
from placevec.rendering.scenes.camera import Camera, Jitter, Pose, camera_of
from placevec.rendering.scenes.scene import LEAST_CLEARANCE_M
from placevec.rendering.worlds.world import World

_MOST_LEVELS = 12

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Turns:
    """The pitch and roll of the cameras of a trajectory.

    Args:
        pitch_deg: (N,) float64. Angle of the optical axis above the horizon.
        roll_deg: (N,) float64. Rotation about the optical axis; positive lowers the right side.
    """

    pitch_deg: NDArray[np.float64]
    roll_deg: NDArray[np.float64]


def along_trajectory(
    world: World,
    places: PlaceDataset,
    *,
    turns: Turns | None = None,
    scale: float = 1.0,
    spacing_m: float = SPACINGS_M[0],
    eye_height_m: float = ModelRenderConfig.eye_height_m,
    jitter: Jitter = WALKING,
) -> Viewpoints:
    """Puts a camera at each pose of a trajectory.

    East, north and altitude are x, y and z of the model, in its own units and with its own origin;
    `scale` and `world.origin_m` convert them. If the altitude is unknown, the camera stands on the
    ground: the first one on the lowest level, the others on the level nearest to the one before. If
    the heading is unknown, the camera looks toward the next pose. Poses under the ground, inside
    solids or within 0.3 m of a wall are rejected.

    Args:
        world: World. The model.
        places: PlaceDataset. The poses, in the order of the way.
        turns: Turns or None. Pitch and roll of the poses. None: the cameras are level.
        scale: float. Metres per unit of the trajectory, as for the model. Defaults to `1.0`.
        spacing_m: float. Poses nearer than this to the first one of a place belong to that place.
            Defaults to `10.0`.
        eye_height_m: float. Height of cameras whose altitude is unknown. Defaults to `1.7`.
        jitter: Jitter. How far cameras move away on later visits.

    Returns:
        `Viewpoints`, with one camera for each pose that is not rejected.

    Raises:
        ValueError: If the poses have no positions, or all are rejected.
    """
    if places.positions_m is None:
        raise ValueError(
            "A trajectory needs positions. Received: identities of places only. Give `east,north`"
        )
    collider = Collider(world)
    body = Body(eye_height_m, clearance_m=LEAST_CLEARANCE_M, max_slope_deg=60.0)
    eyes_m = np.full((len(places), 3), np.nan)
    eyes_m[:, :2] = scale * places.positions_m - world.origin_m[:2]
    if places.altitudes_m is not None:
        eyes_m[:, 2] = scale * places.altitudes_m - world.origin_m[2]
    is_flying = np.isfinite(eyes_m[:, 2])
    reasons = np.full(len(eyes_m), "", dtype="U20")
    reasons[is_flying] = hover(collider, eyes_m[is_flying], body.clearance_m)
    _stand_all(collider, eyes_m, reasons, np.flatnonzero(~is_flying), body)
    kept = np.flatnonzero(reasons == "")
    found = Counter(reasons[reasons != ""].tolist())
    counts = {reason: found[reason] for reason in REASONS if found[reason]}
    if not len(kept):
        low, high = world.bounds_m + np.array(world.origin_m)
        raise ValueError(
            f"A pose of the trajectory must be in the free space of {world.name}, x, y, z from "
            f"{_numbers(low / scale)} to {_numbers(high / scale)}. Received: "
            f"{counted(len(places), 'pose')}, none of them there ({listed(counts)}). Give the "
            "trajectory in the model's frame and units, and check which axis is up"
        )
    _log.info("used %d of %d poses; rejected: %s", len(kept), len(places), listed(counts))
    headings_deg = _headings(places, eyes_m)
    pitch_deg, roll_deg = (
        (np.zeros(len(places)),) * 2 if turns is None else (turns.pitch_deg, turns.roll_deg)
    )
    cameras: list[Camera] = [
        camera_of(
            Pose(
                tuple(eyes_m[i].tolist()),
                float(headings_deg[i]),
                float(pitch_deg[i]),
                float(roll_deg[i]),
            )
        )
        for i in kept
    ]
    numbers = _number_places(eyes_m[kept], spacing_m)
    is_on_ground = not is_flying[kept].any() and turns is None
    return Viewpoints(collider, cameras, numbers, counts, body, jitter, spacing_m, is_on_ground)


def _stand_all(
    collider: Collider,
    eyes_m: NDArray[np.float64],
    reasons: NDArray[np.str_],
    rows: NDArray[np.int64],
    body: Body,
) -> None:
    """Sets the heights of cameras that stand on the ground, or the reason why they cannot."""
    owners, feet_m = _levels(collider, eyes_m[rows, :2])
    found = stand(collider, feet_m, body)
    last_m = -np.inf
    for number, row in enumerate(rows):
        levels = np.flatnonzero(owners == number)
        free = levels[found.is_free[levels]]
        if not len(free):
            reasons[row] = found.reasons[levels[-1]] if len(levels) else REASONS[0]
            continue
        heights_m = found.feet_m[free, 2]
        gaps_m = heights_m if np.isinf(last_m) else np.abs(heights_m - last_m)
        last_m = heights_m[gaps_m.argmin()]
        eyes_m[row, 2] = last_m + body.eye_height_m


def _levels(
    collider: Collider, spots_m: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Returns all surfaces above or below some spots: the spot of each, and its height."""
    top_m = float(collider.corners_m[..., 2].max(initial=0.0)) + 1.0
    reach_m = float(np.ptp(collider.corners_m[..., 2])) + 2.0
    owners, feet_m = [np.empty(0, np.int64)], [np.empty((0, 3))]
    starts_m = np.column_stack([spots_m, np.full(len(spots_m), top_m)])
    rows = np.arange(len(spots_m))
    for _ in range(_MOST_LEVELS):
        down = np.broadcast_to([0.0, 0.0, -1.0], starts_m.shape)
        below_m, _ = collider.cast(starts_m, down, reach_m)
        is_hit = np.isfinite(below_m)
        starts_m, rows = starts_m[is_hit], rows[is_hit]
        if not len(rows):
            break
        starts_m[:, 2] -= below_m[is_hit]
        owners.append(rows)
        feet_m.append(starts_m.copy())
        starts_m[:, 2] -= 0.05
    return np.concatenate(owners), np.concatenate(feet_m)


def _headings(places: PlaceDataset, eyes_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns where cameras look or, if unknown, where they go: (N,) degrees."""
    steps_m = np.diff(eyes_m[:, :2], axis=0, append=eyes_m[-1:, :2])
    ahead_deg = np.rad2deg(np.arctan2(steps_m[:, 0], steps_m[:, 1])) % 360.0
    last_deg = 0.0
    for i, step_m in enumerate(np.hypot(*steps_m.T)):
        last_deg = ahead_deg[i] = ahead_deg[i] if step_m > 1e-6 else last_deg
    if places.headings_deg is None:
        return ahead_deg
    return np.where(np.isfinite(places.headings_deg), places.headings_deg, ahead_deg)


def _number_places(eyes_m: NDArray[np.float64], spacing_m: float) -> NDArray[np.int64]:
    """Numbers places along the way: a pose `spacing_m` from all places so far begins a new one.

    Every other pose gets the number of the nearest place, also when the way comes back to it.
    """
    firsts, numbers = np.empty((0, 3)), np.zeros(len(eyes_m), np.int64)
    for i, eye_m in enumerate(eyes_m):
        gaps_m = np.linalg.norm(firsts - eye_m, axis=1)
        if gaps_m.min(initial=np.inf) >= spacing_m:
            firsts, numbers[i] = np.vstack([firsts, eye_m]), len(firsts)
        else:
            numbers[i] = gaps_m.argmin()
    return numbers


def _numbers(values: NDArray[np.float64]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
