"""Defines where to collect: a box, a polygon, points or a track."""

import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from placevec.config import CollectConfig
from placevec.counted import counted
from placevec.input_file import open_input, read_json, shown
from placevec.sources.tables.rows.csv_file import in_words
from placevec.sources.tables.rows.rows import read_csv
from placevec.sources.tracks.gpx import read_gpx_lines
from placevec.sources.values.cells import to_number
from placevec.sources.values.null_island import at_zero

_log = logging.getLogger(__name__)

EARTH_RADIUS_M = 6_371_008.8  # The sphere has the Earth's volume; distances are within 0.6 %.
_LARGEST_FILE = 50_000_000  # bytes
_MOST_POINTS = 1_000_000


@dataclass(frozen=True)
class Area:
    """A part of the Earth: the inside of a polygon, or the surroundings of points or a track.

    Args:
        polygon: shapely geometry or None. In degrees; x is longitude, y is latitude.
        lines: tuple of (n, 2) float64 or None. For each piece of a track, latitude and longitude
            of its corners in degrees.
        points: (N, 2) float64 or None. Latitude and longitude in degrees.
    """

    polygon: BaseGeometry | None = None
    lines: tuple[NDArray[np.float64], ...] | None = None
    points: NDArray[np.float64] | None = None

    def sample(self, spacing_m: float) -> NDArray[np.float64]:
        """Returns points of the area: a grid in a polygon, steps along a track, or its points.

        Args:
            spacing_m: float. Distance between neighbors, in metres. Given points stay as they are.

        Returns:
            (N, 2) float64. Latitude and longitude in degrees, without repeats.

        Raises:
            ValueError: If there would be more than a million points.
        """
        if self.points is not None:
            return _without_repeats(self.points)
        if self.lines is not None:
            return _without_repeats(np.concatenate([_walk(li, spacing_m) for li in self.lines]))
        if self.polygon is None:
            raise ValueError("An Area must have a polygon, lines or points. Received: none")
        return _grid(self.polygon, spacing_m)

    def covers(self, places: NDArray[np.float64], radius_m: float) -> NDArray[np.bool_]:
        """Returns which places lie in the polygon, or near the points or the track.

        Args:
            places: (N, 2) float64. Latitude and longitude in degrees.
            radius_m: float. Largest distance from a point or the track, in metres.

        Returns:
            (N,) bool.
        """
        if not len(places):
            return np.zeros(0, dtype=bool)
        if self.polygon is not None:
            return shapely.contains_xy(self.polygon, places[:, 1], places[:, 0])
        # Halfway between two steps along a track, the distance to a step is at most 0.8 % too far.
        tree = scipy.spatial.KDTree(metres_in_space(self.sample(radius_m / 4)))
        distances_m, _ = tree.query(metres_in_space(places), distance_upper_bound=radius_m)
        return np.isfinite(distances_m)

    def bounds(self, margin_m: float) -> list[tuple[float, float, float, float]]:
        """Returns boxes that contain the whole area.

        Args:
            margin_m: float. Margin around points and tracks, in metres.

        Returns:
            South, west, north and east edges in degrees: one box for a polygon, one per point.
        """
        if self.polygon is not None:
            west, south, east, north = self.polygon.bounds
            return [(south, west, north, east)]
        points = self.sample(max(margin_m, 1.0))
        lat_deg = np.full(len(points), math.degrees(margin_m / EARTH_RADIUS_M))
        lon_deg = lat_deg / np.cos(np.radians(np.clip(points[:, 0], -89, 89)))
        margins = np.stack([lat_deg, lon_deg], axis=1)
        return [tuple(box) for box in np.hstack([points - margins, points + margins]).tolist()]


def read_area(settings: CollectConfig) -> Area:
    """Reads the area that the settings give: one of `bbox`, `polygon`, `points` and `track`.

    Args:
        settings: CollectConfig.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file does not contain such an area.
    """
    if settings.bbox is not None:
        south, west, north, east = settings.bbox
        return Area(polygon=shapely.box(west, south, east, north))
    if settings.polygon is not None:
        return Area(polygon=_read_geojson(settings.polygon))
    if settings.points is not None:
        return Area(points=_read_points(settings.points))
    track = settings.track
    if track is None:
        raise ValueError("`bbox`, `polygon`, `points` or `track` must be given. Received: none")
    if track.suffix.lower() == ".gpx":
        lines = [_checked(line, track) for line in read_gpx_lines(track)]
        return Area(lines=tuple(_without_zeros(lines, track)))
    return Area(lines=(_read_points(track),))


def metres_in_space(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns places on the Earth as points in space, with distances in metres.

    Args:
        places: (N, 2) float64. Latitude and longitude in degrees.

    Returns:
        (N, 3) float64. Distances go straight through the Earth: 1 mm less over 10 km.
    """
    lat, lon = np.radians(places).T
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    return EARTH_RADIUS_M * unit


def _walk(corners: NDArray[np.float64], spacing_m: float) -> NDArray[np.float64]:
    """Returns the first corner of a line, then a point every `spacing_m`, and the last corner."""
    steps_m = np.linalg.norm(np.diff(metres_in_space(corners), axis=0), axis=1)
    along_m = np.concatenate([[0.0], np.cumsum(steps_m)])
    _refuse_many(along_m[-1] / spacing_m, spacing_m)
    stops_m = np.append(np.arange(0.0, along_m[-1], spacing_m), along_m[-1])
    lon = np.unwrap(corners[:, 1], period=360.0)
    walked = np.stack([np.interp(stops_m, along_m, each) for each in (corners[:, 0], lon)], axis=1)
    walked[:, 1] = (walked[:, 1] + 180.0) % 360.0 - 180.0
    return walked


def _grid(polygon: BaseGeometry, spacing_m: float) -> NDArray[np.float64]:
    west, south, east, north = polygon.bounds
    step_deg = math.degrees(spacing_m / EARTH_RADIUS_M)
    widest = math.cos(math.radians(min(abs(south), abs(north)) if south * north > 0 else 0.0))
    _refuse_many((north - south) * (east - west) * widest / step_deg**2, spacing_m)
    rows = []
    for lat in np.arange(south + step_deg / 2, north, step_deg):
        across_deg = step_deg / max(math.cos(math.radians(lat)), 1e-6)
        lon = np.arange(west + across_deg / 2, east, across_deg)
        rows.append(np.stack([np.full(len(lon), lat), lon], axis=1))
    grid = np.concatenate(rows) if rows else np.empty((0, 2))
    grid = grid[shapely.contains_xy(polygon, grid[:, 1], grid[:, 0])]
    if len(grid):
        return grid
    middle = polygon.representative_point()
    return np.array([[middle.y, middle.x]])


def _refuse_many(count: float, spacing_m: float) -> None:
    if count > _MOST_POINTS:
        raise ValueError(
            f"An area may have {counted(_MOST_POINTS, 'point')} at most. Received: about "
            f"{count:.0f} at a spacing of {spacing_m:g} m. Choose a smaller area or a larger "
            "spacing"
        )


def _without_repeats(places: NDArray[np.float64]) -> NDArray[np.float64]:
    _, first = np.unique(places, axis=0, return_index=True)
    return places[np.sort(first)]


def _read_points(path: Path) -> NDArray[np.float64]:
    open_input(path, max_bytes=_LARGEST_FILE).close()
    cells = read_csv(path)
    if "lat" not in cells or "lon" not in cells:
        raise ValueError(
            f"{path} must have the columns `lat` and `lon`. Received: {in_words(cells)}"
        )
    points = _checked(list(zip(cells["lat"], cells["lon"], strict=True)), path)
    return _without_zeros([points], path)[0]


def _without_zeros(lines: list[NDArray[np.float64]], path: Path) -> list[NDArray[np.float64]]:
    """Leaves out points at 0, 0. Receivers write them before they know their position."""
    kept = [line[~at_zero(line, on_earth=True)] for line in lines]
    count, num_kept = sum(map(len, lines)), sum(map(len, kept))
    if not num_kept:
        raise ValueError(
            f"{path} must hold positions. Received: {counted(count, 'point')}, all at 0, 0"
        )
    if num_kept < count:
        _log.warning("%d of %d points of %s at 0, 0: left out", count - num_kept, count, path)
    return [line for line in kept if len(line)]


def _read_geojson(path: Path) -> BaseGeometry:
    value = read_json(path, max_bytes=_LARGEST_FILE)
    try:
        shapes = [shapely.geometry.shape(each) for each in _geometries(value)]
        polygon = shapely.union_all([s for s in shapes if s.area > 0])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError,
            OverflowError, shapely.errors.ShapelyError) as error:  # fmt: skip
        what = shown(error, longest=100)
        raise ValueError(f"{path} holds no polygon in GeoJSON: {what}") from None
    if polygon.is_empty or not np.isfinite(polygon.bounds).all():
        raise ValueError(f"{path} must hold a polygon in GeoJSON. Received: none with an area")
    west, south, east, north = polygon.bounds
    _checked([(south, west), (north, east)], path)
    return polygon


def _geometries(value: dict) -> list[dict]:
    if value["type"] == "FeatureCollection":
        return [shape for each in value["features"] for shape in _geometries(each)]
    if value["type"] == "Feature":
        return [value["geometry"]] if value["geometry"] else []
    return [value]


def _checked(places: list[tuple], path: Path) -> NDArray[np.float64]:
    """Returns latitudes and longitudes as numbers that are valid on the Earth."""
    try:
        degrees = np.array([list(map(to_number, place)) for place in places]).reshape(-1, 2)
    except (ValueError, OverflowError):
        degrees = np.full((1, 2), np.nan)
    if not len(degrees) or not (np.abs(degrees) <= (90.0, 180.0)).all():
        raise ValueError(
            f"{path} must hold latitudes in [-90, 90] and longitudes in [-180, 180], in degrees. "
            "Received: other values, or none. Are the two swapped?"
        )
    return degrees
