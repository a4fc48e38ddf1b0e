"""Photos with positions from a service of street-level photos: what `placevec collect` does."""

from typing import TYPE_CHECKING

from placevec.config import MapillaryConfig, StreetviewConfig
from placevec.progress import Progress, no_progress

if TYPE_CHECKING:
    from placevec.collecting.download import Collected, Plan


def collect(
    settings: StreetviewConfig | MapillaryConfig, *, progress: Progress = no_progress
) -> "Plan | Collected":
    """Collects photos with positions from the service that the settings are of.

    Args:
        settings: StreetviewConfig or MapillaryConfig.
        progress: Progress. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        Collected, or the Plan with `dry_run`.

    Raises:
        ImportError: If the extra `collect` is not installed.
        ValueError: If no key is set, the area cannot be read or the quota is too small.
        OSError: If the service does not answer, or refuses the key.
    """
    try:
        from placevec.collecting.mapillary import collect_mapillary
        from placevec.collecting.streetview import collect_streetview
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "placevec":
            raise
        raise ImportError(
            f"Collecting photos needs mapbox-vector-tile, requests and shapely; {missing} is not "
            'installed. Install them: pip install "placevec[collect]"'
        ) from error
    if isinstance(settings, StreetviewConfig):
        return collect_streetview(settings, progress)
    return collect_mapillary(settings, progress)
