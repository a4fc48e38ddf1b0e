"""Draws random surfaces: walls, roofs, awnings, people, words."""

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.noise import draw_noise

_CONSONANTS = "BCDFGHKLMNPRSTVZ"
_VOWELS = "AEIOU"
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
)


def rgb_from_hsv(hue: float, saturation: float, value: float) -> NDArray[np.uint8]:
    """Returns the color as (3,) uint8 RGB; hue, saturation and value in [0, 1]."""
    pixel = np.array([[[hue % 1.0 * 360.0, saturation, value]]], np.float32)
    return np.rint(cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0] * 255.0).astype(np.uint8)


def draw_wall(
    rng: np.random.Generator, style: str, color: NDArray[np.integer], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Draws a bare wall.

    Args:
        rng: np.random.Generator. Source of grain and stains.
        style: str. `"plaster"`, `"brick"`, `"stone"`, `"boards"` or `"panels"`.
        color: (3,) RGB in [0, 255]. Mean color.
        size: (rows, cols). Size of the picture.

    Returns:
        (rows, cols, 3) uint8 RGB.
    """
    rows, cols = size
    light = 6.0 * draw_noise(rng, size, 40) + 2.5 * draw_noise(rng, size, 3)
    courses = {"plaster": 0, "brick": 44, "stone": 22, "boards": 36, "panels": 5}[style]
    if courses:
        course = rows / courses
        length = {"brick": 2.6, "stone": 2.2, "boards": 40.0, "panels": 1.2}[style] * course
        y, x = np.mgrid[0:rows, 0:cols].astype(np.float32)
        row = np.floor(y / course)
        shift = 0.5 * length * (row % 2) if style in ("brick", "stone") else 0.0
        column = np.floor((x + shift) / length)
        tones = rng.standard_normal((64, 64), dtype=np.float32)
        spread = {"brick": 13.0, "stone": 11.0, "boards": 6.0, "panels": 5.0}[style]
        light += spread * tones[row.astype(int) % 64, column.astype(int) % 64]
        joint = (y % course < max(1.5, 0.12 * course)) | (
            (x + shift) % length < max(1.5, 0.05 * length)
        )
        depth = {"brick": 26.0, "stone": -24.0, "boards": -34.0, "panels": -30.0}[style]
        light = np.where(joint, depth * 0.8 + light * 0.3, light)
    light -= 14.0 * np.clip(np.linspace(-3.0, 1.2, rows, dtype=np.float32), 0, 1)[:, None]
    return _tint(np.asarray(color, np.float32), light)


def draw_roof(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draws rows of roof tiles as (rows, cols, 3) uint8 RGB."""
    colors = ((128, 62, 44), (96, 84, 78), (72, 76, 86), (140, 86, 58))
    color = np.array(colors[rng.integers(len(colors))], np.float32)
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    course, length = size[0] / 16, size[1] / 20
    row = np.floor(y / course)
    tones = rng.standard_normal((64, 64), dtype=np.float32)
    column = np.floor((x + 0.5 * length * (row % 2)) / length).astype(int)
    light = 9.0 * tones[row.astype(int) % 64, column % 64] - 26.0 * (y % course < 2)
    return _tint(color, light + 5.0 * draw_noise(rng, size, 20))


def draw_words(
    rng: np.random.Generator, board: NDArray[np.uint8], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Draws an invented name on a sign.

    Args:
        rng: np.random.Generator. Source of the name and its look.
        board: (3,) uint8 RGB. Color of the sign; the letters have a contrasting color.
        size: (rows, cols). Size of the picture.

    Returns:
        (rows, cols, 3) uint8 RGB.
    """
    image = np.empty((*size, 3), np.uint8)
    image[:] = board
    dark = float(np.mean(board)) < 120
    ink = rgb_from_hsv(rng.random(), rng.uniform(0, 0.5), 1.0 if dark else rng.uniform(0.05, 0.3))
    syllables = int(rng.integers(2, 4))
    pick = [(_CONSONANTS[rng.integers(16)], _VOWELS[rng.integers(5)]) for _ in range(syllables)]
    word = "".join(a + b for a, b in pick) + _CONSONANTS[rng.integers(16)]
    font = _FONTS[rng.integers(len(_FONTS))]
    (width, height), _ = cv2.getTextSize(word, font, 1.0, 2)
    scale = min(size[1] * 0.8 / width, size[0] * 0.62 / height)
    start = (round((size[1] - width * scale) / 2), round((size[0] + height * scale) / 2))
    thickness = max(1, round(scale * 2.6))
    color = tuple(int(v) for v in ink)
    cv2.putText(image, word, start, font, scale, color, thickness, cv2.LINE_AA)
    cv2.rectangle(image, (0, 0), (size[1] - 1, size[0] - 1), color, 2)
    return image


def draw_awning(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draws a striped awning as (rows, cols, 3) uint8 RGB."""
    stripe = rgb_from_hsv(rng.random(), 0.8, rng.uniform(0.35, 0.85))
    columns = np.arange(size[1]) * int(rng.integers(8, 20)) // size[1] % 2
    colors = np.where(columns[:, None] == 0, stripe[None], np.array([[240, 236, 226]]))
    image = np.repeat(colors[None], size[0], axis=0).astype(np.uint8)
    image[-max(2, size[0] // 8) :] = np.array(stripe) // 2
    return image


def draw_person(
    rng: np.random.Generator, size: tuple[int, int] = (128, 64), *, has_umbrella: bool = False
) -> NDArray[np.uint8]:
    """Draws a walking person on a transparent background, as (rows, cols, 4) uint8 RGBA."""
    image = np.zeros((*size, 4), np.uint8)

    def part(points: list, color: NDArray[np.uint8]) -> None:
        corners = (np.array(points) * [size[1], size[0]]).astype(np.int32)
        cv2.fillPoly(image, [corners], (*(int(v) for v in color), 255))

    coat = rgb_from_hsv(rng.random(), 0.7 * rng.random() ** 2, rng.uniform(0.15, 0.8))
    legs = rgb_from_hsv(rng.uniform(0.5, 0.75), 0.4, rng.uniform(0.1, 0.45))
    stride = rng.uniform(0.03, 0.14)
    part([(0.4, 0.5), (0.55, 0.5), (0.5 - stride, 1.0), (0.38 - stride, 1.0)], legs)
    part([(0.45, 0.5), (0.6, 0.5), (0.62 + stride, 1.0), (0.5 + stride, 1.0)], legs)
    part([(0.3, 0.18), (0.7, 0.18), (0.66, 0.56), (0.34, 0.56)], coat)
    part([(0.24, 0.2), (0.32, 0.18), (0.3, 0.5), (0.22, 0.5)], coat // 4 * 3)
    part([(0.68, 0.18), (0.76, 0.2), (0.78, 0.5), (0.7, 0.5)], coat // 4 * 3)
    skin = rgb_from_hsv(0.07, rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.95))
    head = (size[1] // 2, round(size[0] * 0.09))
    cv2.circle(image, head, round(size[0] * 0.075), (*(int(v) for v in skin), 255), -1)
    hair = (int(rng.integers(20, 150)),) * 2
    top = (head[0], round(size[0] * 0.07))
    radius = round(size[0] * 0.07)
    cv2.ellipse(image, top, (radius, radius), 0, 180, 360, (*hair, hair[0] * 3 // 4, 255), -1)
    if rng.random() < 0.4:
        part([(0.7, 0.42), (0.86, 0.42), (0.88, 0.6), (0.68, 0.6)], coat // 2)
    if has_umbrella:
        cloth = rgb_from_hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.1, 0.6))
        angles = np.linspace(0, np.pi, 16)
        part([(0.5 + 0.46 * np.cos(a), 0.19 - 0.17 * np.sin(a)) for a in angles], cloth)
        part([(0.6, 0.18), (0.63, 0.18), (0.63, 0.4), (0.6, 0.4)], cloth // 2)
    return image


def _tint(color: NDArray[np.float32], light: NDArray[np.floating]) -> NDArray[np.uint8]:
    shade = 1.0 + light[..., None] / 128.0
    return np.clip(color * shade, 0, 255).astype(np.uint8)
