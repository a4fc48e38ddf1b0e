"""How street-level photos are collected."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.choices import Thumb
from placevec.config.limits import Above, AtLeast, Between, ImageSize
from placevec.config.refusals import need_date, need_safe_address, refuse, settle


@dataclass(frozen=True)
class CollectConfig:
    """Where photos are collected, and how a service is asked."""

    out: Path = Path("data/collected")
    """Folder for the photos and positions.csv. The same command continues where it stopped."""
    bbox: tuple[float, float, float, float] | None = None
    """Area: south, west, north and east edge in degrees."""
    polygon: Path | None = None
    """Area: a file with polygons in GeoJSON."""
    points: Path | None = None
    """Area: a CSV file with the columns lat and lon, in degrees."""
    track: Path | None = None
    """Area: a line to follow, a GPX file or a CSV file with the columns lat and lon, in order."""
    from_date: str | None = None
    """First day of the photos, YYYY-MM-DD."""
    to_date: str | None = None
    """Last day of the photos, YYYY-MM-DD."""
    dry_run: bool = False
    """Only ask what exists, which costs nothing, and print how many requests and how much money the
    photos would take."""
    max_requests: Annotated[int, AtLeast(1)] = 1000
    """Maximum number of requests of one run, including lookups and retries."""
    requests_per_second: Annotated[float, Above(0)] = 10.0
    """Maximum number of requests per second."""
    threads: Annotated[int, AtLeast(1)] = 4
    """Number of simultaneous requests."""
    retries: Annotated[int, AtLeast(0)] = 5
    """Number of retries after a temporary failure of a request."""
    timeout_s: Annotated[float, Above(0)] = 60.0
    """Maximum time to wait for an answer, in seconds."""

    def __post_init__(self) -> None:
        settle(self)
        for name in ("from_date", "to_date"):
            need_date(self, name)
        if self.bbox is not None:
            south, west, north, east = self.bbox
            if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
                refuse(self, "bbox", "south, west, north, east in degrees, each edge in order")
        given = [name for name in self._areas if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"Give one area: {', '.join(f'`{name}`' for name in self._areas)}. "
                f"Received: {' and '.join(given) or 'none'}"
            )

    @property
    def _areas(self) -> tuple[str, ...]:
        return "bbox", "polygon", "points", "track"


@dataclass(frozen=True)
class StreetviewConfig(CollectConfig):
    """Collect photos from Google's Street View Static API, which costs money.

    Its terms restrict what may be stored and learned from: docs/collecting.md. The key is read from
    GOOGLE_MAPS_API_KEY, the secret that signs requests from GOOGLE_MAPS_SIGNING_SECRET.
    """

    pano_ids: Path | None = None
    """Instead of an area: a text file with ids of panoramas, one per line."""
    spacing_m: Annotated[float, Above(0)] = 20.0
    """Distance between the requested places, in an area or along a track, in metres."""
    radius_m: Annotated[int, AtLeast(1)] = 50
    """Maximum distance of a panorama from the requested place, in metres."""
    num_headings: Annotated[int, Between(1, 360)] = 4
    """Number of photos per panorama, at most 360. Their headings are spread evenly; the first one
    is north."""
    fov_deg: Annotated[float, Between(10, 120)] = 90.0
    """Horizontal field of view of a photo, in degrees."""
    pitch_deg: Annotated[float, Between(-90, 90)] = 0.0
    """Angle of the optical axis above the horizon, in degrees."""
    image_size: ImageSize = (480, 640)
    """Rows and columns of a photo, at most 640."""
    price_usd_per_1000: Annotated[float, AtLeast(0)] = 7.0
    """List price of 1000 photos in US dollars, from August 2025. Look up yours."""
    base_url: str = "https://maps.googleapis.com"
    """Address of the service."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if max(self.image_size) > 640:
            refuse(self, "image_size", "640 rows and columns at most")
        need_safe_address(self, "base_url")

    @property
    def _areas(self) -> tuple[str, ...]:
        return *super()._areas, "pano_ids"


@dataclass(frozen=True)
class MapillaryConfig(CollectConfig):
    """Collect photos from Mapillary, which are CC BY-SA 4.0.

    The token is read from MAPILLARY_ACCESS_TOKEN.
    """

    radius_m: Annotated[float, Above(0)] = 25.0
    """Maximum distance of a photo from the points or the track, in metres."""
    min_distance_m: Annotated[float, AtLeast(0)] = 5.0
    """Minimum distance between photos of one sequence, in metres."""
    thumb: Thumb = "1024"
    """Pixels of the photo's longer side."""
    keep_panoramas: bool = False
    """Also collect panoramas, which are 360-degree images and not photos through one lens."""
    graph_url: str = "https://graph.mapillary.com"
    """Address of the service's graph."""
    tiles_url: str = "https://tiles.mapillary.com"
    """Address of the service's tiles."""

    def __post_init__(self) -> None:
        super().__post_init__()
        need_safe_address(self, "graph_url")
        need_safe_address(self, "tiles_url")
