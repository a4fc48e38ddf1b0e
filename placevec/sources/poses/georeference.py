"""Converts positions around a known point on Earth to the UTM grid."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from placevec.places.dataset import PlaceDataset
from placevec.sources.values.utm import ECCENTRICITY, RADIUS_M, metres_from_degrees

_NUM_STEPS = 6  # of the iteration for the latitude; each makes the error at least 150 times smaller


def on_earth(
    dataset: PlaceDataset, latitude_deg: float, longitude_deg: float, altitude_m: float
) -> PlaceDataset:
    """Converts a data set around a point on Earth to the UTM grid.

    Args:
        dataset: PlaceDataset. Positions and altitudes in metres east, north and up of the point,
            on the tangent plane of the ellipsoid there.
        latitude_deg: float. Latitude of the point, WGS84.
        longitude_deg: float. Longitude of the point, WGS84.
        altitude_m: float. Altitude of the point, above the ellipsoid or the datum of the source.

    Returns:
        PlaceDataset, in the frame `"UTM 33U"` or the like, with altitudes above the same datum.

    Raises:
        ValueError: If the point is not on the UTM grid, or 0, 0, which is not a position.
    """
    if latitude_deg == 0 and longitude_deg == 0:
        raise ValueError(
            f"The origin of {dataset.root} must be a position on Earth. Received: latitude 0, "
            "longitude 0"
        )
    if not (-80 <= latitude_deg <= 84 and -180 <= longitude_deg <= 180):
        raise ValueError(
            f"The origin of {dataset.root} must have a latitude in [-80, 84] and a longitude in "
            f"[-180, 180] degrees. Received: {latitude_deg:g}, {longitude_deg:g}"
        )
    latitude, longitude = np.radians([latitude_deg, longitude_deg])
    offsets_m = np.column_stack([dataset.known("positions_m"), dataset.known("altitudes_m")])
    points_m = earth_point(latitude, longitude, altitude_m) + offsets_m @ _axes(latitude, longitude)
    latitudes_deg, longitudes_deg, altitudes_m = geodetic(points_m)
    positions_m, zone = metres_from_degrees(latitudes_deg, longitudes_deg)
    return dataclasses.replace(
        dataset, positions_m=positions_m, altitudes_m=altitudes_m, frame=f"UTM {zone}"
    )


def earth_point(latitude: float, longitude: float, altitude_m: float) -> NDArray[np.float64]:
    """Returns the (3,) earth-centered coordinates in metres of a point given in radians."""
    across_m = RADIUS_M / np.sqrt(1 - (ECCENTRICITY * np.sin(latitude)) ** 2)
    level_m = (across_m + altitude_m) * np.cos(latitude)
    return np.array([
        level_m * np.cos(longitude),
        level_m * np.sin(longitude),
        (across_m * (1 - ECCENTRICITY**2) + altitude_m) * np.sin(latitude),
    ])  # fmt: skip


def geodetic(
    points_m: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns latitudes and longitudes in degrees, and altitudes in metres above the ellipsoid.

    Args:
        points_m: (N, 3) float64. Earth-centered, WGS84, less than 100 km above the ground.

    Example:

    >>> [each.round(5).tolist() for each in geodetic(np.array([[6378137.0 + 5, 0, 0]]))]
    [[0.0], [0.0], [5.0]]
    """
    x, y, z = np.asarray(points_m, dtype=np.float64).T
    level_m = np.hypot(x, y)
    latitudes = np.arctan2(z, level_m * (1 - ECCENTRICITY**2))
    for _ in range(_NUM_STEPS):
        across_m = RADIUS_M / np.sqrt(1 - (ECCENTRICITY * np.sin(latitudes)) ** 2)
        latitudes = np.arctan2(z + ECCENTRICITY**2 * across_m * np.sin(latitudes), level_m)
    across_m = RADIUS_M / np.sqrt(1 - (ECCENTRICITY * np.sin(latitudes)) ** 2)
    altitudes_m = level_m * np.cos(latitudes) + z * np.sin(latitudes) - RADIUS_M**2 / across_m
    return np.degrees(latitudes), np.degrees(np.arctan2(y, x)), altitudes_m


def _axes(latitude: float, longitude: float) -> NDArray[np.float64]:
    """Returns the (3, 3) earth-centered directions east, north and up, one per row."""
    sin_lat, cos_lat = np.sin(latitude), np.cos(latitude)
    sin_lon, cos_lon = np.sin(longitude), np.cos(longitude)
    return np.array([
        [-sin_lon, cos_lon, 0.0],
        [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
        [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
    ])  # fmt: skip
