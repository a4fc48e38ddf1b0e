"""Plans which photos of a 3-D model are taken."""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from placevec.config import RenderConfig
from placevec.rendering.cameras.flight import FLYING, find_flight
from placevec.rendering.cameras.pose_files import open_trajectory
from placevec.rendering.cameras.trajectory import along_trajectory
from placevec.rendering.cameras.viewpoints import WALKING, Viewpoints, find_viewpoints
from placevec.rendering.scenes.camera import scaled
from placevec.rendering.scenes.scene import Scene
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.scenes.weather import Visit, plan_visit
from placevec.rendering.worlds.world import World

_STRAY_M = 1.0
_DAYS_APART = 11


class ModelTour:
    """A 3-D model whose places are photographed on several visits.

    Each visit has its weather and its cameras, which stray from their places by up to a metre.
    Cameras walk, fly, or follow a trajectory.

    Args:
        world: World.
        settings: RenderConfig.
    """

    def __init__(self, world: World, settings: RenderConfig) -> None:
        self.world, self.settings = world, settings

    @functools.cached_property
    def viewpoints(self) -> Viewpoints:
        """Where cameras stand; sought when first asked for.

        Raises:
            ValueError: If too few cameras find room in the model.
        """
        return _viewpoints(self.world, self.settings)

    def shots(self) -> Iterator[Shot]:
        """Yields the photos to take, visit after visit."""
        seed, viewpoints = self.settings.seed, self.viewpoints
        digits = len(str(max(viewpoints.places)))
        for number, weather in enumerate(self.settings.visits):
            visit = plan_visit(weather, (seed, number), _DAYS_APART * number)
            rng = np.random.default_rng((*visit.seed, 5))
            role = "both" if len(self.settings.visits) == 1 else "query" if number else "database"
            views: dict[int, int] = {}
            for i, (camera, place) in enumerate(
                zip(viewpoints.cameras, viewpoints.places, strict=True)
            ):
                place = int(place)
                view = views[place] = views.get(place, -1) + 1
                if number and self.settings.jitter:
                    camera = viewpoints.sample_near(camera, rng, self.settings.jitter * _STRAY_M)
                name = f"{number}_{weather}/{place:0{digits}d}_{view}.jpg"
                noise = (*visit.seed, i, 6)
                yield Shot("", visit, camera, place, role, noise, Path(), name)

    def scene(self, part: str, visit: Visit) -> Scene:
        """Returns the model in the light of a visit."""
        if self.settings.randomize_textures:
            return self.world.restyled(visit.seed).scene(visit)
        return self.world.scene(visit)


def _viewpoints(world: World, settings: RenderConfig) -> Viewpoints:
    if settings.trajectory is not None:
        places, turns = open_trajectory(settings.trajectory)
        return along_trajectory(
            world,
            places,
            turns=turns,
            scale=settings.scale,
            eye_height_m=settings.eye_height_m,
            jitter=scaled(WALKING, settings.jitter),
            **({} if settings.spacing_m is None else {"spacing_m": settings.spacing_m}),
        )
    photos_of_place = settings.views_per_place * len(settings.visits)
    common = {
        "num_places": -(-settings.num_photos // photos_of_place),
        "views_per_place": settings.views_per_place,
        "seed": settings.seed,
        "spacing_m": settings.spacing_m,
    }
    if settings.cameras == "fly":
        jitter = scaled(FLYING, settings.jitter)
        return find_flight(world, heights_m=settings.height_m, jitter=jitter, **common)
    jitter = scaled(WALKING, settings.jitter)
    return find_viewpoints(world, eye_height_m=settings.eye_height_m, jitter=jitter, **common)
