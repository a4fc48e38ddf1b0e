"""Draws photos of a scenery straight into memory, with their poses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.config import RenderConfig
from placevec.rendering.drawing.develop import develop
from placevec.rendering.drawing.renderer import Renderer
from placevec.rendering.scenes.camera import Camera
from placevec.rendering.scenes.scenery import Scenery
from placevec.rendering.scenes.weather import WEATHERS, Visit, plan_visit

NUM_NEAR = 5
NUM_FAR = 10
_GROUP = 1 + NUM_NEAR + NUM_FAR


@dataclass(frozen=True, eq=False)
class _Shot:
    """One photo to take."""

    part: str
    visit: Visit
    camera: Camera


class PhotoStream:
    """Photographs a scenery on demand. Use it in a `with` statement.

    Labels are east, north and height in metres and the heading in degrees, clockwise from north.

    `draw_groups`, `draw_random` and `draw_path` continue from call to call. The results of
    `draw_tuples` and `draw_photos` only depend on the scenery and their arguments.

    Args:
        scenery: Scenery. What to photograph.
        image_size: (rows, cols). Size of the photos.
        **camera: More arguments of `Renderer`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> from placevec.rendering import open_scenery
    >>> with PhotoStream(open_scenery("town", num_streets=1), image_size=(24, 32)) as stream:
    ...     photos, labels = stream.draw_groups(16)
    >>> photos.shape, labels.shape
    ((16, 24, 32, 3), (16, 4))
    """

    def __init__(
        self,
        scenery: Scenery,
        image_size: tuple[int, int] = RenderConfig.image_size,
        **camera: Any,
    ) -> None:
        self.scenery = scenery
        self._renderer = Renderer(image_size, **camera)
        self._rng = np.random.default_rng((scenery.seed, 7))
        self._num_visits = 0

    def __enter__(self) -> "PhotoStream":
        self.open()
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def open(self) -> None:
        """Opens the renderer."""
        self._renderer.open()

    def close(self) -> None:
        """Closes the renderer; a second call does nothing."""
        self._renderer.close()

    def sample(self) -> tuple[str, Camera]:
        """Returns a random camera, and the part of the scenery that contains it."""
        return self.scenery.sample(self._rng)

    def sample_near(self, part: str, camera: Camera) -> Camera:
        """Returns a camera that shows the same place."""
        return self.scenery.sample_near(part, camera, self._rng)

    def sample_far(self, part: str, camera: Camera) -> Camera:
        """Returns a camera in the same part that shows another place."""
        return self.scenery.sample_far(part, camera, self._rng)

    def draw_groups(self, num_photos: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws groups of 16: a query, 5 near it and 10 far from it, on two visits.

        Returns:
            photos (B, rows, cols, 3) uint8 RGB and labels (B, 4) float32.
        """
        shots: list[_Shot] = []
        while len(shots) < num_photos:
            part, query = self.sample()
            first, second = self._next_visit(), self._next_visit()
            near = [self.sample_near(part, query) for _ in range(NUM_NEAR)]
            far = [self.sample_far(part, query) for _ in range(NUM_FAR)]
            shots.append(_Shot(part, first, query))
            shots.extend(_Shot(part, second, camera) for camera in near + far)
        return self._shoot(shots[:num_photos], self._rng)

    def draw_random(self, num_photos: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws photos of random places, 16 on one visit to one part.

        Returns:
            photos (B, rows, cols, 3) uint8 RGB and labels (B, 4) float32.
        """
        shots: list[_Shot] = []
        while len(shots) < num_photos:
            part = self._draw_part(self._rng)
            shots.extend(self._plan_round(part, self._next_visit(), self._rng))
        return self._shoot(shots[:num_photos], self._rng)

    def draw_path(
        self, num_photos: int, start: int = 0, path: Callable[[int], tuple] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws photos along a path, by day.

        Args:
            num_photos: int. Number of photos.
            start: int. Number of the first photo.
            path: callable or None. Number -> east, north, height in metres and heading, and
                optionally pitch and roll, in degrees. None: the scenery's own path.

        Returns:
            photos (B, rows, cols, 3) uint8 RGB and labels (B, 4) float32.
        """
        visit = plan_visit("day", (self.scenery.seed, 8), 0)
        shots = []
        for number in range(start, start + num_photos):
            if path is None:
                part, camera = self.scenery.along(number)
            else:
                east_m, north_m, height_m, *angles_deg = path(number)
                part, camera = self.scenery.camera_at((east_m, north_m, height_m), *angles_deg)
            shots.append(_Shot(part, visit, camera))
        return self._shoot(shots, self._rng)

    def draw_tuples(
        self, number: int, *, num_tuples: int, num_positives: int, num_negatives: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws tuples of one part: the queries on one visit, all other photos on another.

        Args:
            number: int. Equal numbers give equal tuples.
            num_tuples: int. `T`, the number of tuples.
            num_positives: int. `P`, photos near each query.
            num_negatives: int. `Nn`, photos far from each query.

        Returns:
            photos (T, 1 + P + Nn, rows, cols, 3) uint8 RGB and labels (T, 1 + P + Nn, 4) float32,
            ordered query, positives, negatives.
        """
        seed = (self.scenery.seed, 10, number)
        rng = np.random.default_rng(seed)
        first, second = (_draw_visit(rng, (*seed, k)) for k in range(2))
        part = self._draw_part(rng)
        queries, others = [], []
        for _ in range(num_tuples):
            _, query = self.scenery.sample(rng, part)
            near = [self.scenery.sample_near(part, query, rng) for _ in range(num_positives)]
            far = [self.scenery.sample_far(part, query, rng) for _ in range(num_negatives)]
            queries.append(_Shot(part, first, query))
            others.extend(_Shot(part, second, camera) for camera in near + far)
        drawn = self._shoot(queries + others, rng)
        photos, labels = (_in_tuples(values, num_tuples) for values in drawn)
        return photos, labels

    def draw_photos(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Draws 16 photos of random places of one part on one visit.

        Args:
            number: int. Equal numbers give equal photos.

        Returns:
            photos (B, rows, cols, 3) uint8 RGB and labels (B, 4) float32.
        """
        seed = (self.scenery.seed, 11, number)
        rng = np.random.default_rng(seed)
        part, visit = self._draw_part(rng), _draw_visit(rng, seed)
        return self._shoot(self._plan_round(part, visit, rng), rng)

    def _next_visit(self) -> Visit:
        self._num_visits += 1
        return _draw_visit(self._rng, (self.scenery.seed, 9, self._num_visits))

    def _draw_part(self, rng: np.random.Generator) -> str:
        return self.scenery.parts[rng.integers(len(self.scenery.parts))]

    def _plan_round(self, part: str, visit: Visit, rng: np.random.Generator) -> list[_Shot]:
        return [_Shot(part, visit, self.scenery.sample(rng, part)[1]) for _ in range(_GROUP)]

    def _shoot(
        self, shots: list[_Shot], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        photos = np.empty((len(shots), *self._renderer.image_size, 3), np.uint8)
        labels = np.empty((len(shots), 4), np.float32)
        shown = None
        for i, shot in enumerate(shots):
            if shown != (shot.part, shot.visit.seed):
                self._renderer.show(self.scenery.scene(shot.part, shot.visit))
                shown = (shot.part, shot.visit.seed)
            camera = shot.camera
            photos[i] = develop(self._renderer.photo(camera.pose), shot.visit.weather, rng)
            height_m = camera.pose.position_m[2]
            labels[i] = (camera.east_m, camera.north_m, height_m, camera.heading_deg)
        return photos, labels


def _draw_visit(rng: np.random.Generator, seed: tuple[int, ...]) -> Visit:
    """Returns a visit in any weather, on any day of the year."""
    names = sorted(WEATHERS)
    return plan_visit(names[rng.integers(len(names))], seed, int(rng.integers(365)))


def _in_tuples(values: NDArray[Any], num_tuples: int) -> NDArray[Any]:
    """Sorts T queries, followed by the photos of each query, into (T, 1 + P + Nn, ...)."""
    queries, others = values[:num_tuples, None], values[num_tuples:]
    others = others.reshape(num_tuples, -1, *values.shape[1:])
    return np.concatenate([queries, others], axis=1)
