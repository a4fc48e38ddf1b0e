"""Converts latitude and longitude to metres and back, on the UTM grid (WGS84)."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown
from placevec.places.frame import is_southern, parse_zone

_log = logging.getLogger(__name__)

# WGS84: equatorial radius in metres, flattening; UTM: scale and false easting, northing.
RADIUS_M = 6378137.0
_FLATTENING = 1 / 298.257223563
_SCALE = 0.9996
_EASTING_M = 500_000.0
_SOUTHERN_NORTHING_M = 10_000_000.0

# Krueger's series in the third flattening n, to n^4, as in Karney, "Transverse Mercator with an
# accuracy of a few nanometers", 2011 (https://arxiv.org/abs/1002.1417), equations 7 to 14; its
# coefficients from degrees to metres, and back.
_N = _FLATTENING / (2 - _FLATTENING)
ECCENTRICITY = np.sqrt(_FLATTENING * (2 - _FLATTENING))
_RECTIFYING_RADIUS_M = RADIUS_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHAS = (
    _N / 2 - 2 / 3 * _N**2 + 5 / 16 * _N**3 + 41 / 180 * _N**4,
    13 / 48 * _N**2 - 3 / 5 * _N**3 + 557 / 1440 * _N**4,
    61 / 240 * _N**3 - 103 / 140 * _N**4,
    49561 / 161280 * _N**4,
)
_BETAS = (
    _N / 2 - 2 / 3 * _N**2 + 37 / 96 * _N**3 - 1 / 360 * _N**4,
    1 / 48 * _N**2 + 1 / 15 * _N**3 - 437 / 1440 * _N**4,
    17 / 480 * _N**3 - 37 / 840 * _N**4,
    4397 / 161280 * _N**4,
)
_NUM_STEPS = 6  # of the iteration for the latitude; each makes the error at least 150 times smaller

_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_BAND_S_M = (3_400_000.0, 4_600_000.0)  # northings of 32 to 40 degrees north, and a little more
_LEAST_NORTHING_M = 1_000_000.0  # of the south
_FARTHEST_DEG = 60.0  # from the central meridian; the series is accurate to 1 mm up to there


def metres_from_degrees(
    latitudes_deg: NDArray[np.floating],
    longitudes_deg: NDArray[np.floating],
    zone: str | None = None,
) -> tuple[NDArray[np.float64], str]:
    """Converts latitudes and longitudes to metres in one zone of the UTM grid.

    All points are projected into one zone, that of their median, even points beyond its edge, so
    that the distance between any two of them can be computed.

    Args:
        latitudes_deg: (N,) float. WGS84, in [-80, 84].
        longitudes_deg: (N,) float. WGS84, in [-180, 180].
        zone: str or None. Zone to use, such as `"17T"`; a number alone means the northern half.
            Defaults to that of the median.

    Returns:
        positions_m, (N, 2) float64, metres east and north, and the zone, such as `"30U"`.

    Raises:
        ValueError: If there is no point, the zone does not exist, or a point is outside the ranges
            or more than 60 degrees of longitude from the zone.

    Example:

    >>> positions_m, zone = metres_from_degrees([52.2050448], [0.1195771])
    >>> zone, positions_m.round(2).tolist()
    ('31U', [[303182.72, 5787755.11]])
    """
    latitudes_deg = np.asarray(latitudes_deg, dtype=np.float64)
    longitudes_deg = np.asarray(longitudes_deg, dtype=np.float64)
    if latitudes_deg.size == 0:
        raise ValueError("A zone needs at least one point. Received: none")
    if not (np.abs(longitudes_deg) <= 180).all():
        bad = longitudes_deg[~(np.abs(longitudes_deg) <= 180)][0]
        raise ValueError(f"A longitude must be in [-180, 180] degrees. Received: {bad:g}")
    if not ((latitudes_deg >= -80) & (latitudes_deg <= 84)).all():
        bad = latitudes_deg[~((latitudes_deg >= -80) & (latitudes_deg <= 84))][0]
        raise ValueError(
            f"A latitude must be in [-80, 84] degrees, where UTM is defined. Received: {bad:g}"
        )
    if zone is None:
        # The lower median is one of the values, so a set across the date line stays on one side.
        zone = utm_zone(_lower_median(latitudes_deg), _lower_median(longitudes_deg))
    number, band = _zone(zone)
    offsets_deg = _offsets_from(number, longitudes_deg)
    if np.abs(offsets_deg).max() > _FARTHEST_DEG:
        raise ValueError(
            f"The photos are up to {np.abs(offsets_deg).max():.0f} degrees of longitude from the "
            f"middle of zone {zone}. Give `east,north`, or keep a folder or table for each region "
            'and join them, such as "exif:paris + exif:sydney"'
        )
    stretch = np.square(np.radians(offsets_deg) * np.cos(np.radians(latitudes_deg))).max() / 2
    if stretch > 0.01:
        _log.warning(
            "Photos far from UTM zone %s: distances between them are up to %.0f %% too long",
            zone,
            100 * stretch,
        )
    positions_m = _krueger(np.radians(latitudes_deg), np.radians(offsets_deg))
    if is_southern(band):
        positions_m[:, 1] += _SOUTHERN_NORTHING_M
    return positions_m, zone


def degrees_from_metres(positions_m: NDArray[np.floating], zone: str) -> NDArray[np.float64]:
    """Converts metres in a zone of the UTM grid to latitudes and longitudes.

    Args:
        positions_m: (N, 2) float. Metres east and north.
        zone: str. Number and letter of the band; letters below N mean the southern half, a number
            alone means the northern half.

    Returns:
        (N, 2) float64. Latitude and longitude, WGS84, in degrees.

    Raises:
        ValueError: If the zone does not exist.

    Example:

    >>> degrees_from_metres(np.array([[303182.72, 5787755.11]]), "31U").round(6).tolist()
    [[52.205045, 0.119577]]
    """
    number, band = _zone(zone)
    false_m = np.array([_EASTING_M, _SOUTHERN_NORTHING_M if is_southern(band) else 0.0])
    sums = (np.asarray(positions_m, dtype=np.float64) - false_m) / (_SCALE * _RECTIFYING_RADIUS_M)
    east, north = sums.T.copy()
    for j, beta in enumerate(_BETAS, start=1):
        east -= beta * np.cos(2 * j * sums[:, 1]) * np.sinh(2 * j * sums[:, 0])
        north -= beta * np.sin(2 * j * sums[:, 1]) * np.cosh(2 * j * sums[:, 0])
    conformal = np.arcsinh(np.sin(north) / np.hypot(np.sinh(east), np.cos(north)))
    latitudes = np.arctan(np.sinh(conformal))
    for _ in range(_NUM_STEPS):
        lift = ECCENTRICITY * np.arctanh(ECCENTRICITY * np.sin(latitudes))
        latitudes = np.arctan(np.sinh(conformal + lift))
    longitudes_deg = np.degrees(np.arctan2(np.sinh(east), np.cos(north))) + 6 * number - 183
    return np.stack([np.degrees(latitudes), (longitudes_deg + 180) % 360 - 180], axis=1)


def utm_zone(latitude_deg: float, longitude_deg: float) -> str:
    """Returns the UTM zone of a point, with the exceptions of Norway and Svalbard.

    Args:
        latitude_deg: float. In [-80, 84].
        longitude_deg: float. In [-180, 180].

    Returns:
        str. Number and letter of the latitude band.

    Example:

    >>> utm_zone(40.44, -80.0), utm_zone(60.4, 5.3)
    ('17T', '32V')
    """
    number = int((longitude_deg + 180) // 6) % 60 + 1
    letter = _BANDS[min(int((latitude_deg + 80) // 8), len(_BANDS) - 1)]
    if letter == "V" and 3 <= longitude_deg < 12:
        number = 32
    if letter == "X" and 0 <= longitude_deg < 42:
        number = 31 + 2 * int((longitude_deg + 3) // 12)
    return f"{number}{letter}"


def refuse_hemisphere_letters(
    zones: NDArray[np.str_],
    positions_m: NDArray[np.floating],
    names: NDArray[np.str_],
    source: Path,
) -> None:
    """Refuses an S that means south, because the latitude band S is 32 to 40 degrees north.

    Args:
        zones: (N,) str. Zones such as `"31U"`; `""` if unknown.
        positions_m: (N, 2) float. Metres east and north; small numbers are not checked.
        names: (N,) str. The photos.
        source: Path. The file that names them, for the error.

    Raises:
        ValueError: If a photo in a zone with the letter S is outside of that band.
    """
    north_m = positions_m[:, 1]
    low_m, high_m = _BAND_S_M
    is_outside = ((north_m > _LEAST_NORTHING_M) & (north_m < low_m)) | (north_m > high_m)
    bad = np.flatnonzero(np.char.endswith(zones, "S") & is_outside)
    if len(bad):
        number = zones[bad[0]][:-1]
        raise ValueError(
            f"The letter S of a UTM zone means 32 to 40 degrees north. Received: zone "
            f"{zones[bad[0]]} and {north_m[bad[0]]:.0f} m north of {shown(names[bad[0]])} in "
            f"{source}. Write a letter from C to M for the south, such as {number}H"
        )


def _zone(zone: str) -> tuple[int, str]:
    parsed = parse_zone(zone)
    if parsed is None:
        raise ValueError(f"A UTM zone is 1 to 60 and a letter, such as 31U. Received: {zone!r}")
    return parsed


def _lower_median(values: NDArray[np.float64]) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])


def _offsets_from(zone_number: int, longitudes_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    middle_deg = 6 * zone_number - 183
    return (longitudes_deg - middle_deg + 180) % 360 - 180


def _krueger(latitudes: NDArray[np.float64], offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    conformal = np.sinh(
        np.arcsinh(np.tan(latitudes)) - ECCENTRICITY * np.arctanh(ECCENTRICITY * np.sin(latitudes))
    )  # tangent of the conformal latitude
    north = np.arctan2(conformal, np.cos(offsets))
    east = np.arcsinh(np.sin(offsets) / np.hypot(conformal, np.cos(offsets)))
    sums = np.stack([east, north], axis=-1)
    for j, alpha in enumerate(_ALPHAS, start=1):
        sums[..., 0] += alpha * np.cos(2 * j * north) * np.sinh(2 * j * east)
        sums[..., 1] += alpha * np.sin(2 * j * north) * np.cosh(2 * j * east)
    return _SCALE * _RECTIFYING_RADIUS_M * sums + np.array([_EASTING_M, 0.0])
