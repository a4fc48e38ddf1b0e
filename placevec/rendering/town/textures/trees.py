"""Draws trees and hedges as they look in each season."""

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.noise import draw_noise

LOOKS = ("spring", "summer", "autumn", "winter", "snow")
_NUM_LEAVES = 420
_BARK, _SNOW = (86, 70, 56, 255), (232, 236, 242, 255)
_HEDGE = {
    "spring": (98, 124, 64),
    "summer": (66, 98, 50),
    "autumn": (116, 98, 52),
    "winter": (88, 82, 62),
    "snow": (108, 108, 100),
}


def draw_tree(
    rng: np.random.Generator, size: tuple[int, int] = (256, 128)
) -> dict[str, NDArray[np.uint8]]:
    """Draws one tree in each of `LOOKS`; only its leaves change.

    Most trees shed their leaves, and some of these blossom in spring; one in six is a fir.

    Args:
        rng: np.random.Generator. Equal states give equal trees.
        size: (rows, cols). Size of the pictures.

    Returns:
        dict of look: (rows, cols, 4) uint8 RGBA, transparent around the tree.
    """
    if rng.random() < 1 / 6:
        return _draw_fir(rng, size)
    rows, cols = size
    fork = np.array([0.5, 0.66])
    branches = [(np.array([0.5, 1.0]), fork, 10.0), *_grow(rng, fork, np.pi / 2, 0.15, 7.0)]
    angle, radius = rng.uniform(0, 2 * np.pi, _NUM_LEAVES), np.sqrt(rng.random(_NUM_LEAVES))
    x = 0.5 + rng.uniform(0.28, 0.4) * radius * np.cos(angle)
    y = 0.36 + 0.27 * radius * np.sin(angle)
    dots = np.rint(np.stack([x * cols, y * rows], axis=1)).astype(int)
    sizes = rng.integers(3, 8, _NUM_LEAVES) * rows // 256
    order = np.linspace(0.65, 1.0, _NUM_LEAVES) * (1.25 - 0.9 * y)
    order = order + rng.normal(0, 0.06, _NUM_LEAVES)
    is_shed = rng.random(_NUM_LEAVES)
    hues = rng.normal(0, 0.015, _NUM_LEAVES)
    colors = _leaf_colors(rng)
    looks = {}
    for look in LOOKS:
        image = np.zeros((rows, cols, 4), np.uint8)
        for start, end, width in branches:
            _stroke(image, start, end, width, _BARK)
            if look == "snow" and width < 6:
                lift = np.array([0.0, 0.006])
                _stroke(image, start - lift, end - lift, width * 0.45, _SNOW)
        if look in colors:
            hue, saturation, value, share = colors[look]
            light = np.clip(value * order, 0.05, 0.97)
            for i, leaf in enumerate(_rgb(hue + hues, saturation, light).tolist()):
                if is_shed[i] < share:
                    cv2.circle(image, dots[i].tolist(), int(sizes[i]), (*leaf, 255), -1)
        looks[look] = _framed(image)
    return looks


def draw_hedge(rng: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    """Draws the leaves of a hedge as (64, 64, 3) uint8 RGB in each of `LOOKS`."""
    light = 1 + 0.2 * draw_noise(rng, (64, 64), 3) + 0.1 * draw_noise(rng, (64, 64), 9)
    return {
        look: np.clip(light[..., None] * color, 0, 255).astype(np.uint8)
        for look, color in _HEDGE.items()
    }


def _leaf_colors(rng: np.random.Generator) -> dict[str, tuple]:
    """Returns hue, saturation, value and amount of the leaves of one tree, by look."""
    hue, value = rng.uniform(0.18, 0.28), rng.uniform(0.4, 0.55)
    spring = (hue - 0.02, 0.6, value + 0.14, 0.8)
    if rng.random() < 0.4:
        spring = (rng.uniform(0.9, 0.97), rng.uniform(0.08, 0.35), 1.05, 0.9)
    autumn = (rng.uniform(0.03, 0.14), 0.7, rng.uniform(0.6, 0.8), rng.uniform(0.5, 0.85))
    return {"spring": spring, "summer": (hue, 0.58, value, 1.0), "autumn": autumn}


def _grow(
    rng: np.random.Generator, foot: NDArray[np.float64], angle: float, length: float, width: float
) -> list[tuple]:
    """Returns the branches after a fork: start (2,), end (2,) in shares, width in pixels."""
    branches = []
    if width < 1.0:
        return branches
    for turn in np.linspace(-0.5, 0.5, int(rng.integers(2, 4))):
        toward = angle + turn + rng.normal(0, 0.12)
        reach = length * rng.uniform(0.8, 1.15)
        end = foot + reach * np.array([1.6 * np.cos(toward), -np.sin(toward)])
        branches.append((foot, end, width))
        branches += _grow(rng, end, toward, length * 0.74, width * 0.62)
    return branches


def _draw_fir(rng: np.random.Generator, size: tuple[int, int]) -> dict[str, NDArray[np.uint8]]:
    rows, cols = size
    tiers, half = int(rng.integers(7, 11)), rng.uniform(0.24, 0.34)
    hue, value = rng.uniform(0.3, 0.4), rng.uniform(0.24, 0.36)
    green = np.zeros((rows, cols, 4), np.uint8)
    _stroke(green, np.array([0.5, 1.0]), np.array([0.5, 0.5]), 7.0, _BARK)
    white = green.copy()
    for i in reversed(range(tiers)):
        top, bottom = 0.06 + 0.8 * i / tiers, 0.06 + 0.8 * (i + 1.4) / tiers
        reach = half * (i + 1) / tiers
        x = np.array([0.5, *np.linspace(0.5 + reach, 0.5 - reach, 9)])
        y = np.array([top, *(bottom - 0.02 * (np.arange(9) % 2))])
        shade = _rgb(np.array([hue]), 0.5, np.array([value * rng.uniform(0.8, 1.2)]))[0].tolist()
        corners = np.stack([x * cols, np.minimum(y, 0.95) * rows], axis=1).astype(np.int32)
        for image in (green, white):
            cv2.fillPoly(image, [corners], (*shade, 255))
        cap = np.stack([0.5 + (x - 0.5) * 0.8, top + (y - top) * 0.55], axis=1) * [cols, rows]
        cv2.fillPoly(white, [cap.astype(np.int32)], _SNOW)
    return {look: _framed(white if look == "snow" else green) for look in LOOKS}


def _stroke(
    image: NDArray[np.uint8],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    width: float,
    color: tuple,
) -> None:
    size = np.array(image.shape[1::-1])
    first, last = (np.rint(point * size).astype(int).tolist() for point in (start, end))
    cv2.line(image, first, last, color, max(1, round(width * image.shape[0] / 256)))


def _framed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a picture whose edges, except the lowest, are transparent."""
    image = image.copy()
    image[:2], image[:, :2], image[:, -2:] = 0, 0, 0
    return image


def _rgb(
    hue: NDArray[np.float64], saturation: float, value: NDArray[np.float64]
) -> NDArray[np.float32]:
    pixels = np.stack([hue % 1 * 360, np.full(len(hue), saturation), value], axis=1)
    return np.rint(cv2.cvtColor(pixels[None].astype(np.float32), cv2.COLOR_HSV2RGB)[0] * 255)
