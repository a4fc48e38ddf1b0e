"""`placevec group`: sorts photos by the places that they show."""

from typing import Annotated

from placevec.cli.arguments import Flags, Photos
from placevec.cli.surroundings import progress_bar
from placevec.config import GroupConfig


def group(photos: Photos, /, settings: Annotated[GroupConfig, Flags]) -> None:
    """Group photos that show the same place.

    Args:
        photos: A folder of photos, a video, or READER:PATH.
        settings: How they are grouped.
    """
    from placevec.grouping import group as group_photos

    print(group_photos(photos, progress=progress_bar, **vars(settings)))
