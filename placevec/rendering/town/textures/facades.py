"""Draws the fronts of houses: walls, windows, doors and shops as textures."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.rendering.town.textures.surfaces import (
    draw_awning,
    draw_wall,
    draw_words,
    rgb_from_hsv,
)

SIZE = 256
_OVERSIZE = 2
_FLOOR_M = 3.1
# Materials of walls and their colors, few of which are strong.
_WALLS = {
    "plaster": (
        (236, 230, 216),
        (228, 218, 198),
        (232, 214, 176),
        (206, 168, 104),
        (216, 190, 138),
        (192, 124, 92),
        (192, 190, 184),
        (222, 192, 180),
        (186, 200, 208),
        (188, 196, 172),
    ),
    "brick": ((150, 82, 62), (168, 98, 72), (128, 74, 60), (184, 130, 94), (196, 164, 122)),
    "stone": ((186, 178, 160), (164, 156, 142), (204, 190, 162), (146, 142, 136)),
    "boards": ((218, 212, 200), (150, 166, 174), (136, 112, 88), (168, 176, 152), (168, 84, 70)),
    "panels": ((180, 182, 182), (150, 154, 158), (206, 202, 192), (122, 128, 134), (170, 152, 130)),
}


@dataclass(frozen=True, eq=False)
class Facade:
    """The front of a house as two textures of `SIZE` x `SIZE` pixels.

    Args:
        albedo: (SIZE, SIZE, 3) uint8 RGB. The front in neutral light, top row first.
        glow: (SIZE, SIZE, 4) uint8 RGBA. Lit windows after dark; opaque where light shines.
        width_m: float. Width of the front, in metres.
        height_m: float. Height of the front up to the eaves, in metres.
        wall: (3,) uint8 RGB. The color of the bare wall, for the sides of the house.
    """

    albedo: NDArray[np.uint8]
    glow: NDArray[np.uint8]
    width_m: float
    height_m: float
    wall: NDArray[np.uint8]


def draw_facade(rng: np.random.Generator) -> Facade:
    """Draws one front: wall, floors of windows, a ground floor with doors or shops, a cornice.

    Args:
        rng: np.random.Generator. Source of the design; equal states give equal fronts.

    Returns:
        A `Facade` between 6 and 13 metres wide and 2 to 5 floors high.
    """
    floors = int(rng.choice([2, 3, 4, 5], p=[0.3, 0.4, 0.22, 0.08]))
    width_m = float(rng.uniform(6.0, 13.0))
    height_m = floors * _FLOOR_M + float(rng.uniform(0.5, 1.1))
    style = str(rng.choice(list(_WALLS), p=(0.4, 0.25, 0.15, 0.12, 0.08)))
    wall = _wall_color(rng, style)
    front = _Front(width_m, height_m, draw_wall(rng, style, wall, _pixels()))
    look = _WindowLook.draw(rng, wall)
    columns = max(2, round(width_m / rng.uniform(2.1, 3.4)))
    _draw_upper_floors(front, rng, look, columns, floors)
    trim = _shift(wall, float(rng.choice([-55, -35, 40, 60])))
    if rng.random() < 0.62:
        _draw_shop(front, rng, wall)
    else:
        _draw_entrance(front, rng, look, columns)
    if rng.random() < 0.55:
        for floor in range(1, floors):
            front.box(0, floor * _FLOOR_M - 0.12, width_m, floor * _FLOOR_M + 0.08, trim)
    front.box(0, height_m - rng.uniform(0.25, 0.6), width_m, height_m, trim)
    if rng.random() < 0.4:
        for x in (0.0, width_m - 0.45):
            front.box(x, 0, x + 0.45, height_m, trim)
    if rng.random() < 0.6:
        x = float(rng.choice([0.12, width_m - 0.24]))
        front.box(x, 0, x + 0.12, height_m, (70, 72, 75))
    return Facade(*front.textures(), width_m, height_m, wall)


@dataclass(frozen=True)
class _WindowLook:
    """The properties that all windows of one front share."""

    width_m: float
    height_m: float
    sill_m: float
    frame: tuple
    panes: tuple[int, int]
    lintel: str
    shutter: tuple | None
    balcony: bool
    trim: tuple

    @classmethod
    def draw(cls, rng: np.random.Generator, wall: NDArray[np.uint8]) -> "_WindowLook":
        shutter = tuple(int(v) for v in rgb_from_hsv(rng.random(), 0.35, rng.uniform(0.25, 0.6)))
        return cls(
            width_m=float(rng.uniform(0.8, 1.5)),
            height_m=float(rng.uniform(1.2, 2.0)),
            sill_m=float(rng.uniform(0.6, 0.9)),
            frame=[(238, 236, 230), (60, 55, 50), (120, 84, 56), (90, 110, 100)][rng.integers(4)],
            panes=[(1, 1), (2, 1), (2, 2), (2, 3), (3, 2)][rng.integers(5)],
            lintel=["flat", "arch", "gable", "none"][rng.integers(4)],
            shutter=shutter if rng.random() < 0.3 else None,
            balcony=rng.random() < 0.2,
            trim=_shift(wall, float(rng.choice([-45, 45, 70]))),
        )


class _Front:
    """A canvas in metres from the lower left corner, with a second canvas for the glow."""

    def __init__(self, width_m: float, height_m: float, wall: NDArray[np.uint8]) -> None:
        self.albedo = wall
        self.glow = np.zeros((*wall.shape[:2], 4), np.uint8)
        self.width_m, self.height_m = width_m, height_m
        self._scale_x, self._scale_y = wall.shape[1] / width_m, wall.shape[0] / height_m

    def corners(self, x0: float, z0: float, x1: float, z1: float) -> tuple:
        height = self.albedo.shape[0]
        return (
            (round(x0 * self._scale_x), round(height - z1 * self._scale_y)),
            (round(x1 * self._scale_x) - 1, round(height - z0 * self._scale_y) - 1),
        )

    def box(self, x0: float, z0: float, x1: float, z1: float, color: Iterable) -> None:
        start, end = self.corners(x0, z0, x1, z1)
        cv2.rectangle(self.albedo, start, end, tuple(int(c) for c in color), -1)

    def polygon(self, points: list, color: tuple) -> None:
        corners = np.array([self.corners(x, z, x, z)[0] for x, z in points], np.int32)
        cv2.fillPoly(self.albedo, [corners], tuple(int(c) for c in color), cv2.LINE_AA)

    def light(self, x0: float, z0: float, x1: float, z1: float, color: Iterable) -> None:
        start, end = self.corners(x0, z0, x1, z1)
        cv2.rectangle(self.glow, start, end, (*(int(c) for c in color), 255), -1)

    def unlight(self, x0: float, z0: float, x1: float, z1: float) -> None:
        start, end = self.corners(x0, z0, x1, z1)
        cv2.rectangle(self.glow, start, end, (0, 0, 0, 0), -1)

    def paste(self, image: NDArray[np.uint8], x0: float, z0: float, x1: float, z1: float) -> None:
        (left, top), (right, bottom) = self.corners(x0, z0, x1, z1)
        left, top = max(left, 0), max(top, 0)
        view = self.albedo[top : bottom + 1, left : right + 1]
        view[:] = cv2.resize(image, view.shape[1::-1], interpolation=cv2.INTER_AREA)

    def textures(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        albedo = cv2.resize(self.albedo, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        glow = cv2.resize(self.glow, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
        return np.asarray(albedo, np.uint8), np.asarray(glow, np.uint8)


def _draw_upper_floors(
    front: _Front, rng: np.random.Generator, look: _WindowLook, columns: int, floors: int
) -> None:
    pitch_m = front.width_m / columns
    for floor in range(1, floors):
        for column in range(columns):
            center = (column + 0.5) * pitch_m
            _draw_window(front, rng, look, center, floor * _FLOOR_M + look.sill_m, pitch_m)


def _draw_window(
    front: _Front,
    rng: np.random.Generator,
    look: _WindowLook,
    center: float,
    z: float,
    pitch: float,
) -> None:
    width = min(look.width_m, pitch * 0.72)
    x0, x1, top = center - width / 2, center + width / 2, z + min(look.height_m, _FLOOR_M - 1.0)
    if look.shutter is not None:
        for side in (x0 - width * 0.45, x1):
            front.box(side, z - 0.03, side + width * 0.45, top + 0.03, look.shutter)
    if look.lintel == "flat":
        front.box(x0 - 0.15, top, x1 + 0.15, top + 0.2, look.trim)
    elif look.lintel == "gable":
        front.polygon([(x0 - 0.2, top), (x1 + 0.2, top), (center, top + 0.45)], look.trim)
    elif look.lintel == "arch":
        angles = np.linspace(0, np.pi, 12)
        arch = [(center + (width / 2 + 0.1) * np.cos(a), top + 0.35 * np.sin(a)) for a in angles]
        front.polygon(arch, look.trim)
    front.box(x0 - 0.08, z - 0.08, x1 + 0.08, top + 0.08, look.frame)
    front.box(x0 - 0.15, z - 0.18, x1 + 0.15, z - 0.06, look.trim)
    _draw_glass(front, rng, (x0, z, x1, top), look)
    if look.balcony:
        front.box(x0 - 0.3, z - 0.25, x1 + 0.3, z - 0.12, (90, 90, 92))
        for x in np.arange(x0 - 0.3, x1 + 0.35, 0.18):
            front.box(x, z - 0.15, x + 0.06, z + 0.75, (48, 50, 54))
        front.box(x0 - 0.3, z + 0.7, x1 + 0.3, z + 0.78, (48, 50, 54))


def _draw_glass(
    front: _Front,
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    look: _WindowLook,
) -> None:
    x0, z, x1, top = box
    shade = int(rng.integers(28, 75))
    front.box(x0, z, x1, top, (shade, shade + 8, shade + 18))
    front.polygon([(x0, top), (x0 + (x1 - x0) * 0.7, top), (x0, z)], (shade + 30, shade + 42, 120))
    if rng.random() < 0.45:
        curtain = rgb_from_hsv(rng.uniform(0.0, 0.16), 0.2 * rng.random(), 0.85)
        depth = (x1 - x0) * rng.uniform(0.15, 0.4)
        front.box(x0, z, x0 + depth, top, curtain)
        front.box(x1 - depth, z, x1, top, curtain)
    lit = rng.random() < 0.4
    if lit:
        warm = (255, int(rng.integers(170, 235)), int(rng.integers(90, 190)))
        front.light(x0, z, x1, top, warm)
    across, up = look.panes
    for i in range(1, across):
        x = x0 + (x1 - x0) * i / across
        front.box(x - 0.03, z, x + 0.03, top, look.frame)
        if lit:
            front.unlight(x - 0.03, z, x + 0.03, top)
    for i in range(1, up):
        height = z + (top - z) * i / up
        front.box(x0, height - 0.03, x1, height + 0.03, look.frame)
        if lit:
            front.unlight(x0, height - 0.03, x1, height + 0.03)


def _draw_shop(front: _Front, rng: np.random.Generator, wall: NDArray[np.uint8]) -> None:
    paint = rgb_from_hsv(rng.random(), rng.uniform(0.1, 0.55), rng.uniform(0.15, 0.6))
    front.box(0, 0, front.width_m, _FLOOR_M - 0.05, paint)
    front.box(0, 0, front.width_m, 0.45, _shift(paint, -25))
    door = float(rng.uniform(0.1, 0.75)) * (front.width_m - 1.4)
    panes = max(1, round(front.width_m / rng.uniform(1.6, 3.0)))
    light = np.array((235, rng.integers(185, 230), rng.integers(125, 205)))
    for i in range(panes):
        x0, x1 = (np.array([i, i + 1]) * front.width_m / panes + [0.15, -0.15]).tolist()
        shade = int(rng.integers(45, 95))
        front.box(x0, 0.5, x1, 2.3, (shade, shade + 6, shade + 10))
        front.light(x0, 0.5, x1, 1.5, 0.8 * light)
        front.light(x0, 1.5, x1, 2.3, light)
        for _ in range(int(rng.integers(3, 8))):  # goods in the window
            left = float(rng.uniform(x0, x1 - 0.2))
            size, high = rng.uniform(0.15, 0.5), rng.uniform(0.3, 1.1)
            goods = rgb_from_hsv(rng.random(), 0.6 * rng.random(), rng.uniform(0.3, 0.9))
            front.box(left, 0.5, min(left + size, x1), 0.5 + high, goods)
            front.light(left, 0.5, min(left + size, x1), 0.5 + high, goods)
    front.box(door, 0, door + 1.1, 2.35, _shift(paint, 45))
    front.box(door + 0.15, 0.3, door + 0.95, 2.2, (52, 58, 66))
    front.unlight(door, 0, door + 1.1, 2.35)
    board = rgb_from_hsv(rng.random(), rng.uniform(0.1, 0.8), rng.uniform(0.15, 0.9))
    sign = draw_words(rng, board, (64, 512))
    front.paste(sign, 0.2, 2.4, front.width_m - 0.2, 3.02)
    if rng.random() < 0.35:
        left = float(rng.uniform(0, 0.3)) * front.width_m
        right = left + float(rng.uniform(0.4, 0.7)) * front.width_m
        front.paste(draw_awning(rng, (48, 256)), left, 1.85, right, 2.45)
        front.unlight(left, 1.85, right, 2.45)


def _draw_entrance(
    front: _Front, rng: np.random.Generator, look: _WindowLook, columns: int
) -> None:
    front.box(0, 0, front.width_m, rng.uniform(0.3, 0.9), _shift(look.trim, -30))
    pitch_m = front.width_m / columns
    doors = set(rng.choice(columns, size=1 if columns < 4 else 2, replace=False).tolist())
    for column in range(columns):
        center = (column + 0.5) * pitch_m
        if column not in doors:
            _draw_window(front, rng, look, center, 0.95, pitch_m)
            continue
        half = min(0.6, pitch_m * 0.4)
        color = rgb_from_hsv(rng.random(), rng.uniform(0.2, 0.6), rng.uniform(0.15, 0.5))
        front.box(center - half - 0.15, 0, center + half + 0.15, 2.6, look.trim)
        front.box(center - half, 0, center + half, 2.1, color)
        front.box(center - half + 0.12, 1.1, center + half - 0.12, 1.9, _shift(color, 28))
        front.box(center - half, 2.16, center + half, 2.5, (70, 80, 92))
        if rng.random() < 0.6:
            front.light(center - half, 2.16, center + half, 2.5, (255, 214, 150))


def _wall_color(rng: np.random.Generator, style: str) -> NDArray[np.uint8]:
    color = np.array(_WALLS[style][rng.integers(len(_WALLS[style]))], np.float64)
    color = color * rng.uniform(0.88, 1.06) + rng.normal(0, 4, 3)
    return np.clip(color, 30, 245).astype(np.uint8)


def _shift(color: NDArray[np.uint8] | tuple, amount: float) -> tuple:
    return tuple(int(v) for v in np.clip(np.asarray(color, np.float64) + amount, 0, 255))


def _pixels() -> tuple[int, int]:
    return SIZE * _OVERSIZE, SIZE * _OVERSIZE
