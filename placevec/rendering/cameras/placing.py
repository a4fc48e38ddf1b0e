"""Moves and turns cameras a little, and checks whether they can be there."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import (
    FACES_WALL,
    NEAR_WALL,
    SEES_LITTLE,
    Body,
    hover,
    stand,
)
from placevec.rendering.cameras.free_space.walkable import is_clear
from placevec.rendering.scenes.camera import Camera, Jitter, Pose, camera_of

_SIGHT_TURNS_DEG = (-30.0, -15.0, 0.0, 15.0, 30.0)
_SIGHT_RISES_DEG = (-12.0, 2.0, 12.0)
_LEAST_STEP_M = 1.0
_LEAST_AHEAD_M = 2.0


@dataclass(frozen=True, eq=False)
class Trial:
    """Cameras after jitter, and why they cannot be there.

    Args:
        reasons: (n,) str. Why not; empty if they can.
        eyes_m: (n, 3) float64. Positions of the cameras.
        turns_deg: (n, 3) float64. Heading, pitch and roll.
    """

    reasons: NDArray[np.str_]
    eyes_m: NDArray[np.float64]
    turns_deg: NDArray[np.float64]

    def camera(self, row: int) -> Camera:
        """Returns the camera of a row."""
        heading_deg, pitch_deg, roll_deg = self.turns_deg[row].tolist()
        return camera_of(Pose(tuple(self.eyes_m[row].tolist()), heading_deg, pitch_deg, roll_deg))


def shake(
    collider: Collider,
    eyes_m: NDArray[np.float64],
    turns_deg: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    body: Body,
    jitter: Jitter,
    seen_from_m: NDArray[np.float64] | None = None,
    is_on_ground: bool = True,
) -> Trial:
    """Moves and turns cameras a little, and checks whether they can be there.

    A camera that `seen_from_m` does not see is beyond a wall, and is rejected as too near a wall.

    Args:
        collider: Collider. The world.
        eyes_m: (n, 3) float64. The cameras, `body.eye_height_m` above the ground if they stand.
        turns_deg: (n, 3) float64. Their heading, pitch and roll.
        rng: np.random.Generator. The jitter.
        body: Body. The room that each needs.
        jitter: Jitter. How far they move and turn.
        seen_from_m: (n, 3) float64. Points that they must see. Defaults to `eyes_m`.
        is_on_ground: bool. Whether they stand, and follow the ground up and down. Defaults to
            `True`.

    Returns:
        `Trial`.
    """
    draws = rng.uniform(-1, 1, (len(eyes_m), 6))
    turn = np.deg2rad(turns_deg[:, 0])
    ahead = np.stack([np.sin(turn), np.cos(turn)], axis=1)
    right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    moved_m = eyes_m.copy()
    moved_m[:, :2] += draws[:, :1] * jitter.along_m * ahead
    moved_m[:, :2] += draws[:, 1:2] * jitter.across_m * right
    lifts_m = draws[:, 2] * jitter.height_m
    if is_on_ground:
        found = stand(collider, moved_m - [0, 0, body.eye_height_m], body, lifts_m)
        reasons, moved_m = found.reasons, found.feet_m + [0, 0, body.eye_height_m]
        moved_m[:, 2] += lifts_m
    else:
        moved_m[:, 2] += lifts_m
        reasons = hover(collider, moved_m, body.clearance_m)
    rows = np.flatnonzero(reasons == "")
    seen_from_m = eyes_m if seen_from_m is None else seen_from_m
    reasons[rows[~is_clear(collider, seen_from_m[rows], moved_m[rows])]] = NEAR_WALL
    scale = np.array([jitter.heading_deg, jitter.tilt_deg, jitter.tilt_deg / 2])
    return Trial(reasons, moved_m, turns_deg + draws[:, 3:] * scale)


def look(
    collider: Collider, trial: Trial, *, body: Body, least_seen: float, sight_m: float
) -> Trial:
    """Also checks that cameras see something other than a wall right in front of them.

    Fifteen rays are cast, up to 30 degrees to either side, below and above the horizon. Points
    within a metre of the height of the ground below the camera do not count as something, and
    neither does ground that rises gently.

    Args:
        collider: Collider. The world.
        trial: Trial. The cameras.
        body: Body. Gives the height of the cameras above the ground.
        least_seen: float. Minimum share of the rays that must hit something.
        sight_m: float. Anything farther away does not count.

    Returns:
        `Trial`. At least half of the rays must also go 2 m before they hit anything.
    """
    rows = np.flatnonzero(trial.reasons == "")
    turns, rises = np.meshgrid(np.deg2rad(_SIGHT_TURNS_DEG), np.deg2rad(_SIGHT_RISES_DEG))
    turns = np.deg2rad(trial.turns_deg[rows, :1]) + turns.reshape(-1)  # (k, rays)
    rises = np.broadcast_to(rises.reshape(-1), turns.shape)
    ways = np.stack(
        [np.sin(turns) * np.cos(rises), np.cos(turns) * np.cos(rises), np.sin(rises)], axis=-1
    )
    starts_m = np.repeat(trial.eyes_m[rows], ways.shape[1], axis=0)
    hits_m, triangles = collider.cast(starts_m, ways.reshape(-1, 3), sight_m)
    hits_m, triangles = hits_m.reshape(turns.shape), triangles.reshape(turns.shape)
    above_ground_m = body.eye_height_m + np.where(np.isfinite(hits_m), hits_m, 0) * np.sin(rises)
    is_slope = collider.normals[triangles, 2] >= np.cos(np.deg2rad(body.max_slope_deg))
    is_seen = (above_ground_m < -_LEAST_STEP_M) | (above_ground_m > _LEAST_STEP_M) & ~is_slope
    is_seen &= np.isfinite(hits_m)
    reasons = trial.reasons.copy()
    reasons[rows[np.median(hits_m, axis=1) < _LEAST_AHEAD_M]] = FACES_WALL
    reasons[rows[is_seen.mean(axis=1) < least_seen]] = SEES_LITTLE
    return replace(trial, reasons=reasons)
