"""Draws the ground of a street as one texture, and the light on it as another."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.noise import draw_noise
from placevec.rendering.scenes.weather import Weather
from placevec.rendering.town.layout import FRONT_DISTANCE_M, MARGIN_M, ROAD_HALF_WIDTH_M, Street
from placevec.rendering.town.lighting import Lighting
from placevec.rendering.town.mesh import Mesh, Quads
from placevec.rendering.town.traffic import Cars

_HALF_WIDTH_M = 55.0
_COLS, _MOST_ROWS = 1024, 4096
_LIGHT_SIZE = (1024, 256)
_ASPHALT, _PAVING, _SOIL = (92, 93, 97), (158, 152, 144), (150, 158, 122)
# Factors for the color of grass and earth.
_SOIL_TINTS = {
    "spring": (0.7, 0.86, 0.52),
    "summer": (0.66, 0.76, 0.52),
    "autumn": (0.8, 0.7, 0.48),
    "winter": (0.72, 0.68, 0.62),
}
_FALLEN_LEAVES = (1.0, 0.74, 0.42)
_PAINT = (214, 214, 208)


@dataclass(frozen=True, eq=False)
class Ground:
    """The ground of a street.

    Args:
        albedo: (rows, cols, 3) uint8 RGB. The first row is the far end of the street.
        quads: Quads. The surfaces of the ground.
        corner_m: (2,) float64. Minimum x and y of the texture, in the street's frame.
        size_m: (2,) float64. Extent of the texture along x and y.
        is_soil: (rows, cols) float32 in [0, 1]. Where grass and earth are; as large as the light
            map.
    """

    albedo: NDArray[np.uint8]
    quads: Quads
    corner_m: NDArray[np.float64]
    size_m: NDArray[np.float64]
    is_soil: NDArray[np.float32]

    def pixels(self, points_m: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.int32]:
        """Returns the pixels (n, 2) int32, column and row, of points (n, 2) in a texture."""
        share = (np.asarray(points_m, np.float64) - self.corner_m) / self.size_m
        share[:, 1] = 1 - share[:, 1]
        return np.rint(share * [size[1], size[0]]).astype(np.int32)


def draw_ground(rng: np.random.Generator, street: Street) -> Ground:
    """Draws road, pavements, side streets and markings of one street."""
    span = street.nodes_m[:, 1]
    corner = np.array([-_HALF_WIDTH_M + street.nodes_m[:, 0].mean(), span.min() - MARGIN_M])
    extent = np.array([2 * _HALF_WIDTH_M, np.ptp(span) + 2 * MARGIN_M])
    mesh = Mesh()
    (left, near), (right, far) = corner, corner + extent
    base = [(left, near, 0.0), (right, near, 0.0), (right, far, 0.0), (left, far, 0.0)]
    mesh.add("ground", np.array(base), cells=(4, round(extent[1] / 15)))
    nothing = np.empty(0, np.uint8), np.empty(0, np.float32)
    ground = Ground(nothing[0], mesh.quads()["ground"], corner, extent, nothing[1])
    albedo, is_soil = _draw_albedo(rng, street, ground)
    return Ground(albedo, ground.quads, corner, extent, is_soil)


def road_lines(street: Street) -> list[tuple[NDArray[np.float64], float]]:
    """Returns the middle lines (n, 2) and half widths of the roads of a street, in metres."""
    nodes = street.nodes_m
    ahead = (nodes[0] - nodes[1]) / np.linalg.norm(nodes[0] - nodes[1])
    main = np.concatenate([nodes[:1] + ahead * 5, nodes, nodes[-1:] - ahead * 5])
    return [(main, ROAD_HALF_WIDTH_M), *((side, 3.3) for side in street.side_streets)]


def _draw_albedo(
    rng: np.random.Generator, street: Street, ground: Ground
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    scale = _COLS / ground.size_m[0]
    size = (round(ground.size_m[1] * scale), _COLS)  # pixels as wide as high
    image = np.empty((*size, 3), np.uint8)
    image[:] = _SOIL
    nodes, roads = street.nodes_m, road_lines(street)

    def line(points: NDArray[np.float64], width_m: float, color: tuple) -> None:
        corners = ground.pixels(points, size)
        cv2.polylines(image, [corners], False, color, max(1, round(width_m * scale)))

    for side in street.side_streets:
        line(side, 11.0, _PAVING)
    line(nodes, 2 * FRONT_DISTANCE_M + 0.4, _PAVING)
    for points, half in roads:
        line(points, 2 * half + 0.5, (182, 178, 170))
    for points, half in roads:
        line(points, 2 * half, _ASPHALT)
    for distance in np.arange(2.0, street.length_m - 2.0, 6.0):
        start, end = street.along(distance)[0], street.along(distance + 2.5)[0]
        line(np.stack([start, end]), 0.18, _PAINT)
    for node in nodes[1:-1]:
        if rng.random() < 0.5:
            _draw_crossing(line, street, float(np.linalg.norm(node - nodes[0])) - 8.0)
    for _ in range(int(street.length_m / 9)):
        point, forward = street.along(float(rng.uniform(0, street.length_m)))
        spot = point + np.array([forward[1], -forward[0]]) * rng.uniform(-3.5, 3.5)
        shade = int(rng.integers(66, 110))
        length = rng.uniform(0.6, 5.0)
        line(np.stack([spot, spot + forward * length]), rng.uniform(0.5, 1.6), (shade,) * 3)
    soil = (image == _SOIL).all(axis=2).astype(np.float32)
    soil = cv2.resize(soil, _LIGHT_SIZE[::-1], interpolation=cv2.INTER_AREA)
    rows = min(_MOST_ROWS, 2 ** round(np.log2(size[0])))
    image = cv2.resize(image, (_COLS, rows), interpolation=cv2.INTER_AREA)
    fine = draw_noise(rng, (rows // 4, _COLS), 1.3)
    grain = 0.05 * draw_noise(rng, (rows, _COLS), 16) + 0.07 * np.tile(fine, (4, 1))
    image = cv2.multiply(image, cv2.merge([1 + grain] * 3), dtype=cv2.CV_8U)
    return np.asarray(image, np.uint8), np.asarray(soil, np.float32)


def _draw_crossing(line, street: Street, distance_m: float) -> None:
    point, ahead = street.along(distance_m)
    right = np.array([ahead[1], -ahead[0]])
    for shift in np.arange(-ROAD_HALF_WIDTH_M + 0.6, ROAD_HALF_WIDTH_M, 1.1):
        start = point + right * shift
        line(np.stack([start, start + ahead * 3.0]), 0.55, _PAINT)


def draw_light_map(
    ground: Ground,
    street: Street,
    weather: Weather,
    lighting: Lighting,
    cars: Cars,
    season: str = "summer",
) -> NDArray[np.uint8]:
    """Draws the light on the ground: sky, sun, the shadows of houses, trees and cars, lamps.

    It also gives grass and earth the color of the season, unless snow hides them.

    Returns:
        (rows, cols, 3) uint8, over the same ground as the ground's texture.
    """
    sun = np.full(_LIGHT_SIZE, 255, np.uint8)
    if any(weather.sun):
        _cast_shadows(sun, ground, street, lighting.to_sun)
    sky = np.full(_LIGHT_SIZE, 255, np.uint8)
    for corners in cars.footprints_m():
        cv2.fillConvexPoly(sky, ground.pixels(corners, _LIGHT_SIZE), 110)
    for house in street.houses:
        strip = np.stack([house.footprint_m[0], house.footprint_m[1]])
        cv2.polylines(sky, [ground.pixels(strip, _LIGHT_SIZE)], False, 190, 3)
    sky = cv2.GaussianBlur(sky, (3, 3), 0)
    height = max(0.0, float(lighting.to_sun[2]))
    light = sky[..., None] / np.float32(255) * np.array(weather.ambient, np.float32)
    light += sun[..., None] / np.float32(255) * np.array(weather.sun, np.float32) * height
    if weather.lamps > 0:
        light += _lamp_pools(ground, lighting)
    if weather.snow == 0:
        light *= _season_tints(ground, street, season)
    return np.clip(light * 255, 0, 255).astype(np.uint8)


def _cast_shadows(
    sun: NDArray[np.uint8], ground: Ground, street: Street, to_sun: NDArray[np.float64]
) -> None:
    reach = -to_sun[:2] / max(float(to_sun[2]), 0.08)
    for house in street.houses:
        base = house.footprint_m
        corners = np.concatenate([base, base + reach * house.height_m])
        hull = cv2.convexHull(ground.pixels(corners, sun.shape))
        cv2.fillConvexPoly(sun, hull, 0)
    for x, y, height, _ in street.trees:
        spot = ground.pixels(np.array([[x, y]]) + reach * height * 0.64, sun.shape)[0]
        radius = max(1, round(0.27 * height * sun.shape[0] / ground.size_m[1]))
        cv2.circle(sun, tuple(int(v) for v in spot), radius, 60, -1)
    sun[:] = cv2.GaussianBlur(sun, (3, 3), 0)


def _season_tints(ground: Ground, street: Street, season: str) -> NDArray[np.float32]:
    tint = np.array(_SOIL_TINTS[season], np.float32)
    tints = 1 - ground.is_soil[..., None] * (1 - tint)
    if season == "autumn":
        fallen = np.zeros(_LIGHT_SIZE, np.float32)
        size_m = np.array([1.5, 2.4])  # along x and y
        axes = np.rint(size_m / ground.size_m * _LIGHT_SIZE[::-1]).astype(int).tolist()
        for spot in ground.pixels(
            np.reshape([tree[:2] for tree in street.trees], (-1, 2)), _LIGHT_SIZE
        ):
            cv2.ellipse(fallen, spot.tolist(), axes, 0, 0, 360, 0.8, -1)
        tints *= 1 - fallen[..., None] * (1 - np.array(_FALLEN_LEAVES, np.float32))
    return tints


def _lamp_pools(ground: Ground, lighting: Lighting) -> NDArray[np.float32]:
    rows, cols = _LIGHT_SIZE[0] // 4, _LIGHT_SIZE[1] // 4
    y, x = np.mgrid[0:rows, 0:cols].astype(np.float32)
    points = np.stack([(x + 0.5) / cols, 1 - (y + 0.5) / rows, np.zeros_like(x)], axis=-1)
    points[..., :2] = points[..., :2] * ground.size_m + ground.corner_m
    light = lighting.lamp_light(points.reshape(-1, 3).astype(np.float32))
    return np.asarray(cv2.resize(light.reshape(rows, cols, 3), _LIGHT_SIZE[::-1]), np.float32)
