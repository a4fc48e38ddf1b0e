"""Plans the photos of a 3-D model."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.scenes.weather import plan_visit

_STRAY_M = 1.0
_DAYS_APART = 11


def tour_model(model: ModelScenery, *, visits: Sequence[str], jitter: float) -> Iterator[Shot]:
    """Yields the photos to take of a model, visit after visit.

    Each visit has its own weather and its own cameras, up to a metre from their places.

    Args:
        model: ModelScenery.
        visits: sequence of str. Weathers. The first visit is the database and the others are
            queries; a single visit is both.
        jitter: float. How far cameras move away on later visits, as a share of the usual distance,
            in [0, 1].
    """
    viewpoints = model.viewpoints
    digits = len(str(max(viewpoints.places)))
    for number, weather in enumerate(visits):
        visit = plan_visit(weather, (model.seed, number), _DAYS_APART * number)
        rng = np.random.default_rng((*visit.seed, 5))
        role = "both" if len(visits) == 1 else "query" if number else "database"
        views: dict[int, int] = {}
        for i, (camera, place) in enumerate(
            zip(viewpoints.cameras, viewpoints.places, strict=True)
        ):
            place = int(place)
            view = views[place] = views.get(place, -1) + 1
            if number and jitter:
                camera = viewpoints.sample_near(camera, rng, jitter * _STRAY_M)
            name = f"{number}_{weather}/{place:0{digits}d}_{view}.jpg"
            noise = (*visit.seed, i, 6)
            yield Shot("", visit, camera, place, role, noise, Path(), name)
