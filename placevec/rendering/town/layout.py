"""Lays out a town: streets of houses, side streets, parks, trees and lamps."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from placevec.rendering.town.textures.facades import Facade, draw_facade
from placevec.rendering.town.textures.surfaces import draw_roof, draw_words, rgb_from_hsv
from placevec.rendering.town.textures.trees import draw_tree

ROAD_HALF_WIDTH_M = 4.6
FRONT_DISTANCE_M = 8.2
MARGIN_M = 60.0
_HOUSE_DEPTH_M = 10.0
_SIDE_STREET_HALF_WIDTH_M = 4.5
_SIDE_STREET_LENGTH_M = 46.0
_END_M = 7.0
_LEAST_GAP_M = 150.0
_DESIGNS_PER_STREET = 12
# Hues of paint on walls: brick, terracotta, ocher, cream, sage, pale blue.
_HUES = (0.02, 0.06, 0.1, 0.14, 0.25, 0.57)


@dataclass(frozen=True, eq=False)
class Designs:
    """The surfaces that the houses of a part of the town share.

    Args:
        facades: list of Facade. Fronts of houses; neighbors may have the same.
        roofs: list of (rows, cols, 3) uint8 RGB.
        trees: list of dict. Each tree as (rows, cols, 4) uint8 RGBA in each of `trees.LOOKS`.
        signs: (S, rows, cols, 3) uint8 RGB. Signs with names, each for one shop only.
    """

    facades: list[Facade]
    roofs: list[NDArray[np.uint8]]
    trees: list[dict[str, NDArray[np.uint8]]]
    signs: NDArray[np.uint8]

    @classmethod
    def draw(cls, rng: np.random.Generator, num_facades: int) -> "Designs":
        """Draws random designs; equal states of `rng` give equal designs."""
        boards = [rgb_from_hsv(rng.random(), 0.55, rng.uniform(0.2, 0.9)) for _ in range(64)]
        return cls(
            facades=[draw_facade(rng) for _ in range(num_facades)],
            roofs=[draw_roof(rng, (128, 128)) for _ in range(4)],
            trees=[draw_tree(rng) for _ in range(6)],
            signs=np.stack([draw_words(rng, board, (32, 128)) for board in boards]),
        )


@dataclass(frozen=True, eq=False)
class House:
    """A house with a front toward a street.

    Args:
        corner_m: (2,) float64. The left end of the front, seen from outside, in the street's frame.
        along: (2,) float64. Unit vector from the left to the right end of the front.
        width_m: float. Length of the front, in metres.
        depth_m: float. Depth of the house behind its front, in metres.
        height_m: float. Height of the eaves, in metres.
        design: int. Number of one of the town's facades.
        roof: int. Number of one of the town's roofs; -1 for a flat roof.
        tint: (3,) float64. Factors for the color of the wall.
        sign: int. Number of the sign over the pavement; -1 for none.
    """

    corner_m: NDArray[np.float64]
    along: NDArray[np.float64]
    width_m: float
    depth_m: float
    height_m: float
    design: int
    roof: int
    tint: NDArray[np.float64]
    sign: int

    @property
    def inwards(self) -> NDArray[np.float64]:
        """(2,) float64. Unit vector from the front into the house."""
        return np.array([-self.along[1], self.along[0]])

    @property
    def footprint_m(self) -> NDArray[np.float64]:
        """(4, 2) float64. Corners of the ground floor, from the left end of the front around."""
        right = self.corner_m + self.along * self.width_m
        back = self.inwards * self.depth_m
        return np.stack([self.corner_m, right, right + back, self.corner_m + back])


@dataclass(frozen=True, eq=False)
class Street:
    """One street in a frame of its own: x to the right, y along the street, z up, in metres.

    Args:
        name: str. Short and unique in the town, such as `"train03"`.
        seed: tuple of int. Seed of everything that varies along the street.
        origin_m: (2,) float64. East and north of the frame's origin.
        bearing_deg: float. Compass direction of the frame's y axis.
        nodes_m: (n, 2) float64. Where the center line starts, bends and ends.
        houses: list of House.
        walls: (w, 2, 2) float64. Garden walls, from where to where.
        trees: (t, 4) float64. x, y, height and the number of one of the town's trees.
        lamps: (l, 3) float64. x, y and the sign of the x direction toward the road.
        boxes: list of (center (2,), size (3,), color (3,)). Kiosks and benches.
        hedges: list of (center (2,), size (3,)).
        side_streets: (s, 2, 2) float64. Center lines of the side streets.
    """

    name: str
    seed: tuple[int, ...]
    origin_m: NDArray[np.float64]
    bearing_deg: float
    nodes_m: NDArray[np.float64]
    houses: list[House] = field(default_factory=list)
    walls: list = field(default_factory=list)
    trees: list = field(default_factory=list)
    lamps: list = field(default_factory=list)
    boxes: list = field(default_factory=list)
    hedges: list = field(default_factory=list)
    side_streets: list = field(default_factory=list)

    def to_world(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Converts points (n, 2) of the street's frame to metres east and north (n, 2)."""
        angle = np.deg2rad(self.bearing_deg)
        right, ahead = (np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))
        return self.origin_m + np.asarray(points_m) @ np.array([right, ahead])

    def to_street(self, positions_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Converts metres east and north (n, 2) to points (n, 2) of the street's frame."""
        angle = np.deg2rad(self.bearing_deg)
        right, ahead = (np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))
        return (np.asarray(positions_m) - self.origin_m) @ np.array([right, ahead]).T

    @property
    def length_m(self) -> float:
        """Length of the center line, in metres."""
        return float(np.linalg.norm(np.diff(self.nodes_m, axis=0), axis=1).sum())

    def along(self, distance_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the point (2,) of the center line and its direction (2,), in the street's frame.

        Args:
            distance_m: float. Metres from the start; beyond the ends the line continues straight.
        """
        steps = np.diff(self.nodes_m, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        i = max(0, int(np.searchsorted(starts, distance_m, side="right")) - 1)
        ahead = steps[i] / lengths[i]
        return self.nodes_m[i] + ahead * (distance_m - starts[i]), ahead


@dataclass(frozen=True, eq=False)
class Town:
    """Streets that share no house and are at least 100 m apart, and their designs."""

    designs: Designs
    streets: list[Street]


def lay_out_town(
    seed: tuple[int, ...], names: list[str], length_m: float, start_m: NDArray[np.float64]
) -> Town:
    """Lays out streets of one length, each in its own field.

    Args:
        seed: tuple of int. Equal seeds give equal towns.
        names: list of str. One street for each.
        length_m: float. Length of each street, in metres.
        start_m: (2,) metres east and north. The southwest corner of the first field. The fields are
            in a row from there to the east.

    Returns:
        A `Town`. Places of different streets are at least 150 m apart.
    """
    field_m = field_size_m(length_m)
    rng = np.random.default_rng(seed)
    designs = Designs.draw(rng, max(_DESIGNS_PER_STREET, 5 * len(names)))
    streets = []
    for i, name in enumerate(names):
        center = np.asarray(start_m, np.float64) + field_m * np.array([i + 0.5, 0.5])
        streets.append(_lay_out_street(name, (*seed, i), designs, length_m, center))
    return Town(designs, streets)


def field_size_m(length_m: float) -> float:
    """Returns the side, in metres, of the square field of a street of `length_m`."""
    return length_m + _LEAST_GAP_M


def _lay_out_street(
    name: str, seed: tuple, designs: Designs, length_m: float, center_m: NDArray[np.float64]
) -> Street:
    rng = np.random.default_rng(seed)
    nodes = _bend(rng, length_m)
    bearing_deg = float(rng.uniform(0, 360))
    street = Street(name, seed, np.zeros(2), bearing_deg, nodes)
    offset = street.to_world(nodes[[0, -1]].mean(axis=0)[None])[0]
    street = Street(name, seed, center_m - offset, bearing_deg, nodes)
    rows = _Rows(rng, designs)
    openings = _cross(rng, street, rows)
    for i in range(len(nodes) - 1):
        for side in (-1, 1):
            _build_side(rng, street, rows, i, side, openings)
    for end, inner in ((0, 1), (-1, -2)):
        ahead = _unit(nodes[end] - nodes[inner])
        middle = nodes[end] + ahead * _END_M
        street.houses.extend(rows.build(middle - _right(ahead) * 42, middle + _right(ahead) * 42))
    _furnish(rng, street)
    return street


def _bend(rng: np.random.Generator, length_m: float) -> NDArray[np.float64]:
    count = max(1, round(length_m / 62.0))
    lengths = rng.uniform(0.8, 1.2, count)
    lengths *= length_m / lengths.sum()
    turns = np.cumsum(rng.uniform(-0.2, 0.2, count))
    turns -= turns.mean()
    steps = lengths[:, None] * np.stack([np.sin(turns), np.cos(turns)], axis=1)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


class _Rows:
    """Builds rows of houses from the few designs of one street."""

    def __init__(self, rng: np.random.Generator, designs: Designs) -> None:
        self._rng, self._facades = rng, designs.facades
        count = min(_DESIGNS_PER_STREET, len(designs.facades))
        self._palette = rng.choice(len(designs.facades), count, replace=False)
        self._signs = list(rng.permutation(len(designs.signs)))
        self._num_roofs = len(designs.roofs)

    def build(self, start_m: NDArray[np.float64], end_m: NDArray[np.float64]) -> list[House]:
        """Fills the line from `start_m` (left, seen from outside) to `end_m` with houses."""
        rng, length = self._rng, float(np.linalg.norm(end_m - start_m))
        along = _unit(end_m - start_m)
        chosen: list[tuple] = []
        while sum(entry[1] for entry in chosen) < length - 3.5:
            repeats = int(rng.integers(2, 5)) if rng.random() < 0.35 else 1
            design, roof = int(rng.choice(self._palette)), int(rng.integers(-1, self._num_roofs))
            for _ in range(repeats):
                saturation = 0.2 * rng.random() ** 2
                tint = rgb_from_hsv(rng.choice(_HUES), saturation, rng.uniform(0.86, 1)) / 255.0
                facade = self._facades[design]
                sign = -1
                if self._signs and rng.random() < 0.4:
                    sign = int(self._signs.pop())
                chosen.append((design, facade.width_m, facade.height_m, roof, tint, sign))
        scale = length / sum(entry[1] for entry in chosen) if chosen else 1.0
        houses, corner = [], np.array(start_m, np.float64)
        for design, width, height, roof, tint, sign in chosen:
            width *= scale
            depth = _HOUSE_DEPTH_M
            houses.append(House(corner, along, width, depth, height, design, roof, tint, sign))
            corner = corner + along * width
        return houses


def _cross(rng: np.random.Generator, street: Street, rows: _Rows) -> dict:
    """Adds side streets; returns how far the front rows stay away from each (node, side)."""
    openings = {}
    nodes = street.nodes_m
    for node in range(1, len(nodes) - 1):
        before, after = _unit(nodes[node] - nodes[node - 1]), _unit(nodes[node + 1] - nodes[node])
        ahead = _unit(before + after)
        for side in (-1, 1):
            out = _right(ahead) * side
            if rng.random() > 0.6:
                openings[node, side] = 0.0
                continue
            openings[node, side] = _SIDE_STREET_HALF_WIDTH_M
            far = nodes[node] + out * _SIDE_STREET_LENGTH_M
            street.side_streets.append(np.stack([nodes[node], far]))
            near = nodes[node] + out * (FRONT_DISTANCE_M + _HOUSE_DEPTH_M + 1.5)
            for flank in (-1, 1):
                shift = _right(out) * flank * (_SIDE_STREET_HALF_WIDTH_M + 1.5)
                line = (far + shift, near + shift) if flank == 1 else (near + shift, far + shift)
                street.houses.extend(rows.build(*line))
            half = _right(out) * 9.0
            street.houses.extend(rows.build(far + out - half, far + out + half))
    for node, ahead in ((0, nodes[1] - nodes[0]), (len(nodes) - 1, nodes[-1] - nodes[-2])):
        across = _right(_unit(ahead)) * _SIDE_STREET_LENGTH_M
        street.side_streets.append(np.stack([nodes[node] - across, nodes[node] + across]))
        openings[node, -1] = openings[node, 1] = _SIDE_STREET_HALF_WIDTH_M
    return openings


def _build_side(
    rng: np.random.Generator, street: Street, rows: _Rows, i: int, side: int, openings: dict
) -> None:
    start, end = street.nodes_m[i], street.nodes_m[i + 1]
    ahead, out = _unit(end - start), _right(_unit(end - start)) * side
    first = start + out * FRONT_DISTANCE_M + ahead * (openings[i, side] + 1.0)
    last = end + out * FRONT_DISTANCE_M - ahead * (openings[i + 1, side] + 1.0)
    line = (last, first) if side == 1 else (first, last)
    if rng.random() > 0.12:
        street.houses.extend(rows.build(*line))
        if openings[i + 1, side] == 0.0:
            corner = last + out * 0.5
            street.walls.append(np.stack([corner - ahead, corner + ahead * 4.0]))
        return
    # A park: a hedge, trees, and houses behind it.
    behind = out * 26.0
    street.houses.extend(rows.build(line[0] + behind, line[1] + behind))
    count = int(np.linalg.norm(last - first) / 3.0)
    for j in range(count):
        point = first + (last - first) * (j + 0.5) / count
        if j % 7 != 3:
            street.hedges.append((point + out * 0.6, np.array([3.0, 1.0, 1.1])))
    for _ in range(count):
        spot = first + (last - first) * rng.random() + out * rng.uniform(3.0, 20.0)
        street.trees.append((*spot, rng.uniform(5.0, 8.5), rng.integers(6)))


def _furnish(rng: np.random.Generator, street: Street) -> None:
    rows_of_trees = rng.random() < 0.6
    distance = 4.0
    while distance < street.length_m - 2.0:
        point, ahead = street.along(distance)
        for side in (-1, 1):
            kerb = point + _right(ahead) * side * (ROAD_HALF_WIDTH_M + 0.8)
            draw = rng.random()
            if rows_of_trees and draw < 0.35:
                street.trees.append((*kerb, rng.uniform(4.5, 7.5), rng.integers(6)))
            elif draw > 0.92:
                color = tuple(rgb_from_hsv(rng.random(), 0.4, 0.5).astype(int))
                size = np.array([rng.uniform(0.6, 1.6), rng.uniform(0.5, 1.0), rng.uniform(1, 2.6)])
                street.boxes.append((kerb + _right(ahead) * side * 0.4, size, color))
        distance += 8.0 + rng.uniform(-1.0, 1.0)
    side = 1
    for distance in np.arange(6.0, street.length_m, 24.0):
        point, ahead = street.along(distance)
        side = -side
        spot = point + _right(ahead) * side * (ROAD_HALF_WIDTH_M + 0.4)
        street.lamps.append((*spot, -side))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)


def _right(ahead: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([ahead[1], -ahead[0]])
