"""A 3-D model as a scenery to photograph."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from placevec.rendering.cameras.viewpoints import Viewpoints
from placevec.rendering.scenes.camera import Camera, Pose, camera_of
from placevec.rendering.scenes.scene import Scene
from placevec.rendering.scenes.scenery import FAR_M, NEAR_M
from placevec.rendering.scenes.weather import Visit
from placevec.rendering.worlds.world import World


class ModelScenery:
    """A 3-D model and the places in it where a camera can stand. The scenery has one part.

    Args:
        world: World. The model.
        find: callable. World -> `Viewpoints`, which finds where cameras can stand in it.
        seed: int. Seed of the visits to it.
        near_m: float or None. Maximum distance of cameras that show the same place. Defaults to
            `10.0`. None is for flying cameras: it depends on their height, see `Flight`.
        far_m: float or None. Minimum distance of cameras that show another place. Defaults to
            `25.0`. None is for flying cameras, as above.
        randomize_textures: bool. Change colors and contrast of its textures on each visit.
            Defaults to `False`.
    """

    def __init__(
        self,
        world: World,
        find: Callable[[World], Viewpoints],
        *,
        seed: int = 0,
        near_m: float | None = NEAR_M,
        far_m: float | None = FAR_M,
        randomize_textures: bool = False,
    ) -> None:
        self.name, self.seed, self.parts = world.name, seed, [world.name]
        self.world, self._find = world, find
        self.near_m, self.far_m, self.randomize_textures = near_m, far_m, randomize_textures

    @cached_property
    def viewpoints(self) -> Viewpoints:
        """Where cameras can stand; searched on first use.

        Raises:
            ValueError: If too few cameras have room in the model.
        """
        return self._find(self.world)

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns the model in the light of a visit."""
        world = self.world.restyled(visit.seed) if self.randomize_textures else self.world
        return world.scene(visit)

    def sample(self, rng: np.random.Generator, part: str | None = None) -> tuple[str, Camera]:
        """Returns a camera anywhere in the model."""
        return self.name, self.viewpoints.sample(rng)

    def sample_near(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera at most `near_m` from another."""
        return self.viewpoints.sample_near(camera, rng, *_given(self.near_m))

    def sample_far(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera more than `far_m` from another."""
        return self.viewpoints.sample_far(camera, rng, *_given(self.far_m))

    def along(self, number: int) -> tuple[str, Camera]:
        """Returns camera `number` of those that were found; after the last, the first follows."""
        return self.name, self.viewpoints.cameras[number % len(self.viewpoints.cameras)]

    def camera_at(
        self, position_m: tuple, heading_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0
    ) -> tuple[str, Camera]:
        """Returns the camera at (east, north, height) in metres."""
        east_m, north_m, height_m = map(float, position_m)
        pose = Pose((east_m, north_m, height_m), float(heading_deg), pitch_deg, roll_deg)
        return self.name, camera_of(pose)


def _given(distance_m: float | None) -> tuple[float, ...]:
    """Returns a distance as an argument, or no argument if the viewpoints have their own."""
    return () if distance_m is None else (distance_m,)
