"""`placevec demo`: shows what placevec does, on photos that ship with it."""

from typing import Annotated

from placevec.cli.arguments import Flags
from placevec.cli.surroundings import progress_bar
from placevec.config import DemoConfig


def demo(
    settings: Annotated[DemoConfig, Flags] = DemoConfig(),  # noqa: B008
) -> None:
    """Describe photos of a synthetic town by day, and find them again in other weather.

    Args:
        settings: Which model, and where the results go.
    """
    from placevec.retrieval import demo as show_demo

    print(show_demo(progress=progress_bar, **vars(settings)))
