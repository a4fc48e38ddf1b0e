"""Opens the scenery that settings describe, and plans its photos."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from placevec.config import ModelRenderConfig, RenderConfig, TownRenderConfig
from placevec.rendering.cameras.find_viewpoints import find_viewpoints
from placevec.rendering.cameras.flight import FLYING, find_flight
from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.cameras.model_tour import tour_model
from placevec.rendering.cameras.pose_files import open_trajectory
from placevec.rendering.cameras.trajectory import along_trajectory
from placevec.rendering.cameras.viewpoints import WALKING, Viewpoints
from placevec.rendering.scenes.camera import scaled
from placevec.rendering.scenes.shot import Shot
from placevec.rendering.town.street_cameras import street_length_m
from placevec.rendering.town.tour import TRAIN, tour_town
from placevec.rendering.town.town_scenery import TOWN, TownScenery
from placevec.rendering.worlds.load_world import load_world
from placevec.rendering.worlds.world import World


def open_tour(world: Path | str, settings: RenderConfig) -> TownScenery | ModelScenery:
    """Opens the synthetic town or a 3-D model as the settings describe.

    The town has the district `train` for training, `val` for validation and, if wanted, `test`.

    Args:
        world: Path or str. `"town"`, a model file or a folder of tiles.
        settings: TownRenderConfig for the town, ModelRenderConfig for a model.

    Raises:
        FileNotFoundError, ValueError: If the model is missing or cannot be read, or the settings
            are those of the other kind.
    """
    kind = settings_kind(world)
    if not isinstance(settings, kind):
        raise ValueError(
            f"`settings` of {world} must be a {kind.__name__}. Received: a "
            f"{type(settings).__name__}"
        )
    if isinstance(settings, ModelRenderConfig):
        return ModelScenery(
            load_world(Path(world), up=settings.up, scale=settings.scale),
            lambda loaded: _viewpoints(loaded, settings),
            seed=settings.seed,
            randomize_textures=settings.randomize_textures,
        )
    settings = cast(TownRenderConfig, settings)
    counts = {
        TRAIN: settings.num_streets,
        "val": settings.num_validation_streets,
        "test": settings.num_test_streets,
    }
    return TownScenery(
        settings.seed,
        districts={district: count for district, count in counts.items() if count},
        street_length_m=street_length_m(settings.places_per_street, settings.spacing_m),
        models_kept=1,  # a tour goes through each street once
    )


def settings_kind(world: Path | str) -> type[TownRenderConfig] | type[ModelRenderConfig]:
    """Returns the class of the settings for a world."""
    return TownRenderConfig if str(world) == TOWN else ModelRenderConfig


def plan_tour(scenery: TownScenery | ModelScenery, settings: Any) -> Iterator[Shot]:
    """Yields the photos of a scenery that the settings ask for, visit after visit."""
    if isinstance(scenery, ModelScenery):
        return tour_model(scenery, visits=settings.visits, jitter=settings.jitter)
    return tour_town(
        scenery, places_per_street=settings.places_per_street, spacing_m=settings.spacing_m
    )


def _viewpoints(world: World, settings: ModelRenderConfig) -> Viewpoints:
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
    common: dict[str, Any] = {
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
