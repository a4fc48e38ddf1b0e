"""Finds where in a world a camera can stand: on the ground, upright and clear of walls."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from placevec.config import ModelRenderConfig
from placevec.rendering.cameras.free_space.collisions import Collider

NO_GROUND = "no ground below"
TOO_STEEP = "too steep"
NO_HEAD_ROOM = "no head room"
NEAR_WALL = "too near a wall"
INSIDE = "inside a solid"
AREA_TOO_SMALL = "area too small"
SEES_LITTLE = "sees too little"
FACES_WALL = "faces a wall"
UNDER_GROUND = "under the ground"
REASONS = (
    NO_GROUND, TOO_STEEP, NO_HEAD_ROOM, NEAR_WALL, INSIDE, AREA_TOO_SMALL, SEES_LITTLE, FACES_WALL,
    UNDER_GROUND,
)  # fmt: skip
NUM_AROUND = 8
REACH_M = 100.0
_LARGEST_BACK_SHARE = 0.5
_UP, _DOWN = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class Body:
    """The room that a standing camera needs.

    Args:
        eye_height_m: float. Height of the camera above the ground. Defaults to `1.7`.
        head_room_m: float. Room above the camera. Defaults to `0.3`.
        clearance_m: float. Room around the camera. Defaults to `1.0`.
        max_slope_deg: float. Steepest ground. Defaults to `30.0`.
        step_m: float. Highest step of the ground from one point to the next. Defaults to `0.5`.

    Raises:
        ValueError: If an argument is out of range.
    """

    eye_height_m: float = ModelRenderConfig.eye_height_m
    head_room_m: float = 0.3
    clearance_m: float = 1.0
    max_slope_deg: float = 30.0
    step_m: float = 0.5

    def __post_init__(self) -> None:
        for name in ("eye_height_m", "head_room_m", "clearance_m", "step_m"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"`{name}` must be positive. Received: {getattr(self, name)}")
        if not 0 < self.max_slope_deg < 90:
            raise ValueError(
                "`max_slope_deg` must be between 0 and 90. "
                f"Received: max_slope_deg={self.max_slope_deg}"
            )
        if self.step_m >= self.eye_height_m:
            raise ValueError(
                "`step_m` must be less than `eye_height_m`. "
                f"Received: step_m={self.step_m}, eye_height_m={self.eye_height_m}"
            )


@dataclass(frozen=True, eq=False)
class Standing:
    """Whether cameras can stand at some points, and what is around them.

    Args:
        reasons: (n,) str. Why the camera cannot stand there; empty if it can.
        feet_m: (n, 3) float64. The ground below, if there is any.
        free_m: (n, 8) float64. Free distance around the camera, clockwise from north, at most
            100 m.
    """

    reasons: NDArray[np.str_]
    feet_m: NDArray[np.float64]
    free_m: NDArray[np.float64]

    @property
    def is_free(self) -> NDArray[np.bool_]:
        """(n,) bool. Whether a camera can stand there."""
        return self.reasons == ""


def stand(
    collider: Collider,
    feet_m: NDArray[np.floating],
    body: Body,
    lifts_m: NDArray[np.floating] | float = 0.0,
) -> Standing:
    """Checks whether cameras can stand near given points of the ground.

    The check looks for the ground again, so points may be a step too high or too low. A camera is
    inside a solid if it sees triangles from behind in most horizontal directions and straight up,
    or in most slanted directions and straight up, or if it sees the ground from behind.

    Args:
        collider: Collider. The world.
        feet_m: (n, 3) float. Points of the ground.
        body: Body. The room that a camera needs.
        lifts_m: (n,) float. Height of each camera above `body.eye_height_m`.

    Returns:
        `Standing`.
    """
    feet_m = np.array(feet_m, np.float64).reshape(-1, 3)
    heights_m = body.eye_height_m + np.broadcast_to(lifts_m, len(feet_m))
    found = Standing(
        np.full(len(feet_m), "", dtype="U20"), feet_m, np.zeros((len(feet_m), NUM_AROUND))
    )
    _find_ground(collider, found, body, heights_m)
    _look_around(collider, found, body, heights_m)
    return found


def hover(collider: Collider, eyes_m: NDArray[np.floating], clearance_m: float) -> NDArray[np.str_]:
    """Checks whether cameras can be at points in the air, whatever is below.

    A camera is under the ground if it sees the first thing above it from behind, and nothing is
    below it.

    Args:
        collider: Collider. The world.
        eyes_m: (n, 3) float. The points.
        clearance_m: float. Room around, above and below.

    Returns:
        (n,) str. Why a camera cannot be there; empty if it can.
    """
    eyes_m = np.array(eyes_m, np.float64).reshape(-1, 3)
    reasons = np.full(len(eyes_m), "", dtype="U20")
    hits_m, is_inside = _cast_around(collider, eyes_m)
    heights_m = np.concatenate([collider.corners_m[..., 2].reshape(-1), eyes_m[:, 2]])
    reach_m = float(np.ptp(heights_m)) + 1.0 if len(heights_m) else 1.0
    up, down = (np.broadcast_to(way, eyes_m.shape) for way in (_UP, _DOWN))
    _, above = collider.cast(eyes_m, up, reach_m)
    below_m, below = collider.cast(eyes_m, down, reach_m)
    for reason, is_so in (
        (UNDER_GROUND, collider.is_back(above, up) & (below < 0)),
        (INSIDE, is_inside | collider.is_back(below, down)),
        (NEAR_WALL, np.minimum(hits_m.min(axis=1), below_m) < clearance_m),
    ):
        reasons[(reasons == "") & is_so] = reason
    return reasons


def around(count: int = NUM_AROUND) -> NDArray[np.float64]:
    """Returns horizontal directions, clockwise from north: (count, 3) float64 of unit length."""
    turns = 2 * np.pi * np.arange(count) / count
    return np.stack([np.sin(turns), np.cos(turns), np.zeros(count)], axis=1)


def _find_ground(
    collider: Collider, found: Standing, body: Body, heights_m: NDArray[np.float64]
) -> None:
    eyes_m = found.feet_m + heights_m[:, None] * _UP
    down = np.broadcast_to(_DOWN, eyes_m.shape)
    below_m, triangles = collider.cast(eyes_m, down, float(heights_m.max(initial=1) + body.step_m))
    slope_deg = np.rad2deg(np.arccos(np.clip(collider.normals[triangles, 2], -1, 1)))
    ground_height_m = heights_m - below_m
    for reason, is_so in (
        (NO_GROUND, ground_height_m < -body.step_m),
        (NO_HEAD_ROOM, ground_height_m > body.step_m),
        (INSIDE, slope_deg > 90),
        (TOO_STEEP, slope_deg > body.max_slope_deg),
    ):
        found.reasons[(found.reasons == "") & is_so] = reason
    is_found = np.isfinite(below_m)
    found.feet_m[is_found, 2] = eyes_m[is_found, 2] - below_m[is_found]


def _look_around(
    collider: Collider, found: Standing, body: Body, heights_m: NDArray[np.float64]
) -> None:
    rows = np.flatnonzero(found.is_free)
    eyes_m = found.feet_m[rows] + heights_m[rows, None] * _UP
    hits_m, is_inside = _cast_around(collider, eyes_m)
    found.free_m[rows] = np.minimum(hits_m[:, :NUM_AROUND], REACH_M)
    for reason, is_so in (
        (INSIDE, is_inside),
        (NO_HEAD_ROOM, hits_m[:, NUM_AROUND] < body.head_room_m),
        (NEAR_WALL, hits_m[:, :NUM_AROUND].min(axis=1, initial=np.inf) < body.clearance_m),
    ):
        chosen = rows[is_so & (found.reasons[rows] == "")]
        found.reasons[chosen] = reason


def _cast_around(
    collider: Collider, eyes_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns the free distances around, up and at a slant, and whether a camera is in a solid.

    One far wall that is seen from behind means nothing, because models are often open at the back.
    Such walls all around mean that the camera is inside.
    """
    level = around()
    aslant = (level[::2] + _UP) / np.sqrt(2.0)
    ways = np.vstack([level, _UP, aslant])
    directions = np.tile(ways, (len(eyes_m), 1))
    hits_m, triangles = collider.cast(np.repeat(eyes_m, len(ways), axis=0), directions, REACH_M)
    is_back = collider.is_back(triangles, directions).reshape(len(eyes_m), len(ways))
    level_share = is_back[:, : len(level) + 1].mean(axis=1)
    aslant_share = is_back[:, len(level) :].mean(axis=1)
    is_inside = np.maximum(level_share, aslant_share) > _LARGEST_BACK_SHARE
    return hits_m.reshape(len(eyes_m), len(ways)), is_inside
