"""`placevec loops` finds loops of a run, and `placevec calibrate` learns when to trust them."""

from typing import Annotated

from placevec.cli.arguments import Flags, Photos, Places
from placevec.cli.surroundings import progress_bar
from placevec.config import CalibrateConfig, LoopsConfig


def loops(photos: Photos, /, settings: Annotated[LoopsConfig, Flags]) -> None:
    """Find photos of a run that return to an earlier place.

    Args:
        photos: A folder of photos, a video, or READER:PATH.
        settings: How loops are found.
    """
    from placevec.loops import find_loops

    print(find_loops(photos, progress=progress_bar, **vars(settings)))


def calibrate(places: Places, /, settings: Annotated[CalibrateConfig, Flags]) -> None:
    """Learn the threshold above which matches reach a given precision.

    Args:
        places: READER:PATH of photos with positions.
        settings: How the threshold is learned.
    """
    from placevec.loops import calibrate as learn

    print(learn(places, progress=progress_bar, **vars(settings)))
