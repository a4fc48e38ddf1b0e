"""Opens a scenery to photograph: the synthetic town or a 3-D model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from placevec.config import ModelRenderConfig
from placevec.config.choices import CAMERAS
from placevec.rendering.cameras.find_viewpoints import find_viewpoints
from placevec.rendering.cameras.flight import find_flight
from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.scenes.scenery import FAR_M, NEAR_M, Scenery
from placevec.rendering.town.town_scenery import TOWN, TownScenery
from placevec.rendering.worlds.load_world import load_world


def open_scenery(
    place: str | Path,
    *,
    seed: int = 0,
    near_m: float | None = None,
    far_m: float | None = None,
    up: str = ModelRenderConfig.up,
    scale: float = ModelRenderConfig.scale,
    cameras: str = ModelRenderConfig.cameras,
    **settings: Any,
) -> Scenery:
    """Opens a scenery to photograph.

    Args:
        place: str. `"town"` for the synthetic town, or the path of a 3-D model or a folder of
            tiles.
        seed: int. Seed of the town, the viewpoints and the visits.
        near_m: float or None. Maximum distance of cameras that show the same place, in metres.
            None: 10 m; for flying cameras it depends on their height.
        far_m: float or None. Minimum distance of cameras that show another place, in metres. None:
            25 m; for flying cameras it depends on their height.
        up: str. Axis of a model that points up: auto, y or z. Not for the town.
        scale: float. Metres per unit of a model. Not for the town.
        cameras: str. In a model, cameras `"walk"` on its ground or `"fly"` above it.
        **settings: For the town, `num_streets` (4 by default) and `street_length_m` (300). For a
            model, more arguments of `find_viewpoints` or, if cameras fly, of `find_flight`.

    Returns:
        `Scenery`.

    Raises:
        FileNotFoundError: If the model does not exist.
        ValueError: If the model is damaged, or a setting is out of range.
    """
    if cameras not in CAMERAS:
        raise ValueError(
            f"`cameras` must be one of {', '.join(CAMERAS)}. Received: cameras={cameras!r}"
        )
    if str(place) == TOWN and cameras == "fly":
        raise ValueError("`cameras` must be 'walk' in the town. Received: cameras='fly'")
    distances: dict[str, Any] = {"near_m": near_m, "far_m": far_m}
    if cameras == "walk":
        distances = {
            "near_m": NEAR_M if near_m is None else near_m,
            "far_m": FAR_M if far_m is None else far_m,
        }
    if None not in distances.values():
        _refuse_bad_distances(**distances)
    if str(place) == TOWN:
        return _open_town(seed, **distances, **settings)
    find: Callable[..., Any] = find_viewpoints if cameras == "walk" else find_flight
    world = load_world(Path(place), up=up, scale=scale)
    viewpoints = find(world, seed=seed, **({"num_places": 300} | settings))
    return ModelScenery(world, lambda _: viewpoints, seed=seed, **distances)


def _open_town(
    seed: int, *, near_m: float, far_m: float, num_streets: int = 4, street_length_m: float = 300.0
) -> TownScenery:
    if num_streets < 1:
        raise ValueError(
            f"`num_streets` must be a positive integer. Received: num_streets={num_streets}"
        )
    if street_length_m < 4 * far_m:
        raise ValueError(
            f"`street_length_m` must be at least {4 * far_m:g}, so that far cameras have room. "
            f"Received: street_length_m={street_length_m}"
        )
    return TownScenery(
        seed,
        districts={"stream": num_streets},
        street_length_m=street_length_m,
        near_m=near_m,
        far_m=far_m,
    )


def _refuse_bad_distances(near_m: float, far_m: float) -> None:
    if not 0 < near_m <= far_m:
        raise ValueError(
            "`near_m` must be positive and at most `far_m`. "
            f"Received: near_m={near_m}, far_m={far_m}"
        )
