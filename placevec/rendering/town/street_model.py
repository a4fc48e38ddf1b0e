"""Builds the scene of a street of the town as it looks on one visit."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.scene import Scene, Surface
from placevec.rendering.scenes.sky import draw_sky, draw_snow
from placevec.rendering.scenes.weather import Visit, Weather
from placevec.rendering.town.ground import Ground, draw_ground, draw_light_map
from placevec.rendering.town.ground_cover import snowy_ground, wet_ground
from placevec.rendering.town.layout import House, Street, Town
from placevec.rendering.town.lighting import Lighting
from placevec.rendering.town.mesh import Mesh, Quads, join, upright
from placevec.rendering.town.textures.surfaces import draw_person, draw_wall
from placevec.rendering.town.textures.trees import draw_hedge
from placevec.rendering.town.traffic import NUM_PEOPLE, add_cars, add_people, park_cars

_SIGN_COLUMNS = 8
_LAMP_HEIGHT_M = 6.0
_WARM = (1.0, 0.86, 0.62)
_LEAST_UP = 0.5  # snow covers what faces up at least this much


@dataclass(eq=False)
class StreetModel:
    """The fixed parts of a street: build it once, then call `visit` for each visit.

    Args:
        town: Town. The designs of the houses.
        street: Street. Layout of houses and objects.
    """

    town: Town
    street: Street
    _textures: dict[str, NDArray[np.uint8]] = field(init=False, repr=False)
    _quads: dict[str, Quads] = field(init=False, repr=False)
    _ground: Ground = field(init=False, repr=False)
    _hedge: dict[str, NDArray[np.uint8]] = field(init=False, repr=False)
    _grounds: dict[str, NDArray[np.uint8]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        designs, rng = self.town.designs, np.random.default_rng((*self.street.seed, 1))
        self._textures = {
            "wall": draw_wall(rng, "plaster", np.array([225, 225, 225]), (64, 64)),
            "plain": np.full((8, 8, 3), 255, np.uint8),
            "light": np.full((8, 8, 3), 255, np.uint8),
            "signs": _atlas(designs.signs),
            "wheel": _draw_wheel(),
            "snow": draw_snow(rng),
        }
        self._textures |= {f"facade{i}": f.albedo for i, f in enumerate(designs.facades)}
        self._textures |= {f"glow{i}": f.glow for i, f in enumerate(designs.facades)}
        self._textures |= {f"roof{i}": roof for i, roof in enumerate(designs.roofs)}
        for i in range(NUM_PEOPLE):
            self._textures[f"person{i}"] = draw_person(rng)
            self._textures[f"wet_person{i}"] = draw_person(rng, has_umbrella=i % 4 > 0)
        self._hedge = draw_hedge(rng)
        mesh = Mesh()
        for house in self.street.houses:
            _add_house(mesh, house, self.town)
        _add_furniture(mesh, self.street)
        self._quads = mesh.quads()
        self._ground = draw_ground(rng, self.street)
        self._grounds = {"dry": self._ground.albedo}

    def visit(self, visit: Visit) -> Scene:
        """Returns the street as it looks on one visit: its light, season, cars and passers-by."""
        weather, season = visit.weather, visit.season
        rng = np.random.default_rng((*self.street.seed, *visit.seed, 2))
        lighting = Lighting(self.street, weather, _LAMP_HEIGHT_M)
        passing, cars = Mesh(), park_cars(rng, self.street)
        add_cars(passing, cars)
        add_people(passing, rng, self.street)
        groups = [*self._quads.items(), *passing.quads().items()]
        if weather.snow > 0:
            groups = [part for name, quads in groups for part in _under_snow(name, quads)]
        textures = self._textures_on(visit)
        colors = lighting.colors(join(quads for _, quads in groups))
        surfaces, start = [], 0
        for name, quads in groups:
            light, start = colors[start : start + len(quads)], start + len(quads)
            if name == "light":
                light = _lamp_heads(len(quads), weather)
            is_cutout = name.startswith(("tree", "person", "wheel"))
            surfaces.append(_surface(textures[name], quads, light, is_cutout=is_cutout))
        if weather.lamps > 0:
            surfaces.extend(self._lit_windows(rng, weather))
        ones = np.ones((len(self._ground.quads), 4, 3), np.float32)
        light_map = draw_light_map(self._ground, self.street, weather, lighting, cars, season)
        ground = self._ground_in(weather)
        surfaces.append(_surface(ground, self._ground.quads, ones, light_map=light_map))
        sky = draw_sky(rng, weather, np.random.default_rng((*self.street.seed, 3)))
        return Scene(surfaces, sky, weather.earth, weather.horizon, weather.haze)

    def _textures_on(self, visit: Visit) -> dict[str, NDArray[np.uint8]]:
        look = "snow" if visit.weather.snow > 0 else visit.season
        trees = {f"tree{i}": tree[look] for i, tree in enumerate(self.town.designs.trees)}
        textures = self._textures | trees | {"hedge": self._hedge[look]}
        if visit.weather.wetness > 0:
            textures |= {f"person{i}": textures[f"wet_person{i}"] for i in range(NUM_PEOPLE)}
        return textures

    def _ground_in(self, weather: Weather) -> NDArray[np.uint8]:
        """Returns the ground's texture, which is drawn once because the renderer keeps textures."""
        kind = "snow" if weather.snow > 0 else "wet" if weather.wetness > 0 else "dry"
        if kind not in self._grounds:
            rng, ground = np.random.default_rng((*self.street.seed, 4)), self._ground
            if kind == "snow":
                self._grounds[kind] = snowy_ground(rng, ground, self.street)
            else:
                facades = self.town.designs.facades
                self._grounds[kind] = wet_ground(rng, ground, self.street, facades)
        return self._grounds[kind]

    def _lit_windows(self, rng: np.random.Generator, weather: Weather) -> list[Surface]:
        surfaces = []
        level = np.float32(min(1.0, 0.45 + 0.5 * weather.lamps))
        for name, quads in self._quads.items():
            if not name.startswith("facade"):
                continue
            is_ground_floor = quads.uvs[:, 0, 1] < 0.01
            lit = quads.take(rng.random(len(quads)) < np.where(is_ground_floor, 0.75, 0.6))
            colors = np.full((len(lit), 4, 3), level, np.float32)
            glow = self._textures[name.replace("facade", "glow")]
            surfaces.append(_surface(glow, lit, colors, is_cutout=True, is_overlay=True))
        return surfaces


def _surface(
    texture: NDArray[np.uint8], quads: Quads, colors: NDArray[np.float32], **how: Any
) -> Surface:
    return Surface(texture, quads.positions_m, quads.uvs, colors, **how)


def _under_snow(name: str, quads: Quads) -> list[tuple[str, Quads]]:
    """Splits quads into those that stay visible and those under snow."""
    is_up = quads.normals[:, 2] > _LEAST_UP
    white = quads.take(is_up)
    white = replace(white, tints=np.ones_like(white.tints))
    parts = [(name, quads.take(~is_up)), ("snow", white)]
    return [(name, part) for name, part in parts if len(part)]


def _lamp_heads(count: int, weather: Weather) -> NDArray[np.float32]:
    strength = min(1.0, 1.3 * max(weather.lamps, 0.35 * max(weather.ambient)))
    color = np.asarray(_WARM, np.float32) * np.float32(strength)
    return np.broadcast_to(color, (count, 4, 3))


def _add_house(mesh: Mesh, house: House, town: Town) -> None:
    left, right, back_right, back_left = house.footprint_m
    facade, top = town.designs.facades[house.design], house.height_m
    corners = upright(left, right, 0, top)
    mesh.add(f"facade{house.design}", corners, tint=house.tint, cells=(3, 3))
    wall = house.tint * facade.wall / 225.0
    mesh.add("wall", upright(right, back_right, 0, top), tint=wall, cells=(2, 2))
    mesh.add("wall", upright(back_left, left, 0, top), tint=wall, cells=(2, 2))
    if house.sign >= 0:
        _add_sign(mesh, house)
    if house.roof < 0:
        return
    ridge = top + 0.32 * house.depth_m
    middle_left, middle_right = (left + back_left) / 2, (right + back_right) / 2
    eaves = -house.inwards * 0.35
    slope = [(*(left + eaves), top - 0.1), (*(right + eaves), top - 0.1)]
    slope += [(*middle_right, ridge), (*middle_left, ridge)]
    mesh.add(
        f"roof{house.roof}", np.array(slope), uv=(0, 0, house.width_m / 5.0, 1.0), cells=(2, 1)
    )
    for low_a, peak, low_b in ((right, middle_right, back_right), (back_left, middle_left, left)):
        gable = [(*low_a, top), (*low_b, top), (*peak, ridge), (*peak, ridge)]
        mesh.add("wall", np.array(gable), tint=wall)
    if house.design % 2:
        spot = middle_left + house.along * house.width_m * 0.3
        mesh.add_box("wall", spot, house.along, np.array([0.7, 0.7, 1.3]), wall * 0.8, ridge - 0.5)


def _add_sign(mesh: Mesh, house: House) -> None:
    row, column = divmod(house.sign, _SIGN_COLUMNS)
    rows = 64 // _SIGN_COLUMNS
    uv = (column / 8, 1 - (row + 1) / rows, (column + 1) / 8, 1 - row / rows)
    spot = house.corner_m + house.along * house.width_m * 0.5
    near, far = spot - house.inwards * 0.2, spot - house.inwards * 1.9
    for start, end in ((near, far), (far, near)):
        mesh.add("signs", upright(start, end, 3.2, 3.75), uv=uv)


def _add_furniture(mesh: Mesh, street: Street) -> None:
    for start, end in street.walls:
        mesh.add("wall", upright(start, end, 0, 2.3), tint=(0.62, 0.58, 0.52), cells=(2, 1))
        mesh.add("wall", upright(end, start, 0, 2.3), tint=(0.62, 0.58, 0.52), cells=(2, 1))
    for x, y, height, kind in street.trees:
        for turn in (0.0, np.pi / 2):
            half = 0.3 * height * np.array([np.cos(turn + 0.6), np.sin(turn + 0.6)])
            spot = np.array([x, y])
            corners = upright(spot - half, spot + half, 0, height)
            mesh.add(f"tree{int(kind)}", corners, is_lit_by_side=False)
    ahead = np.array([0.0, 1.0])
    for x, y, side in street.lamps:
        steel, spot = (0.25, 0.27, 0.28), np.array([x, y])
        mesh.add_box("plain", spot, ahead, np.array([0.14, 0.14, _LAMP_HEIGHT_M]), steel)
        arm = spot + (side * 0.7, 0.0)
        mesh.add_box("plain", arm, ahead, np.array([0.1, 1.5, 0.1]), steel, _LAMP_HEIGHT_M)
        head = spot + (side * 1.3, 0.0)
        mesh.add_box("light", head, ahead, np.array([0.3, 0.6, 0.16]), (1, 1, 1), 5.84)
    for center, size, color in street.boxes:
        _, ahead = street.along(float(center[1]))
        mesh.add_box("wall", center, ahead, size, np.asarray(color) / 225.0)
    for center, size in street.hedges:
        mesh.add_box("hedge", center, street.along(float(center[1]))[1], size, (1, 1, 1))


def _atlas(signs: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows = [np.concatenate(list(signs[i : i + 8]), axis=1) for i in range(0, len(signs), 8)]
    return np.concatenate(rows, axis=0)


def _draw_wheel() -> NDArray[np.uint8]:
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    radius = np.hypot(x, y)
    image = np.zeros((32, 32, 4), np.uint8)
    image[radius < 0.95] = (24, 24, 26, 255)
    image[radius < 0.55] = (150, 152, 156, 255)
    return image
