"""Draws photos of a made town straight into memory, with their poses."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from placevec.rendering.cameras import LOOSE, Camera, camera_at, place_camera
from placevec.rendering.develop import develop
from placevec.rendering.renderer import Pose, Renderer
from placevec.rendering.town.layout import Street, Town, lay_out_town
from placevec.rendering.town.street_model import StreetModel
from placevec.rendering.weather import WEATHERS, Visit, plan_visit

NUM_NEAR = 5
NUM_FAR = 10
_GROUP = 1 + NUM_NEAR + NUM_FAR
_NEAR_M, _FAR_M = 10.0, 25.0
_START_M = np.array([1000.0, 1000.0])


class TownStream:
    """A town that is photographed on demand. Open it by `with`.

    Labels are east, north and height in metres and the heading in degrees, clockwise from north.
    The streets' frames start anew with each seed, so labels of one stream belong together.

    Args:
        seed: int. Seed of the town, its weather and the cameras.
        image_size: (rows, cols). Size of the photos.
        num_streets: int. How many streets there are, at least 1. Defaults to `4`.
        street_length_m: float. How long they are, in metres. Defaults to `300.0`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> with TownStream(seed=0, image_size=(24, 32), num_streets=1) as stream:
    ...     photos, labels = stream.draw_groups(16)
    >>> photos.shape, labels.shape
    ((16, 24, 32, 3), (16, 4))
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        image_size: tuple[int, int] = (240, 320),
        num_streets: int = 4,
        street_length_m: float = 300.0,
    ) -> None:
        if num_streets < 1:
            raise ValueError(
                f"`num_streets` must be a positive integer. Received: num_streets={num_streets}"
            )
        if street_length_m < 4 * _FAR_M:
            raise ValueError(
                f"`street_length_m` must be at least {4 * _FAR_M}, so that far cameras find room. "
                f"Received: street_length_m={street_length_m}"
            )
        self.seed, self.num_streets, self.street_length_m = seed, num_streets, street_length_m
        self._renderer = Renderer(image_size)
        self._rng = np.random.default_rng((seed, 7))
        self._town: Town | None = None
        self._models: OrderedDict[str, StreetModel] = OrderedDict()
        self._day = 0

    def __enter__(self) -> "TownStream":
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> None:
        """Lays the town out and opens the renderer."""
        names = [f"stream{i:02d}" for i in range(self.num_streets)]
        self._town = lay_out_town((self.seed, 0), names, self.street_length_m, _START_M)
        self._renderer.open()

    def close(self) -> None:
        """Gives the renderer back; a second call does nothing."""
        self._renderer.close()
        self._models.clear()
        self._town = None

    def sample(self) -> Camera:
        """Returns a camera anywhere in the town."""
        street = self._streets()[self._rng.integers(self.num_streets)]
        return self._camera(street, self._rng.uniform(0, self.street_length_m))

    def sample_near(self, east_m: float, north_m: float) -> Camera:
        """Returns a camera that shows the same place: at most 10 m from a point of the town."""
        street, distance_m = self._find(east_m, north_m)
        while True:
            near_m = distance_m + self._rng.normal(0, _NEAR_M / 3)
            camera = self._camera(street, np.clip(near_m, 0, self.street_length_m))
            if np.hypot(camera.east_m - east_m, camera.north_m - north_m) <= _NEAR_M:
                return camera

    def sample_far(self, east_m: float, north_m: float) -> Camera:
        """Returns a camera that shows another place of the same street: more than 25 m away."""
        street, _ = self._find(east_m, north_m)
        while True:
            camera = self._camera(street, self._rng.uniform(0, self.street_length_m))
            if np.hypot(camera.east_m - east_m, camera.north_m - north_m) > _FAR_M:
                return camera

    def draw_groups(self, num_photos: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws groups of 16: a query, 5 near it and 10 far from it, on two visits to its street.

        Returns:
            photos (B, rows, cols, 3) uint8 RGB and labels (B, 4) float32.
        """
        shots: list[tuple] = []
        while len(shots) < num_photos:
            query = self.sample()
            street, _ = self._find(query.east_m, query.north_m)
            first, second = self._visit(), self._visit()
            spot = (query.east_m, query.north_m)
            near = [self.sample_near(*spot) for _ in range(NUM_NEAR)]
            far = [self.sample_far(*spot) for _ in range(NUM_FAR)]
            shots.append((street, first, query))
            shots.extend((street, second, camera) for camera in near + far)
        return self._draw(shots[:num_photos])

    def draw_random(self, num_photos: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws photos of random places, up to 16 on one visit to one street.

        Returns:
            photos (B, rows, cols, 3) uint8 RGB and labels (B, 4) float32.
        """
        shots: list[tuple] = []
        while len(shots) < num_photos:
            street = self._streets()[self._rng.integers(self.num_streets)]
            visit = self._visit()
            for _ in range(_GROUP):
                distance_m = self._rng.uniform(0, self.street_length_m)
                shots.append((street, visit, self._camera(street, distance_m)))
        return self._draw(shots[:num_photos])

    def draw_path(
        self, num_photos: int, start: int = 0, path: Callable[[int], tuple] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draws photos along a path through the town, by day.

        Args:
            num_photos: int. How many.
            start: int. Number of the first one.
            path: callable or None. Number -> east, north, height in metres and heading in degrees.
                None: down the middle of street after street, a metre a photo.

        Returns:
            photos (B, rows, cols, 3) uint8 RGB and labels (B, 4) float32.
        """
        visit = plan_visit("day", (self.seed, 8), 0)
        shots = []
        for number in range(start, start + num_photos):
            if path is not None:
                east_m, north_m, height_m, heading_deg = path(number)[:4]
                street, _ = self._find(east_m, north_m)
            else:
                turn, distance_m = divmod(number, int(self.street_length_m))
                street = self._streets()[turn % self.num_streets]
                point, ahead = street.along(distance_m)
                east_m, north_m = street.to_world(point[None])[0]
                height_m = 1.7
                heading_deg = np.rad2deg(np.arctan2(*ahead)) + street.bearing_deg
            x, y = street.to_street(np.array([[east_m, north_m]]))[0]
            pose = Pose((x, y, height_m), float(heading_deg) - street.bearing_deg, 3.0)
            shots.append((street, visit, camera_at(street, pose)))
        return self._draw(shots)

    def _streets(self) -> list[Street]:
        if self._town is None:
            raise RuntimeError("The town must be open. Use it by `with TownStream(...)`")
        return self._town.streets

    def _camera(self, street: Street, distance_m: float) -> Camera:
        return place_camera(street, float(distance_m), self._rng, LOOSE)

    def _visit(self) -> Visit:
        self._day += 1
        names = sorted(WEATHERS)
        name = names[self._rng.integers(len(names))]
        return plan_visit(name, (self.seed, 9, self._day), self._day)

    def _find(self, east_m: float, north_m: float) -> tuple[Street, float]:
        """Returns the street that a point lies in, and how far along it."""
        found = []
        for street in self._streets():
            point = street.to_street(np.array([[east_m, north_m]]))[0]
            steps = np.arange(0.0, self.street_length_m, 1.0)
            line = np.array([street.along(step)[0] for step in steps])
            gaps = np.hypot(*(line - point).T)
            found.append((float(gaps.min()), street, float(steps[gaps.argmin()])))
        _, street, distance_m = min(found, key=lambda entry: entry[0])
        return street, distance_m

    def _draw(self, shots: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
        photos = np.empty((len(shots), *self._renderer.image_size, 3), np.uint8)
        labels = np.empty((len(shots), 4), np.float32)
        shown = None
        for i, (street, visit, camera) in enumerate(shots):
            if shown != (street.name, visit.seed):
                self._renderer.show(self._model(street).visit(visit))
                shown = (street.name, visit.seed)
            photos[i] = develop(self._renderer.photo(camera.pose), visit.weather, self._rng)
            height_m = camera.pose.position_m[2]
            labels[i] = (camera.east_m, camera.north_m, height_m, camera.heading_deg)
        return photos, labels

    def _model(self, street: Street) -> StreetModel:
        if street.name not in self._models:
            self._models[street.name] = StreetModel(self._town, street)
        return self._models[street.name]
