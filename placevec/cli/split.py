"""`placevec split`: splits a set into train, val and test."""

from typing import Annotated

from placevec.cli.arguments import Flags, Places
from placevec.cli.surroundings import progress_bar
from placevec.config import SplitConfig


def split(
    places: Places,
    /,
    settings: Annotated[SplitConfig, Flags] = SplitConfig(),  # noqa: B008
) -> None:
    """Split a set into train, val and test, with no place or near-duplicate photo in two splits.

    Writes splits.csv and a map, splits.svg, beside the photos; then READER:PATH#train, #val and
    #test open the splits.

    Args:
        places: Photos with positions: READER:PATH, or a path whose format placevec recognizes.
        settings: How photos are split.
    """
    from placevec.evaluation import split as split_places

    print(split_places(places, progress=progress_bar, **vars(settings)))
