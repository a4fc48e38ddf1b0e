"""What can be photographed: a town that is made up, or a 3-D model."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from placevec.config.choices import CAMERAS
from placevec.rendering.scenes.camera import Camera, Pose
from placevec.rendering.scenes.scene import Scene
from placevec.rendering.scenes.weather import Visit
from placevec.rendering.town.layout import Street, Town, lay_out_town
from placevec.rendering.town.street_cameras import LOOSE, camera_at, place_camera
from placevec.rendering.town.street_model import StreetModel

if TYPE_CHECKING:
    from placevec.rendering.cameras.viewpoints import Viewpoints
    from placevec.rendering.worlds.world import World

TOWN = "town"
NEAR_M, FAR_M = 10.0, 25.0
_START_M = np.array([1000.0, 1000.0])
_EYE_HEIGHT_M = 1.7
_MOST_DRAWS = 10_000


class Scenery(Protocol):
    """Something that can be photographed, in parts that are drawn one at a time.

    A part is what one scene shows, such as a street of the town. Equal seeds and equal draws give
    equal scenes and cameras.

    Args:
        name: str. What it is called.
        seed: int. Seed of all that is made up in it, and of the visits to it.
        parts: list of str. The names of its parts.
    """

    name: str
    seed: int
    parts: list[str]

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns what a visit finds in a part."""

    def sample(self, rng: np.random.Generator, part: str | None = None) -> tuple[str, Camera]:
        """Returns a camera anywhere, or anywhere in a part, and the part that it stands in."""

    def sample_near(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera in the same part that shows the same place."""

    def sample_far(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera in the same part that shows another place."""

    def along(self, number: int) -> tuple[str, Camera]:
        """Returns camera `number` of a path through all of it, and the part that it stands in."""

    def camera_at(
        self, position_m: tuple, heading_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0
    ) -> tuple[str, Camera]:
        """Returns the camera at (east, north, height) in metres, and the part of it."""


class TownScenery:
    """A made town; its streets are the parts.

    Args:
        seed: int. Seed of the town and of the visits to it.
        num_streets: int. How many streets there are, at least 1. Defaults to `4`.
        street_length_m: float. How long they are, in metres. Defaults to `300.0`.
        near_m: float. Largest distance of cameras that show the same place. Defaults to `10.0`.
        far_m: float. Least distance of cameras that show another place. Defaults to `25.0`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> town = TownScenery(seed=0, num_streets=1)
    >>> part, camera = town.sample(np.random.default_rng(0))
    >>> part
    'stream00'
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        num_streets: int = 4,
        street_length_m: float = 300.0,
        near_m: float = NEAR_M,
        far_m: float = FAR_M,
    ) -> None:
        if num_streets < 1:
            raise ValueError(
                f"`num_streets` must be a positive integer. Received: num_streets={num_streets}"
            )
        _refuse_bad_distances(near_m, far_m)
        if street_length_m < 4 * far_m:
            raise ValueError(
                f"`street_length_m` must be at least {4 * far_m:g}, so that far cameras find room. "
                f"Received: street_length_m={street_length_m}"
            )
        self.name, self.seed = TOWN, seed
        self.num_streets, self.street_length_m = num_streets, street_length_m
        self.near_m, self.far_m = near_m, far_m
        self.parts = [f"stream{i:02d}" for i in range(num_streets)]
        self._models: dict[str, StreetModel] = {}

    @cached_property
    def town(self) -> Town:
        """The plan of the town, laid out when it is first asked for."""
        return lay_out_town((self.seed, 0), self.parts, self.street_length_m, _START_M)

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns what a visit finds in a street."""
        if part not in self._models:
            self._models[part] = StreetModel(self.town, self._street(part))
        return self._models[part].visit(visit)

    def sample(self, rng: np.random.Generator, part: str | None = None) -> tuple[str, Camera]:
        """Returns a camera in any of the streets, or in one."""
        street = self._street(part or self.parts[rng.integers(self.num_streets)])
        return street.name, self._camera(street, rng.uniform(0, self.street_length_m), rng)

    def sample_near(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera at most `near_m` from another, in the same street."""
        street = self._street(part)
        _, distance_m = self._gap(street, camera.east_m, camera.north_m)

        def draw() -> Camera:
            near_m = distance_m + rng.normal(0, self.near_m / 3)
            return self._camera(street, np.clip(near_m, 0, self.street_length_m), rng)

        return _draw_until(draw, lambda drawn: _gap_m(drawn, camera) <= self.near_m, self.name)

    def sample_far(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera more than `far_m` from another, in the same street."""
        street = self._street(part)

        def draw() -> Camera:
            return self._camera(street, rng.uniform(0, self.street_length_m), rng)

        return _draw_until(draw, lambda drawn: _gap_m(drawn, camera) > self.far_m, self.name)

    def along(self, number: int) -> tuple[str, Camera]:
        """Returns a camera in the middle of the road: a metre each, street after street."""
        turn, distance_m = divmod(number, int(self.street_length_m))
        street = self.town.streets[turn % self.num_streets]
        point, ahead = street.along(distance_m)
        heading_deg = float(np.rad2deg(np.arctan2(*ahead)))
        return street.name, camera_at(street, Pose((*point, _EYE_HEIGHT_M), heading_deg, 3.0))

    def camera_at(
        self, position_m: tuple, heading_deg: float, pitch_deg: float = 3.0, roll_deg: float = 0.0
    ) -> tuple[str, Camera]:
        """Returns the camera at (east, north, height) in metres, and the nearest street."""
        east_m, north_m, height_m = position_m
        street = min(self.town.streets, key=lambda each: self._gap(each, east_m, north_m)[0])
        x, y = street.to_street(np.array([[east_m, north_m]]))[0]
        turn_deg = float(heading_deg) - street.bearing_deg
        pose = Pose((x, y, height_m), turn_deg, pitch_deg, roll_deg)
        return street.name, camera_at(street, pose)

    def _street(self, part: str) -> Street:
        return self.town.streets[self.parts.index(part)]

    def _camera(self, street: Street, distance_m: float, rng: np.random.Generator) -> Camera:
        return place_camera(street, float(distance_m), rng, LOOSE)

    def _gap(self, street: Street, east_m: float, north_m: float) -> tuple[float, float]:
        """Returns how far a point is from the middle of a street, and how far along it."""
        point = street.to_street(np.array([[east_m, north_m]]))[0]
        steps = np.arange(0.0, self.street_length_m, 1.0)
        line = np.array([street.along(step)[0] for step in steps])
        gaps_m = np.hypot(*(line - point).T)
        return float(gaps_m.min()), float(steps[gaps_m.argmin()])


class ModelScenery:
    """A 3-D model and the places in it where a camera can stand; it has one part.

    Args:
        world: World. The model.
        viewpoints: Viewpoints. Where cameras can stand in it.
        seed: int. Seed of the visits to it.
        near_m: float or None. Largest distance of cameras that show the same place. Defaults to
            `10.0`. None, of cameras that fly: by their height, see `Flight`.
        far_m: float or None. Least distance of cameras that show another place. Defaults to
            `25.0`. None: as above.
    """

    def __init__(
        self,
        world: "World",
        viewpoints: "Viewpoints",
        *,
        seed: int = 0,
        near_m: float | None = NEAR_M,
        far_m: float | None = FAR_M,
    ) -> None:
        if near_m is not None and far_m is not None:
            _refuse_bad_distances(near_m, far_m)
        self.name, self.seed, self.parts = world.name, seed, [world.name]
        self.world, self.viewpoints = world, viewpoints
        self.near_m, self.far_m = near_m, far_m

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns the model in the light of a visit."""
        return self.world.scene(visit)

    def sample(self, rng: np.random.Generator, part: str | None = None) -> tuple[str, Camera]:
        """Returns a camera anywhere in the model."""
        return self.name, self.viewpoints.sample(rng)

    def sample_near(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera at most `near_m` from another."""
        return self.viewpoints.sample_near(camera, rng, self.near_m)

    def sample_far(self, part: str, camera: Camera, rng: np.random.Generator) -> Camera:
        """Returns a camera more than `far_m` from another."""
        return self.viewpoints.sample_far(camera, rng, self.far_m)

    def along(self, number: int) -> tuple[str, Camera]:
        """Returns the cameras that were found, one after the other."""
        return self.name, self.viewpoints.cameras[number % len(self.viewpoints.cameras)]

    def camera_at(
        self, position_m: tuple, heading_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0
    ) -> tuple[str, Camera]:
        """Returns the camera at (east, north, height) in metres."""
        pose = Pose(tuple(map(float, position_m)), float(heading_deg), pitch_deg, roll_deg)
        east_m, north_m = pose.position_m[:2]
        return self.name, Camera(pose, east_m, north_m, pose.heading_deg % 360.0)


def open_scenery(
    place: str | Path,
    *,
    seed: int = 0,
    near_m: float | None = None,
    far_m: float | None = None,
    up: str = "auto",
    scale: float = 1.0,
    cameras: str = "walk",
    **settings: object,
) -> Scenery:
    """Opens something to photograph.

    Args:
        place: str. `"town"` for the made town, or the path of a 3-D model or a folder of tiles.
        seed: int. Seed of what is made up: the town, the viewpoints, the visits.
        near_m: float or None. Largest distance of cameras that show the same place, in metres.
            None: 10 m; where cameras fly, it hangs on their height.
        far_m: float or None. Least distance of cameras that show another place, in metres. None:
            25 m; where cameras fly, it hangs on their height.
        up: str. Which axis of a model points up: auto, y or z. The town needs none.
        scale: float. Metres in a unit of a model. The town needs none.
        cameras: str. In a model: `"walk"` on its ground, or `"fly"` above it.
        **settings: More arguments of `TownScenery`, of `find_viewpoints`, or, where cameras fly,
            of `find_flight`.

    Returns:
        `Scenery`.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If the model is damaged, or a setting is out of range.
    """
    if cameras not in CAMERAS:
        raise ValueError(
            f"`cameras` must be one of {', '.join(CAMERAS)}. Received: cameras={cameras!r}"
        )
    if str(place) == TOWN and cameras == "fly":
        raise ValueError("`cameras` must be 'walk' in the town. Received: cameras='fly'")
    distances = {"near_m": near_m, "far_m": far_m}
    if cameras == "walk":
        distances = {
            "near_m": NEAR_M if near_m is None else near_m,
            "far_m": FAR_M if far_m is None else far_m,
        }
        _refuse_bad_distances(**distances)
    if str(place) == TOWN:
        return TownScenery(seed, **distances, **settings)
    from placevec.rendering.cameras.flight import find_flight
    from placevec.rendering.cameras.viewpoints import find_viewpoints
    from placevec.rendering.worlds.load_world import load_world

    world = load_world(Path(place), up=up, scale=scale)
    find = find_viewpoints if cameras == "walk" else find_flight
    viewpoints = find(world, seed=seed, **({"num_places": 300} | settings))
    return ModelScenery(world, viewpoints, seed=seed, **distances)


def _gap_m(one: Camera, other: Camera) -> float:
    return float(np.hypot(one.east_m - other.east_m, one.north_m - other.north_m))


def _draw_until(draw: Callable, is_fit: Callable, name: str) -> Camera:
    for _ in range(_MOST_DRAWS):
        camera = draw()
        if is_fit(camera):
            return camera
    raise ValueError(
        f"{_MOST_DRAWS} cameras drawn in {name} are all too near or too far. Choose other "
        "distances, or a larger world"
    )


def _refuse_bad_distances(near_m: float, far_m: float) -> None:
    if not 0 < near_m <= far_m:
        raise ValueError(
            "`near_m` must be positive and at most `far_m`. "
            f"Received: near_m={near_m}, far_m={far_m}"
        )
