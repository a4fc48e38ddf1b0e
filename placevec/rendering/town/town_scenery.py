"""The synthetic town as a scenery to photograph."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from placevec.rendering.scenes.camera import Camera, Pose
from placevec.rendering.scenes.scene import Scene
from placevec.rendering.scenes.scenery import FAR_M, NEAR_M
from placevec.rendering.scenes.weather import Visit
from placevec.rendering.town.layout import Street, Town, field_size_m, lay_out_town
from placevec.rendering.town.street_cameras import LOOSE, camera_at, place_camera
from placevec.rendering.town.street_model import StreetModel

TOWN = "town"
_START_M = np.array([1000.0, 1000.0])
_GAP_M = 200.0  # between the fields of two districts
_EYE_HEIGHT_M = 1.7
_MOST_DRAWS = 10_000


class TownScenery:
    """A synthetic town with districts that share no street. Its parts are the streets.

    Args:
        seed: int. Seed of the town and of the visits to it.
        districts: dict. Name of a district -> its number of streets, at least 1. A district does
            not change if you add others after it.
        street_length_m: float. Length of each street, in metres.
        near_m: float. Maximum distance of cameras that show the same place. Defaults to `10.0`.
        far_m: float. Minimum distance of cameras that show another place. Defaults to `25.0`.
        models_kept: int or None. Number of the last used streets whose models stay in memory.
            Defaults to `None`, all.

    Example:

    >>> town = TownScenery(0, districts={"old": 1, "new": 2}, street_length_m=120.0)
    >>> town.parts
    ['old00', 'new00', 'new01']
    """

    def __init__(
        self,
        seed: int,
        *,
        districts: dict[str, int],
        street_length_m: float,
        near_m: float = NEAR_M,
        far_m: float = FAR_M,
        models_kept: int | None = None,
    ) -> None:
        self.name, self.seed, self.districts = TOWN, seed, districts
        self.street_length_m = street_length_m
        self.near_m, self.far_m, self.models_kept = near_m, far_m, models_kept
        self._names = {
            district: [f"{district}{i:02d}" for i in range(count)]
            for district, count in districts.items()
        }
        self.parts = [name for names in self._names.values() for name in names]
        self._models: dict[str, StreetModel] = {}

    @cached_property
    def towns(self) -> dict[str, Town]:
        """The plan of each district, laid out on first use."""
        north_m = np.array([0.0, 1.0]) * (field_size_m(self.street_length_m) + _GAP_M)
        return {
            district: lay_out_town(
                (self.seed, number), names, self.street_length_m, _START_M + number * north_m
            )
            for number, (district, names) in enumerate(self._names.items())
        }

    @cached_property
    def streets(self) -> list[Street]:
        """The streets of all districts, in the order of `parts`."""
        return [street for town in self.towns.values() for street in town.streets]

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns the scene of a street on a visit."""
        if part not in self._models:
            if len(self._models) == self.models_kept:
                del self._models[next(iter(self._models))]
            street = self._street(part)
            town = next(town for town in self.towns.values() if street in town.streets)
            self._models[part] = StreetModel(town, street)
        return self._models[part].visit(visit)

    def sample(self, rng: np.random.Generator, part: str | None = None) -> tuple[str, Camera]:
        """Returns a random camera in any of the streets, or in the given one."""
        street = self._street(part or self.parts[rng.integers(len(self.parts))])
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
        """Returns camera `number` in the middle of the road, a metre apart, street after street."""
        turn, distance_m = divmod(number, int(self.street_length_m))
        street = self.streets[turn % len(self.parts)]
        point, ahead = street.along(distance_m)
        heading_deg = float(np.rad2deg(np.arctan2(*ahead)))
        return street.name, camera_at(street, Pose((*point, _EYE_HEIGHT_M), heading_deg, 3.0))

    def camera_at(
        self, position_m: tuple, heading_deg: float, pitch_deg: float = 3.0, roll_deg: float = 0.0
    ) -> tuple[str, Camera]:
        """Returns the camera at (east, north, height) in metres, and the nearest street."""
        east_m, north_m, height_m = position_m
        street = min(self.streets, key=lambda each: self._gap(each, east_m, north_m)[0])
        x, y = street.to_street(np.array([[east_m, north_m]]))[0]
        turn_deg = float(heading_deg) - street.bearing_deg
        pose = Pose((x, y, height_m), turn_deg, pitch_deg, roll_deg)
        return street.name, camera_at(street, pose)

    def _street(self, part: str) -> Street:
        return self.streets[self.parts.index(part)]

    def _camera(self, street: Street, distance_m: float, rng: np.random.Generator) -> Camera:
        return place_camera(street, float(distance_m), rng, LOOSE)

    def _gap(self, street: Street, east_m: float, north_m: float) -> tuple[float, float]:
        """Returns how far a point is from the middle line of a street, and how far along it."""
        point = street.to_street(np.array([[east_m, north_m]]))[0]
        steps = np.arange(0.0, self.street_length_m, 1.0)
        line = np.array([street.along(step)[0] for step in steps])
        gaps_m = np.hypot(*(line - point).T)
        return float(gaps_m.min()), float(steps[gaps_m.argmin()])


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
