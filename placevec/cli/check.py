"""`placevec check`: faults in photos with positions."""

import sys
from typing import Annotated

from placevec.cli.arguments import Flags, PlacesPath
from placevec.cli.surroundings import progress_bar
from placevec.config import CheckConfig


def check(
    places: PlacesPath,
    /,
    settings: Annotated[CheckConfig, Flags] = CheckConfig(),  # noqa: B008
) -> None:
    """Look for faults in photos with positions; prints and writes a report.

    Exit code 0: no findings, 1: findings, 2: the data set cannot be read.

    Args:
        places: A path, whose format is told by what lies there, or READER:PATH.
        settings: What counts as a finding.
    """
    from placevec.checking import check as check_places

    report = check_places(places, settings, progress=progress_bar)
    print(report)
    if report.findings:
        sys.stdout.flush()
        sys.exit(1)
