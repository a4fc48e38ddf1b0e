"""Checks the answers of services, which are foreign input: JSON, numbers, texts and photos."""

import hashlib
import math
import re
from typing import Any

from placevec.collecting.client.errors import TryAgainError
from placevec.images.metadata.header import read_header
from placevec.images.read import MAX_PIXELS
from placevec.input_file import parse_json

_LONGEST_TEXT = 300  # characters


def json_object(body: bytes) -> dict[str, Any]:
    """Reads an answer that must be a JSON object.

    Raises:
            TryAgainError: If it is not one, for example if a proxy answers for the service.
    """
    try:
        answer = parse_json(body, "the answer")
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise TryAgainError("sent something other than a JSON object")
    return answer


def number(value: object) -> float:
    """Returns a value of an answer as a finite number, or NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    return float(value) if abs(value) < 1e15 else math.nan


def text(value: object) -> str:
    """Returns a value of an answer as one line of at most 300 characters; `""` if it is no text."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        value = str(value)
    if not isinstance(value, str):
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in value)
    return " ".join(printable.split())[:_LONGEST_TEXT]


def latitude_longitude(lat: object, lon: object) -> tuple[float, float] | None:
    """Returns a place on the Earth in degrees, or None if the answer gives none."""
    lat, lon = number(lat), number(lon)
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def safe_name(identity: str) -> str:
    """Returns an id as a file name: the id itself if it is safe, otherwise a digest of it.

    Example:
    >>> safe_name("Zx_1-b"), safe_name("../../etc/passwd")[:8]
    ('Zx_1-b', '3754d6cb')
    """
    if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", identity):
        return identity
    return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]


def whole_photo(body: bytes) -> bytes:
    """Returns the answer if it is a complete photo of an acceptable size.

    Raises:
        TryAgainError: If it is not.
    """
    try:
        rows, cols = read_header(body)
    except ValueError as error:
        raise TryAgainError(f"sent a photo that {error}") from None
    if rows * cols > MAX_PIXELS:
        raise TryAgainError(f"sent a photo of {rows} x {cols} pixels, more than {MAX_PIXELS}")
    return body
