"""Adds the effects of a camera to a rendered photo: bloom, tone, darker corners, noise."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.weather import Weather


def develop(
    photo: NDArray[np.uint8], weather: Weather, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Gives a rendered photo the look of the camera that took it.

    Args:
        photo: (rows, cols, 3) uint8 RGB.
        weather: Weather. Its bloom, tone curve and noise.
        rng: np.random.Generator. Gives the noise and a small change of exposure.

    Returns:
        (rows, cols, 3) uint8 RGB.
    """
    rows, cols = photo.shape[:2]
    if weather.bloom > 0:
        bright = cv2.subtract(photo, np.array((150.0, 150.0, 150.0, 0.0)))
        small = cv2.resize(bright, (max(1, cols // 4), max(1, rows // 4)), interpolation=3)
        halo = cv2.resize(cv2.GaussianBlur(small, (0, 0), 3.0), (cols, rows))
        photo = np.asarray(cv2.addWeighted(photo, 1.0, halo, weather.bloom, 0), np.uint8)
    exposure = float(rng.uniform(0.92, 1.08))
    curve = 255.0 * exposure * np.linspace(0, 1, 256) ** weather.gamma
    toned = cv2.LUT(photo, np.clip(curve, 0, 255).astype(np.uint8))
    shaded = cv2.multiply(toned, _vignette(rows, cols), dtype=cv2.CV_8U)
    grain = _grain()
    row, col = rng.integers(0, len(grain), 2)
    grain = np.roll(grain, (row, col), axis=(0, 1))
    tiles = (-(-rows // len(grain)), -(-cols // len(grain)), 1)
    grain = np.tile(grain, tiles)[:rows, :cols] if max(tiles) > 1 else grain[:rows, :cols]
    noise = cv2.convertScaleAbs(grain, alpha=weather.noise, beta=128)
    return np.asarray(cv2.addWeighted(shaded, 1.0, noise, 1.0, -128), np.uint8)


@cache
def _vignette(rows: int, cols: int) -> NDArray[np.float32]:
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : cols * 1j]
    shade = 1.0 - 0.1 * (x**2 + y**2)
    return np.repeat(shade[..., None], 3, axis=2).astype(np.float32)


@cache
def _grain() -> NDArray[np.float32]:
    """Returns camera noise, (512, 512, 3) float32, the same in every process."""
    rng = np.random.default_rng(20240301)
    luma = rng.standard_normal((512, 512, 1), dtype=np.float32)
    chroma = rng.standard_normal((512, 512, 3), dtype=np.float32)
    return np.asarray(0.8 * luma + 0.6 * chroma, np.float32)
