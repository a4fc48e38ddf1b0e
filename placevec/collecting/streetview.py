"""Google's Street View Static API: photos cut from panoramas.

The service documents it at https://developers.google.com/maps/documentation/streetview. Metadata
requests are free. A place gives only one panorama, the current one; others need their id.
"""

import base64
import binascii
import calendar
import contextlib
import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
from numpy.typing import NDArray

from placevec.collecting.area import read_area
from placevec.collecting.client.answers import (
    json_object,
    latitude_longitude,
    safe_name,
    text,
    whole_photo,
)
from placevec.collecting.client.client import Request
from placevec.collecting.client.errors import RefusedError, ServiceError, TryAgainError
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
from placevec.collecting.lookups import Lookups
from placevec.config import StreetviewConfig
from placevec.counted import counted
from placevec.input_file import read_text
from placevec.progress import Progress, no_progress

_PHOTO_PATH = "/maps/api/streetview"
_METADATA_PATH = "/maps/api/streetview/metadata"
_MAX_METADATA_BYTES = 100_000
_MAX_IDS_BYTES = 50_000_000
_LICENCE = "Google Maps Platform Terms of Service"


@dataclass(frozen=True)
class Panorama:
    """What the metadata tell about a panorama.

    Args:
        pano_id: str. Its id.
        lat: float. Latitude in degrees, WGS84.
        lon: float. Longitude in degrees, WGS84.
        month: str. `"YYYY-MM"`; `""` if unknown.
        attribution: str. Name of the owner.
    """

    pano_id: str
    lat: float
    lon: float
    month: str
    attribution: str


def collect_streetview(
    settings: StreetviewConfig, progress: Progress = no_progress
) -> Plan | Collected:
    """Collects photos of the panoramas of an area, with several headings of each.

    It does not fetch photos or metadata again that are already in the folder. With `dry_run` it
    asks only for the metadata, which is free, and writes nothing.

    Args:
        settings: StreetviewConfig.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Collected; with `dry_run`, the Plan.

    Raises:
        ValueError: If no key is set, the area cannot be read, or the quota is too small.
        OSError: If the service does not answer or refuses the key.
    """
    key = read_key("GOOGLE_MAPS_API_KEY")
    secret = read_key("GOOGLE_MAPS_SIGNING_SECRET", is_needed=False)
    service = _Service(settings, key, secret)
    questions = _questions(settings)
    lookups = Lookups(settings.out, read_metadata, write_metadata)
    unanswered = lookups.unanswered(questions)

    def find() -> tuple[list[Wanted], str]:
        with contextlib.nullcontext() if settings.dry_run else lookups:
            ask = partial(service.look_up, lookups)
            for _ in service.client.each(ask, unanswered, progress):
                pass
        answers = [lookups[question] for question in questions]
        found = [each for each in answers if each is not None]
        wanted, note = _choose(found, service, settings)
        return wanted, f"{counted(len(questions), 'place')}: {note}"

    search = Search(len(unanswered), find, price_usd_per_1000=settings.price_usd_per_1000)
    return collect(settings, service.client, search, progress)


def sign(url: str, secret: str) -> str:
    """Returns a web address with its signature: HMAC-SHA1 of path and parameters.

    Args:
        url: str. The address, including the key.
        secret: str. The signing secret, in URL-safe base64.

    Raises:
        ValueError: If the secret is not base64.

    Example:
    >>> sign("https://maps.googleapis.com/maps/api/streetview?size=9x9", "c2VjcmV0")[-39:]
    '&signature=-5jpEyoBSc3f7jzkkNR_byPZBn0='
    """
    try:
        padded = secret.replace("-", "+").replace("_", "/") + "=" * (-len(secret) % 4)
        key = base64.b64decode(padded, validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError(
            "GOOGLE_MAPS_SIGNING_SECRET must be the URL signing secret in base64, as the Cloud "
            "console shows it. Copy it again"
        )
    parts = urlsplit(url)
    digest = hmac.new(key, f"{parts.path}?{parts.query}".encode(), hashlib.sha1).digest()
    return f"{url}&signature={base64.urlsafe_b64encode(digest).decode()}"


def read_metadata(body: bytes) -> Panorama | None:
    """Reads the answer to a metadata request.

    Returns:
        Panorama, or None if there is none.

    Raises:
        TryAgainError: If the service is busy or answers something else.
        RefusedError: If it refuses the key.
        ServiceError: If it says that the request is malformed.
    """
    answer = json_object(body)
    status, why = text(answer.get("status")), text(answer.get("error_message"))
    if status in ("ZERO_RESULTS", "NOT_FOUND"):
        return None
    if status == "REQUEST_DENIED":
        raise RefusedError(f"Street View refuses the key: {why or status}")
    if status == "INVALID_REQUEST":
        raise ServiceError(f"Street View says that the request is malformed: {why or status}")
    if status != "OK":
        raise TryAgainError(f"sent the status {status or '(none)'}")
    location = answer.get("location")
    place = location if isinstance(location, dict) else {}
    position = latitude_longitude(place.get("lat"), place.get("lng"))
    pano_id = text(answer.get("pano_id"))
    if position is None or not pano_id:
        raise TryAgainError("sent a panorama without id or position")
    month = re.match(r"\d{4}-(0[1-9]|1[0-2])(?!\d)", text(answer.get("date")))
    copyright_line = text(answer.get("copyright"))
    return Panorama(pano_id, *position, month.group() if month else "", copyright_line)


def write_metadata(panorama: Panorama | None) -> str:
    """Returns the text that `read_metadata` reads as this panorama, or as none."""
    if panorama is None:
        return json.dumps({"status": "ZERO_RESULTS"})
    answer = {
        "status": "OK",
        "pano_id": panorama.pano_id,
        "location": {"lat": panorama.lat, "lng": panorama.lon},
        "date": panorama.month,
        "copyright": panorama.attribution,
    }
    return json.dumps(answer)


class _Service:
    """The requests that the settings describe."""

    def __init__(self, settings: StreetviewConfig, key: str, secret: str):
        self._settings = settings
        self._key = key
        self._secret = secret
        if secret:
            sign("https://maps.googleapis.com/?", secret)
        self.client = client_of(settings, (key, secret))

    def look_up(self, lookups: Lookups[Panorama | None], question: str) -> None:
        """Asks for the metadata of a place or a panorama, and keeps the answer."""
        url = self._url(_METADATA_PATH, question)
        request = Request(url, ("application/json",), _MAX_METADATA_BYTES)
        self.client.get(request, partial(lookups.keep, question))

    def row_and_photo(self, panorama: Panorama, heading: float) -> tuple[Row, Callable[[], bytes]]:
        """Returns the row of a photo, and a function that fetches the photo."""
        settings = self._settings
        rows, cols = settings.image_size
        parameters = {
            "pano": panorama.pano_id,
            "size": f"{cols}x{rows}",
            "heading": f"{heading:.2f}",
            "fov": f"{settings.fov_deg:g}",
            "pitch": f"{settings.pitch_deg:g}",
            "return_error_code": "true",
        }
        url = self._url(_PHOTO_PATH, urlencode(parameters))
        row = {
            "file": _file_name(panorama, heading),
            "lat": panorama.lat,
            "lon": panorama.lon,
            "heading_deg": round(heading, 2),
            "time": f"{panorama.month}-01" if panorama.month else None,
            "altitude_m": math.nan,
            "place": panorama.pano_id,
            "fov_deg": settings.fov_deg,
            "position_kind": "service",
            "attribution": panorama.attribution,
            "licence": _LICENCE,
            "source": "streetview",
            "source_id": panorama.pano_id,
        }
        request = Request(url, ("image/jpeg",), MAX_PHOTO_BYTES)
        return row, lambda: self.client.get(request, whole_photo)

    def _url(self, path: str, parameters: str) -> str:
        url = f"{self._settings.base_url.rstrip('/')}{path}?{parameters}&"
        url += urlencode({"key": self._key})
        return sign(url, self._secret) if self._secret else url


def _questions(settings: StreetviewConfig) -> list[str]:
    """Returns the parameters of each metadata request, without the key."""
    if settings.pano_ids is not None:
        return [urlencode({"pano": pano_id}) for pano_id in _read_pano_ids(settings.pano_ids)]
    places: NDArray[np.float64] = read_area(settings).sample(settings.spacing_m)
    shared = {"radius": f"{settings.radius_m}", "source": "outdoor"}
    return [urlencode({"location": f"{lat:.6f},{lon:.6f}", **shared}) for lat, lon in places]


def _choose(
    found: list[Panorama], service: _Service, settings: StreetviewConfig
) -> tuple[list[Wanted], str]:
    """Returns the photos of panoramas of the right dates, and a note of what is left out."""
    placed = [each for each in found if (each.lat, each.lon) != (0.0, 0.0)]
    panoramas = {each.pano_id: each for each in placed}
    in_time = [each for each in panoramas.values() if _is_in_time(each, settings)]
    headings = [360.0 * i / settings.num_headings for i in range(settings.num_headings)]
    wanted = [
        Wanted(_file_name(each, heading), partial(service.row_and_photo, each, heading))
        for each in in_time
        for heading in headings
    ]
    at_zero = f", {len(found) - len(placed)} left out at 0, 0" if len(placed) < len(found) else ""
    return wanted, (
        f"{counted(len(panoramas), 'panorama')}, {len(panoramas) - len(in_time)} of them of other "
        f"dates{at_zero}. "
        f"Check the price, {settings.price_usd_per_1000:g} USD per 1000 photos: "
        "--price-usd-per-1000"
    )


def _file_name(panorama: Panorama, heading: float) -> str:
    return f"{safe_name(panorama.pano_id)}_{heading:05.1f}.jpg"


def _read_pano_ids(path: Path) -> list[str]:
    lines = [line.strip() for line in read_text(path, max_bytes=_MAX_IDS_BYTES).split("\n")]
    ids = list(dict.fromkeys(line for line in lines if line))
    if not ids or max(map(len, ids)) > 200:
        raise ValueError(
            f"{path} must hold ids of panoramas, one per line. Received: none, or more"
        )
    return ids


def _is_in_time(panorama: Panorama, settings: StreetviewConfig) -> bool:
    """Returns whether any day of the panorama's month lies between the dates of the settings."""
    if settings.from_date is None and settings.to_date is None:
        return True
    if not panorama.month:
        return False
    year, month = map(int, panorama.month.split("-"))
    if year < 1:
        return False
    last = date(year, month, calendar.monthrange(year, month)[1])
    return (settings.from_date or "") <= last.isoformat() and (
        f"{panorama.month}-01" <= (settings.to_date or "9999-12-31")
    )
