"""Plans the photos of a synthetic town: where, on which visits, into which file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from placevec.rendering.scenes.camera import Camera
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.scenes.weather import Visit, plan_visit
from placevec.rendering.town.layout import Street
from placevec.rendering.town.street_cameras import FIRST_PLACE_M, LOOSE, STEADY, place_camera
from placevec.rendering.town.town_scenery import TownScenery
from placevec.sources import PhotoName, photo_name

TRAIN = "train"
# Weather and day, counted from 1 March; the streets use the rows in turn.
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


def tour_town(town: TownScenery, *, places_per_street: int, spacing_m: float) -> Iterator[Shot]:
    """Yields the photos to take of a town, visit after visit.

    In the district `train`, each place is photographed on three visits for the database and on four
    for the queries. In all other districts, each place is photographed on one visit by day, and
    every second place again as a query in other weather. Visits differ in light, season, parked
    cars, passers-by and camera.

    Args:
        town: TownScenery. Each of its districts becomes a data set.
        places_per_street: int. Number of places along a street.
        spacing_m: float. Distance between places along the street.
    """
    for number, (district, plan) in enumerate(town.towns.items()):
        visits = _TRAIN_VISITS if district == TRAIN else _VALIDATION_VISITS
        for i, street in enumerate(plan.streets):
            turns = 0
            for folder, planned in visits[i % len(visits)].items():
                is_query = folder == "queries"
                for turn, (weather, day) in enumerate(planned):
                    turns += 1
                    visit = plan_visit(weather, (town.seed, number, i, turns), day)
                    every = 2 * len(planned) if (district != TRAIN and is_query) else 1
                    for place, camera in _cameras(
                        street, visit, folder, places_per_street, spacing_m
                    ):
                        if every == 1 or place % every == 2 * turn:
                            name = f"{folder}/{_file_name(camera, visit)}"
                            yield Shot(
                                street.name,
                                visit,
                                camera,
                                place,
                                _ROLES[folder],
                                (*visit.seed, place, 6),
                                Path(district),
                                name,
                            )


def _cameras(
    street: Street, visit: Visit, folder: str, num_places: int, spacing_m: float
) -> Iterator[tuple[int, Camera]]:
    """Yields the places along a street and the camera of a visit at each."""
    rng = np.random.default_rng((*visit.seed, 5))
    jitter = STEADY if folder == "database" else LOOSE
    for place in range(num_places):
        yield place, place_camera(street, FIRST_PLACE_M + place * spacing_m, rng, jitter)


def _file_name(camera: Camera, visit: Visit) -> str:
    heading_deg = round(camera.heading_deg, 1) % 360.0
    photo = PhotoName(camera.east_m, camera.north_m, heading_deg=heading_deg, time_s=visit.time_s)
    return photo_name(photo, note=visit.weather.name)
