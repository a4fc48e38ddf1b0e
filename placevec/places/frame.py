"""The frames that positions are measured in, and which positions can be compared."""

import re

_ZONE = re.compile(r"0*([1-9]|[1-5]\d|60)([C-HJ-NP-X]?)")
UNITS = ("m", "frames", "units")
"""The possible units of positions."""


def parse_zone(text: str) -> tuple[int, str] | None:
    """Reads a zone of the UTM grid.

    Args:
        text: str. A number from 1 to 60 and the letter of a latitude band, C to X without I and
            O, such as `"31U"`; the letter may be missing.

    Returns:
        The number and the letter (`""` if it is missing), or None if the text is not a zone.

    Example:

    >>> parse_zone("31U"), parse_zone("7"), parse_zone("61U")
    ((31, 'U'), (7, ''), None)
    """
    match = _ZONE.fullmatch(text)
    return (int(match.group(1)), match.group(2)) if match else None


def is_southern(band: str) -> bool:
    """Returns whether a latitude band is south of the equator. A missing letter means north."""
    return "" < band < "N"


def grid_of(frame: str) -> str:
    """Returns the name of the grid that a frame is measured in.

    All latitude bands of one hemisphere share the metres of their zone.

    Args:
        frame: str. A frame, such as `"UTM 31U"` or `"local"`.

    Returns:
        The zone and its hemisphere, such as `"UTM 31 north"`. Other frames are returned unchanged.

    Example:

    >>> grid_of("UTM 32T") == grid_of("UTM 32U") == "UTM 32 north"
    True
    >>> grid_of("UTM 32K"), grid_of("local")
    ('UTM 32 south', 'local')
    """
    zone = parse_zone(frame.removeprefix("UTM ")) if is_zone_frame(frame) else None
    if zone is None:
        return frame
    number, band = zone
    return f"UTM {number} {'south' if is_southern(band) else 'north'}"


def is_zone_frame(frame: str) -> bool:
    """Returns whether a frame names its UTM zone, so that its positions are known on Earth."""
    return frame.startswith("UTM ") and parse_zone(frame.removeprefix("UTM ")) is not None


def unit_of(frame: str) -> str:
    """Returns the unit of a frame's positions: `"m"`, `"units"` or `"frames"`."""
    return {"frames": "frames", "SLAM units": "units"}.get(frame, "m")
