"""Adds what changes from visit to visit: parked cars and passers-by."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from placevec.rendering.town.layout import ROAD_HALF_WIDTH_M, Street
from placevec.rendering.town.mesh import Mesh, Quads, upright

NUM_PEOPLE = 8
# White, silver, gray, black, blue, red, green, beige; common colors appear twice or more.
_PAINTS = np.array(
    [
        (0.86, 0.86, 0.85),
        (0.86, 0.86, 0.85),
        (0.68, 0.69, 0.71),
        (0.68, 0.69, 0.71),
        (0.42, 0.43, 0.45),
        (0.42, 0.43, 0.45),
        (0.14, 0.14, 0.15),
        (0.14, 0.14, 0.15),
        (0.17, 0.25, 0.42),
        (0.3, 0.42, 0.55),
        (0.55, 0.12, 0.11),
        (0.2, 0.3, 0.24),
        (0.66, 0.6, 0.48),
    ]
)
_TRIM, _PLATE = (0.08, 0.08, 0.09), (0.85, 0.84, 0.7)
_GLASS, _FRONT_LIGHT, _REAR_LIGHT = (0.16, 0.19, 0.23), (0.9, 0.9, 0.8), (0.75, 0.1, 0.08)


@dataclass(frozen=True, eq=False)
class Cars:
    """Parked cars.

    Args:
        spots_m: (n, 2) float64. Their centers, in the street's frame.
        ahead: (n, 2) float64. Unit vectors from their rears to their fronts.
        paints: (n, 3) float64. Their colors, RGB in [0, 1].
        is_van: (n,) bool.
    """

    spots_m: NDArray[np.float64]
    ahead: NDArray[np.float64]
    paints: NDArray[np.float64]
    is_van: NDArray[np.bool_]

    def footprints_m(self) -> NDArray[np.float64]:
        """Returns the corners (n, 4, 2) of the ground that the cars cover."""
        right = np.stack([self.ahead[:, 1], -self.ahead[:, 0]], axis=1) * 0.95
        nose = self.ahead * np.where(self.is_van, 2.5, 2.15)[:, None]
        corners = (-nose - right, nose - right, nose + right, -nose + right)
        return np.stack([self.spots_m + corner for corner in corners], axis=1)


def park_cars(rng: np.random.Generator, street: Street) -> Cars:
    """Parks cars along both curbs, many on some visits and few on others."""
    spots, headings, paints, vans = [], [], [], []
    density = rng.uniform(0.1, 0.45)
    for side in (-1, 1):
        distance = float(rng.uniform(-4, 4))
        while distance < street.length_m:
            distance += float(rng.uniform(5.6, 6.6))
            if rng.random() > density:
                continue
            point, ahead = street.along(distance)
            right = np.array([ahead[1], -ahead[0]])
            shift = side * (ROAD_HALF_WIDTH_M - 1.05 + rng.uniform(-0.1, 0.1))
            spots.append(point + right * shift)
            headings.append(ahead * side)
            paints.append(rng.choice(_PAINTS) * rng.uniform(0.85, 1.1))
            vans.append(bool(rng.random() < 0.15))
    spots, headings = (np.array(rows, np.float64).reshape(-1, 2) for rows in (spots, headings))
    paints = np.array(paints, np.float64).reshape(-1, 3)
    return Cars(spots, headings, paints, np.array(vans, bool))


def add_cars(mesh: Mesh, cars: Cars) -> None:
    """Adds parked cars to a mesh, with the textures `plain` and `wheel`."""
    for is_van in (False, True):
        chosen = np.flatnonzero(cars.is_van == is_van)
        if not len(chosen):
            continue
        ahead = cars.ahead[chosen]
        turn = np.zeros((len(chosen), 3, 3))  # rows: directions of the model's x, y and z axes
        turn[:, 0, 0], turn[:, 0, 1] = ahead[:, 1], -ahead[:, 0]
        turn[:, 1, :2] = ahead
        turn[:, 2, 2] = 1.0
        spots = np.pad(cars.spots_m[chosen], ((0, 0), (0, 1)))
        for part, texture, is_painted in _car(is_van):
            count = len(part.tints)
            positions = np.einsum("qcj,njk->nqck", part.positions_m, turn) + spots[:, None, None]
            normals = np.einsum("qj,njk->nqk", part.normals, turn)
            uvs = np.broadcast_to(part.uvs, (len(chosen), count, 4, 2))
            tints = np.broadcast_to(part.tints, (len(chosen), count, 3))
            if is_painted:
                tints = tints * cars.paints[chosen][:, None]
            mesh.add_quads(
                texture,
                Quads(
                    positions.reshape(-1, 4, 3),
                    uvs.reshape(-1, 4, 2),
                    normals.reshape(-1, 3),
                    tints.reshape(-1, 3),
                ),
            )


def add_people(mesh: Mesh, rng: np.random.Generator, street: Street) -> None:
    """Adds passers-by on the pavements, with the textures `person0`, `person1`, ..."""
    for _ in range(int(street.length_m / rng.uniform(9, 30))):
        point, ahead = street.along(float(rng.uniform(0, street.length_m)))
        right = np.array([ahead[1], -ahead[0]])
        spot = point + right * rng.choice([-1, 1]) * rng.uniform(5.2, 7.6)
        height = rng.uniform(1.55, 1.9)
        half = right * height * 0.25
        corners = upright(spot - half, spot + half, 0, height)
        name = f"person{rng.integers(NUM_PEOPLE)}"
        mesh.add(name, corners, tint=rng.uniform(0.7, 1.0, 3), is_lit_by_side=False)


@cache
def _car(is_van: bool) -> list[tuple[Quads, str, bool]]:
    """Returns the parts of a car at the origin, facing along y: quads, texture, is painted."""
    length, width, waist, roof = (4.9, 1.85, 1.1, 2.1) if is_van else (4.2, 1.72, 0.88, 1.42)
    painted, fixed = Mesh(), Mesh()
    ahead, spot = np.array([0.0, 1.0]), np.zeros(2)
    size = np.array([length, width, waist - 0.28])
    painted.add_box("plain", spot, ahead, size, (1, 1, 1), 0.28)
    low_ends, high_ends = ((-0.48, 0.34), (-0.46, 0.26)) if is_van else ((-0.42, 0.2), (-0.3, 0.06))
    low = _rectangle(0.47 * width, low_ends[0] * length, low_ends[1] * length)
    high = _rectangle(0.4 * width, high_ends[0] * length, high_ends[1] * length)
    for i in range(4):
        j = (i + 1) % 4
        pane = [(*low[i], waist), (*low[j], waist), (*high[j], roof), (*high[i], roof)]
        fixed.add("plain", np.array(pane), tint=_GLASS)
    painted.add("plain", np.array([(*point, roof) for point in high]))
    for end in (-0.32 * length, 0.31 * length):
        for side in (-1, 1):
            x = side * (width / 2 + 0.03)
            fixed.add("wheel", upright((x, end - 0.33), (x, end + 0.33), 0.0, 0.66))
    below = np.array([length - 0.5, width - 0.06, 0.14])
    fixed.add_box("plain", spot, ahead, below, _TRIM, 0.14)
    for end, color, facing in ((0.503, _FRONT_LIGHT, -1), (-0.503, _REAR_LIGHT, 1)):
        for x in (-0.36 * width, 0.36 * width):
            left, right = (x - 0.16 * facing, end * length), (x + 0.16 * facing, end * length)
            fixed.add("plain", upright(left, right, 0.58, 0.76), tint=color)
        for half, low_m, high_m, tint in (
            (0.46 * width, 0.3, 0.46, _TRIM),
            (0.26, 0.4, 0.5, _PLATE),
        ):
            y = end * length * (1.002 if tint is _PLATE else 1.0)
            corners = upright((-half * facing, y), (half * facing, y), low_m, high_m)
            fixed.add("plain", corners, tint=tint)
    parts = [(quads, texture, True) for texture, quads in painted.quads().items()]
    return parts + [(quads, texture, False) for texture, quads in fixed.quads().items()]


def _rectangle(half_width_m: float, rear_m: float, front_m: float) -> list[tuple[float, float]]:
    x = half_width_m
    return [(-x, rear_m), (x, rear_m), (x, front_m), (-x, front_m)]
