"""Mapillary's API v4: photos that people took, from its vector tiles and its graph.

The service documents it at https://www.mapillary.com/developer/api-documentation. Tiles of zoom 14
give each image with id, sequence, time and compass angle. The graph gives an image's position after
Mapillary's own reconstruction, its camera, and addresses of the photo, which expire.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from urllib.parse import quote, urlencode, urlsplit

import mapbox_vector_tile
import numpy as np
from google.protobuf.message import DecodeError

from placevec.collecting.area import Area, metres_in_space, read_area
from placevec.collecting.client.answers import (
    json_object,
    latitude_longitude,
    number,
    safe_name,
    text,
    whole_photo,
)
from placevec.collecting.client.client import Request
from placevec.collecting.client.errors import ServiceError, TryAgainError
from placevec.collecting.client.keys import read_key
from placevec.collecting.download import (
    MAX_PHOTO_BYTES,
    Collected,
    Plan,
    Row,
    Search,
    Wanted,
    client_of,
    collect,
)
from placevec.config import MapillaryConfig
from placevec.counted import counted
from placevec.progress import Progress, no_progress
from placevec.sources.values.null_island import at_zero

_ZOOM = 14
_LAYER = "image"
_TILE_KINDS = ("application/", "binary/")
_MAX_TILE_BYTES = 50_000_000
_MAX_ENTITY_BYTES = 1_000_000
_FIELDS = (
    "id", "sequence", "captured_at", "geometry", "computed_geometry", "compass_angle",
    "computed_compass_angle", "altitude", "computed_altitude", "camera_type", "camera_parameters",
    "width", "height", "is_pano", "creator",
)  # fmt: skip
_LICENCE = "CC BY-SA 4.0"


@dataclass(frozen=True)
class TileImage:
    """What a tile tells about an image.

    Args:
        image_id: str. Its id.
        lat: float. Latitude in degrees, from the camera's GPS.
        lon: float. Longitude in degrees.
        sequence: str. Id of its sequence.
        time_s: float. Seconds since 1970, UTC; NaN if unknown.
        is_pano: bool. Whether it is a panorama.
    """

    image_id: str
    lat: float
    lon: float
    sequence: str
    time_s: float
    is_pano: bool


def collect_mapillary(
    settings: MapillaryConfig, progress: Progress = no_progress
) -> Plan | Collected:
    """Collects the photos of an area, of all dates that the settings allow.

    It does not fetch photos again that are already in the folder. With `dry_run` it asks only for
    the tiles and writes nothing.

    Args:
        settings: MapillaryConfig.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Collected; with `dry_run`, the Plan.

    Raises:
        ValueError: If no key is set, the area cannot be read, or the quota is too small.
        OSError: If the service does not answer or refuses the key.
    """
    service = _Service(settings, read_key("MAPILLARY_ACCESS_TOKEN"))
    area = read_area(settings)
    tiles = tiles_of(area, settings.radius_m)

    def find() -> tuple[list[Wanted], str]:
        answers = service.client.each(service.images_of_tile, tiles, progress)
        images = {image.image_id: image for tile in answers for image in tile}
        chosen, left_out = _choose(list(images.values()), area, settings)
        wanted = [
            Wanted(_file_name(image), partial(service.row_and_photo, image)) for image in chosen
        ]
        return wanted, f"Left out: {left_out}"

    search = Search(len(tiles), find, requests_per_row=1)
    return collect(settings, service.client, search, progress)


def tiles_of(area: Area, margin_m: float) -> list[tuple[int, int]]:
    """Returns the tiles of zoom 14 that cover an area.

    Args:
        area: Area.
        margin_m: float. Margin to search around points and tracks, in metres.

    Returns:
        (column, row) pairs, counted from the north-west, sorted.

    Raises:
        ValueError: If there are more than 200,000.
    """
    tiles: set[tuple[int, int]] = set()
    for south, west, north, east in area.bounds(margin_m):
        first_col, first_row = _tile(north, west)
        last_col, last_row = _tile(south, east)
        count = (last_col - first_col + 1) * (last_row - first_row + 1)
        if len(tiles) + count > 200_000:
            raise ValueError(
                f"An area may cover at most 200000 tiles of zoom {_ZOOM}. Received: more. "
                "Choose a smaller area"
            )
        tiles.update(
            (col % 2**_ZOOM, row)
            for col in range(first_col, last_col + 1)
            for row in range(first_row, last_row + 1)
        )
    return sorted(tiles)


def read_tile(body: bytes, col: int, row: int) -> list[TileImage]:
    """Reads the images of a vector tile. Images without an id or a position are skipped.

    Args:
        body: bytes. The tile. Empty if there are no images.
        col: int. Column of the tile.
        row: int. Row of the tile.

    Raises:
        TryAgainError: If it is not a vector tile.
    """
    try:
        layers = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
        layer = layers.get(_LAYER, {"features": [], "extent": 4096})
    except (DecodeError, AssertionError, ArithmeticError, LookupError, TypeError, ValueError):
        layer = None
    if layer is None or not layer["extent"]:
        raise TryAgainError("sent something other than a vector tile")
    images = (_tile_image(each, layer["extent"], col, row) for each in layer["features"])
    return [image for image in images if image is not None]


def row_of(image: TileImage, answer: dict) -> Row:
    """Returns the row of an image from the graph, or from the tile what the graph does not give.

    Args:
        image: TileImage.
        answer: dict. The graph's answer. Any key may be missing or have another type.
    """
    position, kind = _point(answer.get("computed_geometry")), "computed"
    if position is None:
        position, kind = _point(answer.get("geometry")) or (image.lat, image.lon), "original"
    heading = _first_number(answer, "computed_compass_angle", "compass_angle")
    creator = answer.get("creator")
    user = text(creator.get("username")) if isinstance(creator, dict) else ""
    time_s = number(answer.get("captured_at")) / 1000
    return {
        "file": _file_name(image),
        "lat": round(position[0], 8),
        "lon": round(position[1], 8),
        "heading_deg": heading % 360.0,
        "time": _iso(image.time_s if math.isnan(time_s) else time_s),
        "altitude_m": _first_number(answer, "computed_altitude", "altitude"),
        "sequence": text(answer.get("sequence")) or image.sequence,
        "fov_deg": _field_of_view_deg(answer),
        "position_kind": kind,
        "attribution": f"{user or 'unknown'} on Mapillary, "
        f"https://www.mapillary.com/app/?pKey={quote(image.image_id, safe='')}",
        "licence": _LICENCE,
        "source": "mapillary",
        "source_id": image.image_id,
    }


class _Service:
    """The requests that the settings describe."""

    def __init__(self, settings: MapillaryConfig, token: str):
        self._settings = settings
        self._token = token
        self._photo_field = f"thumb_{settings.thumb}_url"
        self.client = client_of(settings, (token,))

    def images_of_tile(self, tile: tuple[int, int]) -> list[TileImage]:
        """Asks for a tile. A tile that does not exist has no images."""
        col, row = tile
        url = f"{self._settings.tiles_url.rstrip('/')}/maps/vtp/mly1_public/2/{_ZOOM}/{col}/{row}?"
        url += urlencode({"access_token": self._token})
        try:
            return self.client.get(
                Request(url, _TILE_KINDS, _MAX_TILE_BYTES), partial(read_tile, col=col, row=row)
            )
        except ServiceError as error:
            if error.status != 404:
                raise
        return []

    def row_and_photo(self, image: TileImage) -> tuple[Row, Callable[[], bytes]]:
        """Asks for the row of an image. Returns it with a function that fetches the photo."""
        url = f"{self._settings.graph_url.rstrip('/')}/{quote(image.image_id, safe='')}?"
        url += urlencode({"fields": ",".join((*_FIELDS, self._photo_field))})
        authorization = {"Authorization": f"OAuth {self._token}"}
        request = Request(
            url, ("application/json", "text/javascript"), _MAX_ENTITY_BYTES, authorization
        )
        answer = self.client.get(request, json_object)
        photo_url = answer.get(self._photo_field)
        if not isinstance(photo_url, str) or not self._is_trusted(photo_url):
            raise ServiceError(f"Mapillary gives no https address for image {image.image_id}")
        photo = Request(photo_url, ("image/jpeg",), MAX_PHOTO_BYTES, carries_key=False)
        return row_of(image, answer), lambda: self.client.get(photo, whole_photo)

    def _is_trusted(self, url: str) -> bool:
        """Returns whether to fetch a photo from an address: it needs https, or the graph's host."""
        try:
            parts, graph = urlsplit(url), urlsplit(self._settings.graph_url)
        except ValueError:
            return False
        return parts.scheme == "https" or parts[:2] == graph[:2]


def _file_name(image: TileImage) -> str:
    return f"{safe_name(image.image_id)}.jpg"


def _choose(
    images: list[TileImage], area: Area, settings: MapillaryConfig
) -> tuple[list[TileImage], str]:
    """Returns the images to collect, and a text that says how many are left out and why."""
    places = np.array([(image.lat, image.lon) for image in images]).reshape(-1, 2)
    inside = area.covers(places, settings.radius_m)
    is_zero = at_zero(places, on_earth=True)
    images = [images[i] for i in np.flatnonzero(inside & ~is_zero)]
    num_at_zero = int((inside & is_zero).sum())
    flat = [image for image in images if settings.keep_panoramas or not image.is_pano]
    in_time = [image for image in flat if _is_in_time(image.time_s, settings)]
    apart = _thin(in_time, settings.min_distance_m)
    return apart, (
        f"{counted(len(images) - len(flat), 'panorama')}, {len(flat) - len(in_time)} of other "
        f"dates, {len(in_time) - len(apart)} within {settings.min_distance_m:g} m of the one before"
        + (f", {num_at_zero} at 0, 0" if num_at_zero else "")
    )


def _thin(images: list[TileImage], min_distance_m: float) -> list[TileImage]:
    """Leaves out images too close to the last kept image of their sequence."""
    ordered = sorted(images, key=lambda image: (image.sequence, image.time_s, image.image_id))
    kept = []
    for _, group in groupby(ordered, key=lambda image: image.sequence):
        last_m = None
        for image in group:
            here_m = metres_in_space(np.array([[image.lat, image.lon]]))[0]
            if last_m is None or np.linalg.norm(here_m - last_m) >= min_distance_m:
                kept.append(image)
                last_m = here_m
    return kept


def _is_in_time(time_s: float, settings: MapillaryConfig) -> bool:
    if settings.from_date is None and settings.to_date is None:
        return True
    day = (_iso(time_s) or "")[:10]
    return day != "" and (settings.from_date or "") <= day <= (settings.to_date or "9999-12-31")


def _iso(time_s: float) -> str | None:
    try:
        moment = datetime.fromtimestamp(time_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _tile(lat: float, lon: float) -> tuple[int, int]:
    """Returns the column and row of the tile that contains a place (Web Mercator)."""
    lat = math.radians(min(max(lat, -85.0511), 85.0511))
    col = math.floor((lon + 180.0) / 360.0 * 2**_ZOOM)
    row = math.floor((1.0 - math.asinh(math.tan(lat)) / math.pi) / 2.0 * 2**_ZOOM)
    return col, min(max(row, 0), 2**_ZOOM - 1)


def _tile_image(feature: dict, extent: int, col: int, row: int) -> TileImage | None:
    properties, geometry = feature["properties"], feature["geometry"]
    image_id = text(properties.get("id"))
    if geometry.get("type") != "Point" or not image_id:
        return None
    x, y = geometry["coordinates"]
    lon = (col + x / extent) / 2**_ZOOM * 360.0 - 180.0
    north = math.pi * (1.0 - 2.0 * (row + y / extent) / 2**_ZOOM)
    if not abs(north) < 10 or latitude_longitude(0.0, lon) is None:
        return None
    lat = math.degrees(math.atan(math.sinh(north)))
    time_s = number(properties.get("captured_at")) / 1000
    sequence = text(properties.get("sequence_id"))
    return TileImage(image_id, lat, lon, sequence, time_s, bool(properties.get("is_pano")))


def _point(geometry: object) -> tuple[float, float] | None:
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return None
    point = latitude_longitude(coordinates[1], coordinates[0])
    return None if point == (0.0, 0.0) else point


def _first_number(answer: dict, *names: str) -> float:
    numbers = (number(answer.get(name)) for name in names)
    return next((each for each in numbers if not math.isnan(each)), math.nan)


def _field_of_view_deg(answer: dict) -> float:
    """Returns the horizontal field of view of a perspective camera, or NaN for others.

    The focal length is in units of the photo's longer side, as in OpenSfM.
    """
    width, height = number(answer.get("width")), number(answer.get("height"))
    parameters = answer.get("camera_parameters")
    if answer.get("camera_type") != "perspective" or not isinstance(parameters, list):
        return math.nan
    focal = number(parameters[0]) if parameters else math.nan
    if not (width > 0 and height > 0 and focal > 0):
        return math.nan
    return round(2.0 * math.degrees(math.atan(width / max(width, height) / (2.0 * focal))), 2)
