"""Covers the ground of a street with rain or snow."""

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.noise import draw_noise
from placevec.rendering.town.ground import Ground, road_lines
from placevec.rendering.town.layout import FRONT_DISTANCE_M, House, Street
from placevec.rendering.town.textures.facades import Facade

_DARKER = 0.45
_SKY = np.array([0.92, 0.97, 1.04], np.float32)
_SHEEN, _PUDDLE = 34.0, 168.0
_STRIPS, _GLOW = 10, 0.5
# How far from the front of a house each of its quarters is mirrored, the lowest first, and how
# brightly, as seen from across the street.
_REACH_M, _MIRRORED = (0.0, 2.0, 4.0, 6.0, 8.0), (0.75, 0.7, 0.5, 0.3)
_SNOW = (232, 236, 242)
_TRACKS_M = (-2.9, -1.4, 1.4, 2.9)


def wet_ground(
    rng: np.random.Generator, ground: Ground, street: Street, facades: list[Facade]
) -> NDArray[np.uint8]:
    """Returns the ground's texture after rain: darker, with puddles that mirror sky and houses.

    The renderer has no mirrors, so the houses' fronts are smeared over the ground in front of them.

    Args:
        rng: np.random.Generator. Source of the puddles.
        ground: Ground. The dry ground.
        street: Street.
        facades: list of Facade. The fronts of the houses.

    Returns:
        (rows, cols, 3) uint8 RGB, half as wide and as high as `ground.albedo`.
    """
    dry = _halved(ground.albedo)
    size = dry.shape[:2]
    mirrored = np.zeros_like(dry)
    for house in street.houses:
        _smear(mirrored, ground, house, facades[house.design])
    mirrored = cv2.GaussianBlur(mirrored, (5, 5), 0)
    depth = draw_noise(rng, size, 26) + 0.45 * draw_noise(rng, size, 7)
    puddles = np.clip((depth - 1.0) * 2.0, 0, 1)
    free = 1 - mirrored.max(axis=2, keepdims=True) / np.float32(255)
    sheen = np.clip(0.5 + 0.5 * depth, 0, 1)[..., None] * (_SHEEN * _SKY) * free
    shine = cv2.add(cv2.convertScaleAbs(mirrored, alpha=0.6), sheen.astype(np.uint8))
    water = cv2.add(mirrored, (free * (_PUDDLE * _SKY)).astype(np.uint8))
    dark = cv2.addWeighted(dry, _DARKER, shine, 1.0, 0)
    return np.asarray(cv2.blendLinear(dark, water, 1 - puddles, puddles), np.uint8)


def snowy_ground(rng: np.random.Generator, ground: Ground, street: Street) -> NDArray[np.uint8]:
    """Returns the ground's texture under snow, thin where people walk, thinner under wheels.

    Args:
        rng: np.random.Generator. Source of the snow.
        ground: Ground. The bare ground.
        street: Street.

    Returns:
        (rows, cols, 3) uint8 RGB, half as wide and as high as `ground.albedo`.
    """
    bare = _halved(ground.albedo)
    rows, cols = bare.shape[:2]
    scale = cols / ground.size_m[0]
    size = (round(ground.size_m[1] * scale), cols)  # pixels as wide as high
    cover = np.full(size, 245, np.uint8)

    def line(points: NDArray[np.float64], width_m: float, share: int) -> None:
        corners = ground.pixels(points, size)
        cv2.polylines(cover, [corners], False, share, max(1, round(width_m * scale)))

    line(street.nodes_m, 2 * FRONT_DISTANCE_M, 205)
    line(street.nodes_m, 2 * FRONT_DISTANCE_M - 3.4, 170)
    for points, half in road_lines(street):
        line(points, 2 * half + 1.0, 240)
        line(points, 2 * half - 0.6, 150)
    for shift in _TRACKS_M:
        steps = [street.along(distance) for distance in np.arange(-8.0, street.length_m + 8, 2.0)]
        track = [point + shift * np.array([ahead[1], -ahead[0]]) for point, ahead in steps]
        line(np.array(track), 0.6, 50)
    cover = cv2.resize(cv2.GaussianBlur(cover, (5, 5), 0), (cols, rows)) / np.float32(255)
    fine = np.tile(draw_noise(rng, (rows // 4, cols), 1.3), (4, 1))
    cover = np.clip(cover + 0.1 * draw_noise(rng, (rows, cols), 5) + 0.06 * fine, 0, 1)
    snow = np.empty_like(bare)
    snow[:] = _SNOW
    snow = cv2.multiply(snow, cv2.merge([1 + 0.02 * fine] * 3), dtype=cv2.CV_8U)
    return np.asarray(cv2.blendLinear(bare, snow, 1 - cover, cover), np.uint8)


def _halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (image.shape[1] // 2, image.shape[0] // 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _smear(canvas: NDArray[np.uint8], ground: Ground, house: House, facade: Facade) -> None:
    """Draws a front upside down on the ground before it, in a few rows of colors."""
    seen = cv2.addWeighted(facade.albedo, 1.0, facade.glow[..., :3], _GLOW, 0)
    size = (_STRIPS, len(_MIRRORED))
    colors = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)[::-1] * house.tint
    shares = np.arange(_STRIPS + 1)[:, None] / _STRIPS * house.width_m
    feet = house.corner_m + shares * house.along
    lines = [ground.pixels(feet - house.inwards * reach, canvas.shape) for reach in _REACH_M]
    for near, far, row, level in zip(lines[:-1], lines[1:], colors, _MIRRORED, strict=True):
        for i, color in enumerate((row * level).tolist()):
            corners = np.stack([near[i], near[i + 1], far[i + 1], far[i]])
            cv2.fillConvexPoly(canvas, corners, color)
