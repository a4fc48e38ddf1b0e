"""`placevec render`: renders photos with positions of a synthetic town or a 3-D model."""

from collections.abc import Callable
from typing import Annotated

import tyro

from placevec.cli.arguments import Flags, World
from placevec.cli.settings import EarlierRendering
from placevec.cli.surroundings import progress_bar
from placevec.config import ModelRenderConfig, RenderConfig, TownRenderConfig

_Earlier = Annotated[EarlierRendering, Flags]
_NONE = EarlierRendering()


def render_over(default: RenderConfig) -> Callable[..., None]:
    """Returns the verb, with these settings where there is no flag."""
    of_town = default if isinstance(default, TownRenderConfig) else TownRenderConfig()
    of_model = default if isinstance(default, ModelRenderConfig) else ModelRenderConfig()

    def town(
        earlier: _Earlier = _NONE, settings: Annotated[TownRenderConfig, Flags] = of_town
    ) -> None:
        """Render photos of a synthetic town, which needs no model.

        Args:
            earlier: Where settings come from if no flag sets them.
            settings: How it is photographed.
        """
        _render("town", settings)

    def model(
        world: World,
        /,
        earlier: _Earlier = _NONE,
        settings: Annotated[ModelRenderConfig, Flags] = of_model,
    ) -> None:
        """Render photos of your own 3-D model: OBJ, glTF, GLB, egg, bam, or a folder of tiles.

        Args:
            world: A model file or a folder of tiles.
            earlier: Where settings come from if no flag sets them.
            settings: How it is photographed.
        """
        _render(world, settings)

    drawn = (
        Annotated[TownRenderConfig, tyro.conf.subcommand("town", constructor=town)]
        | Annotated[ModelRenderConfig, tyro.conf.subcommand("model", constructor=model)]
    )

    # Defined inside this call, because its subcommands take their defaults from the call.
    def render(drawn: Annotated[drawn, Flags]) -> None:  # pyright: ignore[reportInvalidTypeForm]
        """Render photos with positions of a synthetic town or a 3-D model, to train on.

        Needs no display.
        """

    return render


def _render(world: str, settings: RenderConfig) -> None:
    from placevec.rendering import render

    print(render(world, settings, progress=progress_bar))
