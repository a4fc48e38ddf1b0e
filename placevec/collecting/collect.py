"""Photos with positions from a service of street-level photos: what `placevec collect` does."""

from placevec.collecting.download import Collected, Plan
from placevec.collecting.mapillary import collect_mapillary
from placevec.collecting.streetview import collect_streetview
from placevec.config import MapillaryConfig, StreetviewConfig
from placevec.progress import Progress, no_progress


def collect(
    settings: StreetviewConfig | MapillaryConfig, *, progress: Progress = no_progress
) -> Plan | Collected:
    """Collects photos with positions from the service that the settings are of.

    Args:
        settings: StreetviewConfig or MapillaryConfig.
        progress: Progress. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        Collected, or the Plan with `dry_run`.

    Raises:
        ValueError: If no key is set, the area cannot be read or the quota is too small.
        OSError: If the service does not answer, or refuses the key.
    """
    if isinstance(settings, StreetviewConfig):
        return collect_streetview(settings, progress)
    return collect_mapillary(settings, progress)
