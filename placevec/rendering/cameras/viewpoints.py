"""Cameras in a 3-D model that have room around them, and random cameras near them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.rendering.cameras.free_space.collisions import Collider
from placevec.rendering.cameras.free_space.free_space import AREA_TOO_SMALL, Body
from placevec.rendering.cameras.placing import shake
from placevec.rendering.scenes.camera import Camera, Jitter

WALKING = Jitter(along_m=1.0, across_m=1.0, height_m=0.15, heading_deg=8.0, tilt_deg=2.0)
SPACINGS_M = (10.0, 7.0, 5.0, 3.5, 2.5, 1.8, 1.25, 1.0)
"""Minimum distances between places that are tried if you give none, the largest first."""

_STREAM_TRIES = 40


@dataclass(frozen=True, eq=False)
class Viewpoints:
    """Cameras in a world that have room around them.

    Args:
        collider: Collider. The world.
        cameras: list of Camera. All views of the first place, then those of the next.
        places: (n,) int64. The place of each camera.
        rejected: dict. Reason -> number of points and cameras that were rejected for it.
        body: Body. The room that each camera has.
        jitter: Jitter. How far random cameras move away.
        spacing_m: float. Minimum distance between places.
        is_on_ground: bool. Whether cameras stand on the ground.
    """

    collider: Collider
    cameras: list[Camera]
    places: NDArray[np.int64]
    rejected: dict[str, int] = field(default_factory=dict)
    body: Body = Body()
    jitter: Jitter = WALKING
    spacing_m: float = 0.0
    is_on_ground: bool = True

    def sample(self, rng: np.random.Generator) -> Camera:
        """Returns a random camera near one of `cameras`."""
        return self._beside(self.cameras[rng.integers(len(self.cameras))], rng)

    def sample_near(
        self, camera: Camera, rng: np.random.Generator, radius_m: float = 10.0
    ) -> Camera:
        """Returns a camera that shows the same place.

        It is at most `radius_m` from `camera`, with nothing between the two, and looks in about the
        same direction. Returns `camera` itself if no room is found.
        """
        start_m = np.array(camera.pose.position_m)
        for _ in range(_STREAM_TRIES):
            moved_m = start_m + [*rng.normal(0, radius_m / 3, 2), 0]
            if np.hypot(*(moved_m - start_m)[:2]) <= radius_m:
                found = self._shaken(camera, moved_m, rng)
                if found is not None and distance_m(found, camera) <= radius_m:
                    return found
        return camera

    def sample_far(self, camera: Camera, rng: np.random.Generator, least_m: float = 25.0) -> Camera:
        """Returns a camera that shows another place: more than `least_m` from `camera`.

        Raises:
            ValueError: If no such camera exists.
        """
        for index in rng.permutation(len(self.cameras)):
            if distance_m(self.cameras[index], camera) > least_m:
                found = self._beside(self.cameras[index], rng)
                return found if distance_m(found, camera) > least_m else self.cameras[index]
        raise ValueError(
            f"One camera must be more than {least_m} m from another. Received: "
            f"{counted(len(self.cameras), 'camera')}, none that far away. Lower that distance, or "
            "use a larger world"
        )

    def _beside(self, camera: Camera, rng: np.random.Generator) -> Camera:
        for _ in range(_STREAM_TRIES):
            found = self._shaken(camera, np.array(camera.pose.position_m), rng)
            if found is not None:
                return found
        return camera

    def _shaken(
        self, camera: Camera, moved_m: NDArray[np.float64], rng: np.random.Generator
    ) -> Camera | None:
        """Returns a camera like `camera`, near a point that it must see, if there is room."""
        pose = camera.pose
        turns_deg = [camera.heading_deg, 0.0, 0.0]
        if not self.is_on_ground:
            turns_deg[1:] = pose.pitch_deg, pose.roll_deg
        trial = shake(
            self.collider,
            moved_m[None],
            np.array([turns_deg]),
            rng,
            body=self.body,
            jitter=self.jitter,
            seen_from_m=np.array([pose.position_m]),
            is_on_ground=self.is_on_ground,
        )
        return trial.camera(0) if trial.reasons[0] == "" else None


def refuse_bad_counts(num_places: int, views_per_place: int) -> None:
    """Refuses numbers of places and views that are not positive."""
    if num_places < 1 or views_per_place < 1:
        raise ValueError(
            "`num_places` and `views_per_place` must be positive integers. "
            f"Received: {num_places} and {views_per_place}"
        )


def check_enough(found: int, wanted: int, rejected: dict[str, int]) -> None:
    """Raises an error if too few places were found, and says why the others were rejected."""
    if found >= wanted:
        return
    hint = "Ask for fewer places, or lower `spacing_m`, `clearance_m` or `least_seen`"
    if rejected and max(rejected, key=rejected.__getitem__) == AREA_TOO_SMALL:
        hint = "Ask for fewer places, or lower `least_area_share`"
    raise ValueError(
        f"{counted(wanted, 'place')} must be found in the world. Received: {found}; rejected: "
        f"{listed(rejected)}. {hint}, and check which axis of the model is up and its scale"
    )


def listed(counts: Mapping[str, int] | None) -> str:
    """Returns counts as text."""
    if not counts:
        return "nothing"
    return ", ".join(f"{reason} {count}" for reason, count in counts.items())


def distance_m(one: Camera, other: Camera) -> float:
    """Returns the horizontal distance of two cameras, in metres."""
    return float(np.hypot(one.east_m - other.east_m, one.north_m - other.north_m))
