"""Plans which photos of a made town are taken: where, on which visits, in which file."""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from placevec.config import RenderConfig
from placevec.rendering.scenes.camera import Camera
from placevec.rendering.scenes.scene import Scene
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.scenes.weather import Visit, plan_visit
from placevec.rendering.town.layout import Street, Town, field_size_m, lay_out_town
from placevec.rendering.town.street_cameras import FIRST_PLACE_M, LOOSE, STEADY, place_camera
from placevec.rendering.town.street_cameras import street_length_m as length_of_street
from placevec.rendering.town.street_model import StreetModel
from placevec.sources import PhotoName, photo_name

# Weather and day, counted from 1 March; the rows take turns from street to street.
_TRAIN_VISITS = (
    {
        "database": (("day", 45), ("afternoon", 130), ("overcast", 230)),
        "queries": (("rain", 60), ("fog", 240), ("dusk", 150), ("night", 320)),
    },
    {
        "database": (("day", 140), ("afternoon", 235), ("overcast", 40)),
        "queries": (("snow", 310), ("overcast", 250), ("dusk", 70), ("night", 160)),
    },
)
_VALIDATION_VISITS = (
    {
        "database": (("day", 45),),
        "queries": (("overcast", 300), ("rain", 240), ("dusk", 160), ("night", 330)),
    },
    {
        "database": (("day", 130),),
        "queries": (("fog", 245), ("snow", 315), ("dusk", 60), ("night", 180)),
    },
)
_ROLES = {"database": "database", "queries": "query"}
_START_M = np.array([1000.0, 1000.0])


class TownTour:
    """A made town in parts that share no street, for training, for validation and for a test.

    Each training place is photographed on three visits for the database and on four for the
    queries; for validation and test each place on one visit by day, and every other place once
    more as a query in other weather. Visits differ in light, season, parked cars, passers-by and
    camera.

    Args:
        settings: RenderConfig. Seed, numbers of streets and places.
    """

    def __init__(self, settings: RenderConfig) -> None:
        self.settings = settings
        self._model: tuple[str, StreetModel] | None = None

    @property
    def num_streets(self) -> dict[str, int]:
        """Part -> its streets; parts without a street are left out."""
        settings = self.settings
        counts = {
            "train": settings.num_streets,
            "val": settings.num_validation_streets,
            "test": settings.num_test_streets,
        }
        return {part: count for part, count in counts.items() if count}

    @functools.cached_property
    def _towns(self) -> dict[str, Town]:
        settings = self.settings
        length_m = length_of_street(settings.places_per_street, settings.spacing_m)
        north_m = np.array([0.0, 1.0]) * (field_size_m(length_m) + 200.0)
        towns = {}
        for number, (part, count) in enumerate(self.num_streets.items()):
            names = [f"{part}{i:02d}" for i in range(count)]
            start_m = _START_M + number * north_m
            towns[part] = lay_out_town((settings.seed, number), names, length_m, start_m)
        return towns

    def shots(self) -> Iterator[Shot]:
        """Yields the photos to take, visit after visit."""
        for number, (part, town) in enumerate(self._towns.items()):
            visits = _TRAIN_VISITS if part == "train" else _VALIDATION_VISITS
            for i, street in enumerate(town.streets):
                turns = 0
                for folder, planned in visits[i % len(visits)].items():
                    is_query = folder == "queries"
                    for turn, (weather, day) in enumerate(planned):
                        turns += 1
                        visit = plan_visit(weather, (self.settings.seed, number, i, turns), day)
                        every = 2 * len(planned) if (part != "train" and is_query) else 1
                        yield from self._round(street, visit, Path(part), folder, every, 2 * turn)

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns a street as a visit finds it."""
        if self._model is None or self._model[0] != part:
            town = self._towns[part.rstrip("0123456789")]
            street = next(street for street in town.streets if street.name == part)
            self._model = (part, StreetModel(town, street))
        return self._model[1].visit(visit)

    def _round(
        self, street: Street, visit: Visit, root: Path, folder: str, every: int, first: int
    ) -> Iterator[Shot]:
        """Yields the photos of one visit to a street: of places `first` modulo `every`."""
        rng = np.random.default_rng((*visit.seed, 5))
        jitter = STEADY if folder == "database" else LOOSE
        for place in range(self.settings.places_per_street):
            distance_m = FIRST_PLACE_M + place * self.settings.spacing_m
            camera = place_camera(street, distance_m, rng, jitter)
            if every > 1 and place % every != first:
                continue
            name = f"{folder}/{_file_name(camera, visit)}"
            seed = (*visit.seed, place, 6)
            yield Shot(street.name, visit, camera, place, _ROLES[folder], seed, root, name)


def _file_name(camera: Camera, visit: Visit) -> str:
    heading_deg = round(camera.heading_deg, 1) % 360.0
    photo = PhotoName(camera.east_m, camera.north_m, heading_deg=heading_deg, time_s=visit.time_s)
    return photo_name(photo, note=visit.weather.name)
