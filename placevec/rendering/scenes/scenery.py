"""The interface of everything that can be photographed."""

from typing import Protocol

import numpy as np

from placevec.rendering.scenes.camera import Camera
from placevec.rendering.scenes.scene import Scene
from placevec.rendering.scenes.weather import Visit

NEAR_M, FAR_M = 10.0, 25.0
"""Maximum distance of cameras that show one place, and minimum of those that do not."""


class Scenery(Protocol):
    """Something that can be photographed, in parts that are drawn one at a time.

    A part is what one scene shows, such as a street of the town. Equal seeds and equal generators
    give equal scenes and cameras.

    Args:
        name: str. Name of the scenery.
        seed: int. Seed of everything random in it, and of the visits to it.
        parts: list of str. The names of its parts.
    """

    name: str
    seed: int
    parts: list[str]

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns the scene of a part on a visit."""
        ...

    def sample(self, rng: np.random.Generator, part: str | None = None) -> tuple[str, Camera]:
        """Returns a random camera, anywhere or in a given part, and the part that contains it."""
        ...

    def sample_near(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera in the same part that shows the same place."""
        ...

    def sample_far(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera in the same part that shows another place."""
        ...

    def along(self, number: int) -> tuple[str, Camera]:
        """Returns camera `number` on a path through all parts, and the part that contains it."""
        ...

    def camera_at(
        self, position_m: tuple, heading_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0
    ) -> tuple[str, Camera]:
        """Returns the camera at (east, north, height) in metres, and the part that contains it."""
        ...
