"""From a name or a file to the photos that are planned of it."""

from pathlib import Path

from placevec.config import RenderConfig
from placevec.rendering.cameras.model_tour import ModelTour
from placevec.rendering.scenery import TOWN
from placevec.rendering.town.tour import TownTour
from placevec.rendering.worlds.load_world import load_world


def open_tour(world: Path | str, settings: RenderConfig) -> TownTour | ModelTour:
    """Plans how a made town or a 3-D model is photographed.

    Args:
        world: Path or str. `"town"`, a model file or a folder of tiles.
        settings: RenderConfig.

    Raises:
        FileNotFoundError, ValueError: If the model is missing or cannot be read.
    """
    if str(world) == TOWN:
        return TownTour(settings)
    return ModelTour(load_world(Path(world), up=settings.up, scale=settings.scale), settings)
