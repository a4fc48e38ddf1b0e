"""Draws the sky of a visit, and snow on the ground."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.noise import draw_noise
from placevec.rendering.scenes.weather import Weather


def draw_sky(
    rng: np.random.Generator,
    weather: Weather,
    skyline: np.random.Generator | None,
    size: tuple[int, int] = (128, 512),
) -> NDArray[np.uint8]:
    """Draws the sky all around, from high up (first row) down to the horizon.

    Args:
        rng: np.random.Generator. Source of the clouds.
        weather: Weather. The sky's colors and clouds.
        skyline: np.random.Generator or None. Source of the roofs on the horizon; None for no roofs.
        size: (rows, cols). Size of the picture; its left and right edges match.

    Returns:
        (rows, cols, 3) uint8 RGB.
    """
    zenith, horizon = (255 * np.array(c, np.float32) for c in (weather.zenith, weather.horizon))
    low = np.linspace(0, 1, size[0], dtype=np.float32)[:, None, None] ** 1.5
    sky = zenith * (1 - low) + horizon * low
    half = (size[0], size[1] // 2)
    parts = (draw_noise(rng, half, grain) * grain for grain in (56, 24, 10))
    noise = cast(NDArray[np.float32], sum(parts)) / 52.0
    noise = np.concatenate([noise, noise[:, ::-1]], axis=1)
    clouds = weather.clouds
    cover = np.clip((noise + 2.2 * clouds - 1.3) * 1.1, 0, 1)[..., None] * min(1.0, clouds * 2)
    white = np.minimum(horizon * 1.05 + 14 * max(weather.ambient), 255)
    sky = np.clip(sky * (1 - cover * 0.85) + white * cover * 0.85, 0, 255).astype(np.uint8)
    if skyline is not None:
        _draw_skyline(sky, weather, skyline)
    return sky


def draw_snow(rng: np.random.Generator, size: tuple[int, int] = (64, 64)) -> NDArray[np.uint8]:
    """Draws snow as (rows, cols, 3) uint8 RGB."""
    light = 1 + 0.025 * draw_noise(rng, size, 6) + 0.015 * draw_noise(rng, size, 2)
    return np.clip(light[..., None] * (236, 239, 244), 0, 255).astype(np.uint8)


def _draw_skyline(sky: NDArray[np.uint8], weather: Weather, skyline: np.random.Generator) -> None:
    size, horizon = sky.shape[:2], 255 * np.array(weather.horizon, np.float32)
    far = 0.55 * horizon + 0.45 * 110 * np.array(weather.ambient, np.float32)
    color = tuple(int(v) for v in np.clip(far, 0, 255))
    column = 0
    while column < size[1]:
        width, height = int(skyline.integers(4, 16)), int(skyline.integers(4, 13))
        cv2.rectangle(sky, (column, size[0] - height), (column + width, size[0]), color, -1)
        column += width
