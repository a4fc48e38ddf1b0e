"""`placevec render`: photos with positions, drawn of a 3-D model or a made town."""

from collections.abc import Callable
from typing import Annotated

from placevec.cli.arguments import Flags, World
from placevec.cli.settings import EarlierRendering
from placevec.cli.surroundings import progress_bar
from placevec.config import RenderConfig


def render_over(default: RenderConfig) -> Callable[..., None]:
    """Returns the verb, with these settings where there is no flag."""

    def render(
        world: World = "town",
        /,
        earlier: Annotated[EarlierRendering, Flags] = EarlierRendering(),  # noqa: B008
        settings: Annotated[RenderConfig, Flags] = default,
    ) -> None:
        """Draw photos with positions of a 3-D model, or of a made town, to train on.

        Needs no display. Models: OBJ, glTF, GLB, egg, bam, or a folder of tiles.

        Args:
            world: A model file, a folder of tiles, or `town`.
            earlier: Where settings come from that no flag names.
            settings: How it is photographed.
        """
        del earlier  # `default` came from it
        from placevec.rendering import render as render_world

        print(render_world(world, settings, progress=progress_bar))

    return render
