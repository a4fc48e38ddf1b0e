"""`placevec collect`: downloads photos with positions from services of street-level photos."""

from typing import Annotated

import tyro

from placevec.cli.arguments import Flags
from placevec.cli.surroundings import progress_bar
from placevec.config import MapillaryConfig, StreetviewConfig

_Service = (
    Annotated[StreetviewConfig, tyro.conf.subcommand("streetview")]
    | Annotated[MapillaryConfig, tyro.conf.subcommand("mapillary")]
)


def collect(settings: Annotated[_Service, Flags]) -> None:
    """Collect photos with positions from a service of street-level photos."""
    from placevec.collecting import collect as collect_photos

    print(collect_photos(settings, progress=progress_bar))
