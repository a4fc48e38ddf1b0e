"""Collects photos with positions from a street-level service, as `placevec collect` does."""

from typing import TYPE_CHECKING

from placevec.config import MapillaryConfig, StreetviewConfig
from placevec.progress import Progress, no_progress

if TYPE_CHECKING:
    from placevec.collecting.download import Collected, Plan


def collect(
    settings: StreetviewConfig | MapillaryConfig, *, progress: Progress = no_progress
) -> "Plan | Collected":
    """Collects photos with positions from one service. The type of the settings says which.

    Args:
        settings: StreetviewConfig or MapillaryConfig.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Collected; with `dry_run`, the Plan.

    Raises:
        ImportError: If the extra `collect` is not installed.
        ValueError: If no key is set, the area cannot be read, or the quota is too small.
        OSError: If the service does not answer or refuses the key.
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
