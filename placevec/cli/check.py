"""`placevec check`: finds faults in photos with positions, or in a store."""

import sys
from typing import Annotated

from placevec.cli.arguments import Flags, Places
from placevec.cli.surroundings import progress_bar
from placevec.config import CheckConfig


def check(
    places: Places,
    /,
    settings: Annotated[CheckConfig, Flags] = CheckConfig(),  # noqa: B008
) -> None:
    """Check photos with positions for faults and write a report, or check a store's files.

    Exit code 0: no findings, 1: findings, 2: the data set or the store cannot be read.

    Args:
        places: READER:PATH, or a path whose format placevec recognizes; or a store.
        settings: What counts as a finding in photos.
    """
    from placevec.checking import check as check_places

    report = check_places(places, progress=progress_bar, **vars(settings))
    print(report)
    if report.findings:
        sys.stdout.flush()
        sys.exit(1)
