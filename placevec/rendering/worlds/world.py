"""A loaded 3-D model, lit for the renderer."""

from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.rendering.scenes.scene import LEAST_CLEARANCE_M, Scene, Surface
from placevec.rendering.scenes.sky import draw_sky, draw_snow
from placevec.rendering.scenes.weather import Visit, Weather

_LAMP_GLOW = np.array([0.16, 0.125, 0.075], np.float32)
_SKY_RAYS, _MOST_TESTS = 64, 2e7
_HAZE_SIZE_M = 300.0
_LEVEL_UP, _WET_SHADE, _SNOW_SIZE_M = 0.6, 0.45, 4.0
_DARK_LEVEL, _MOST_EXPOSURE = 0.4, 4.0


@dataclass(frozen=True, eq=False)
class World:
    """Textured triangles in metres: x east, y north, z up.

    Models rarely say which side of a triangle is its front, so all triangles are drawn and lit from
    both sides.

    Args:
        name: str. Name of the model.
        textures: list of (rows, cols, 3 or 4) uint8 RGB or RGBA; sides are powers of two.
        is_cutout: (num_textures,) bool. Which textures are partly transparent.
        positions_m: (T, 3, 3) float32. Corners, in metres from `origin_m`.
        uvs: (T, 3, 2) float32. Texture coordinates of the corners; v grows upwards.
        tints: (T, 3, 3) float32 in [0, 1]. Color of the material times that of the corner.
        texture_of: (T,) int32. Index of each triangle's texture.
        problems: list of str. What was missing or broken in the files, one line each.
        origin_m: (x, y, z). Origin of the positions, in the model's own frame.
        is_indoor: bool or None. Whether no sky is visible. None: rays from the ground decide.

    Raises:
        ValueError: If the arrays do not fit together.
    """

    name: str
    textures: list[NDArray[np.uint8]]
    is_cutout: NDArray[np.bool_]
    positions_m: NDArray[np.float32]
    uvs: NDArray[np.float32]
    tints: NDArray[np.float32]
    texture_of: NDArray[np.int32]
    problems: list[str] = field(default_factory=list)
    origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    is_indoor: bool | None = None

    def __post_init__(self) -> None:
        count = len(self.texture_of)
        shapes = (self.positions_m.shape, self.uvs.shape, self.tints.shape)
        if shapes != ((count, 3, 3), (count, 3, 2), (count, 3, 3)):
            raise ValueError(
                "`positions_m`, `uvs` and `tints` must be (T, 3, 3), (T, 3, 2) and (T, 3, 3) for "
                f"{counted(count, 'triangle')}. Received: shapes {shapes}"
            )
        if count and not 0 <= self.texture_of.min() <= self.texture_of.max() < len(self.textures):
            raise ValueError(
                f"`texture_of` must name one of {counted(len(self.textures), 'texture')}. "
                f"Received: numbers from {self.texture_of.min()} to {self.texture_of.max()}"
            )

    def __len__(self) -> int:
        return len(self.texture_of)

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """(T, 3) float32. Unit normals of the side whose corners run counterclockwise."""
        first, second, third = (self.positions_m[:, i].astype(np.float64) for i in range(3))
        normals = np.cross(second - first, third - first)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return (normals / np.where(length > 0, length, 1.0)).astype(np.float32)

    @cached_property
    def bounds_m(self) -> NDArray[np.float32]:
        """(2, 3) float32. Minimum and maximum x, y, z; zeros if there is no triangle."""
        if not len(self):
            return np.zeros((2, 3), np.float32)
        points = self.positions_m.reshape(-1, 3)
        return np.stack([points.min(axis=0), points.max(axis=0)])

    @cached_property
    def is_under_roof(self) -> bool:
        """Whether no sky is visible: `is_indoor`, else if nine of ten rays from the ground hit."""
        if self.is_indoor is not None:
            return self.is_indoor
        return _share_roofed(self.positions_m, self.normals) > 0.9

    def scene(self, visit: Visit) -> Scene:
        """Returns the world as it looks on one visit.

        light = ambient * level + sun * |normal . to_sun| + an even glow if lamps shine.
        Nothing casts shadows. Under a roof there is neither sky nor haze, and sunlight comes from
        everywhere. A dark model, such as one with baked light in its corners, is brightened.

        Under the open sky, level surfaces, |normal z| > 0.6, are darker by up to 45 % when wet, and
        have snow in place of their texture on a snowy visit. Leaves and fences have no snow.

        Args:
            visit: Visit. Its weather gives light, sky and air; its seed gives the clouds.

        Returns:
            A `Scene` with one surface for each texture that is used, and perhaps one of snow.
        """
        weather = visit.weather
        light = self._light(weather)
        colors = np.clip(light[:, None] * self.tints, 0, 1)
        is_snowy = self._is_level if weather.snow > 0 else np.zeros(len(self), bool)
        order = np.argsort(self.texture_of, kind="stable")
        order = order[~is_snowy[order]]
        starts = np.searchsorted(self.texture_of[order], np.arange(len(self.textures) + 1))
        surfaces = []
        for number, texture in enumerate(self._exposed):
            chosen = order[starts[number] : starts[number + 1]]
            if len(chosen):
                surfaces.append(
                    Surface(
                        texture,
                        self.positions_m[chosen],
                        self.uvs[chosen],
                        colors[chosen],
                        is_cutout=bool(self.is_cutout[number]),
                        is_two_sided=True,
                    )
                )
        if is_snowy.any():
            surfaces.append(self._snow(np.flatnonzero(is_snowy), light))
        if self.is_under_roof:
            red, green, blue = (0.1 * float(level) for level in weather.ambient)
            dark = (red, green, blue)
            return Scene(surfaces, None, dark, dark, 0.0, clearance_m=LEAST_CLEARANCE_M)
        rng = np.random.default_rng((*visit.seed, 7))
        sky = draw_sky(rng, weather, skyline=None)
        return Scene(
            surfaces,
            sky,
            weather.earth,
            weather.horizon,
            self._haze(weather),
            clearance_m=LEAST_CLEARANCE_M,
        )

    def restyled(self, seed: int | tuple[int, ...]) -> "World":
        """Returns the world with other, random colors for each texture.

        Hue, saturation, contrast and brightness change; the content of the textures stays. A
        network that learns from many such worlds cannot rely on their colors.

        Args:
            seed: int or tuple of int. Equal seeds give equal colors.
        """
        rng = np.random.default_rng(seed)
        textures = [_restyle(texture, rng) for texture in self.textures]
        return replace(self, textures=textures, is_indoor=self.is_under_roof)

    def _light(self, weather: Weather) -> NDArray[np.float32]:
        """Returns the light (T, 3) float32 on each triangle."""
        normals = np.abs(self.normals)
        level = 0.82 + 0.18 * normals[:, 2] + 0.05 * (normals[:, 0] - normals[:, 1])
        facing = np.abs(self.normals @ weather.to_sun.astype(np.float32))
        is_even = self.is_cutout[self.texture_of] | self.is_under_roof
        facing = np.where(is_even, np.float32(0.6), facing)
        light = level[:, None] * np.array(weather.ambient, np.float32)
        light += facing[:, None] * np.array(weather.sun, np.float32)
        light += np.float32(weather.lamps) * _LAMP_GLOW
        light[self._is_level] *= np.float32(1 - _WET_SHADE * weather.wetness)
        return np.asarray(light, np.float32)

    @cached_property
    def _is_level(self) -> NDArray[np.bool_]:
        """(T,) bool. Which triangles rain and snow fall on."""
        if self.is_under_roof:
            return np.zeros(len(self), bool)
        return (np.abs(self.normals[:, 2]) > _LEVEL_UP) & ~self.is_cutout[self.texture_of]

    def _snow(self, chosen: NDArray[np.int64], light: NDArray[np.float32]) -> Surface:
        """Returns triangles with snow, whose texture does not depend on what it covers."""
        positions_m = self.positions_m[chosen]
        colors = np.repeat(np.clip(light[chosen], 0, 1)[:, None], 3, axis=1)
        uvs = positions_m[..., :2] / np.float32(_SNOW_SIZE_M)
        return Surface(_snow_texture(), positions_m, uvs, colors, is_two_sided=True)

    @cached_property
    def _exposed(self) -> list[NDArray[np.uint8]]:
        """The textures; those of a dark model are brightened until it is visible."""
        levels = np.array([texture[..., :3].mean() / 255 for texture in self.textures])
        tinted = levels[self.texture_of] * self.tints.mean(axis=(1, 2))
        middle = float(np.median(tinted)) if len(self) else 1.0
        gain = min(_DARK_LEVEL / max(middle, 1e-3), _MOST_EXPOSURE)
        if gain <= 1.0:
            return self.textures
        curve = 255 * (1 - (1 - np.linspace(0, 1, 256)) ** gain)
        curve = np.rint(curve).astype(np.uint8)
        return [np.dstack([curve[t[..., :3]], t[..., 3:]]) for t in self.textures]

    def _haze(self, weather: Weather) -> float:
        """Returns the haze per metre, thicker in small worlds so that fog shows there too."""
        extent_m = float(np.ptp(self.bounds_m[:, :2], axis=0).max())
        return weather.haze * float(np.clip(_HAZE_SIZE_M / max(extent_m, 1e-3), 1.0, 4.0))


@cache
def _snow_texture() -> NDArray[np.uint8]:
    return draw_snow(np.random.default_rng(0), (256, 256))


def _share_roofed(positions_m: NDArray[np.float32], normals: NDArray[np.float32]) -> float:
    """Returns the share of rays to the sky that hit something.

    They rise in random directions from 1.7 m above the lowest ground below each spot, so that a
    ceiling does not count as ground.
    """
    level = np.flatnonzero(np.abs(normals[:, 2]) > 0.7)
    if not len(level):
        return 0.0
    rng, up = np.random.default_rng(0), np.array([0.0, 0.0, 1.0])
    num_rays = int(np.clip(_MOST_TESTS / len(normals), 8, _SKY_RAYS))
    roofed = 0
    for point in positions_m[rng.choice(level, num_rays)].mean(axis=1).astype(np.float64):
        eye = point + up * (_hits(positions_m, point, up).min(initial=0.0) + 1.7)
        azimuth, elevation = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(3, 80))
        flat = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        ray = flat * np.cos(elevation) + up * np.sin(elevation)
        roofed += bool((_hits(positions_m, eye, ray) > 0).any())
    return roofed / num_rays


def _hits(
    positions_m: NDArray[np.float32], start: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns where along a line (unit direction) it hits triangles; negative is behind."""
    side = np.cross(direction, [0.0, 0.0, 1.0] if abs(direction[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    axes = np.stack([side, np.cross(direction, side), direction], axis=1)
    local = (positions_m - start.astype(np.float32)) @ axes.astype(np.float32)
    near = (local[..., :2].min(axis=1) <= 0).all(axis=1)
    near &= (local[..., :2].max(axis=1) >= 0).all(axis=1)
    x, y, z = np.moveaxis(local[near].astype(np.float64), -1, 0)
    weights = np.roll(x, -1, 1) * np.roll(y, -2, 1) - np.roll(y, -1, 1) * np.roll(x, -2, 1)
    area = weights.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = weights / area[:, None]
    inside = (shares >= 0).all(axis=1)
    return (shares[inside] * z[inside]).sum(axis=1)


def _restyle(texture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    turn, saturation = rng.uniform(0, 360), rng.uniform(0.5, 1.5)
    contrast, brightness = rng.uniform(0.7, 1.3), rng.uniform(0.75, 1.2)
    tint = rng.uniform(0.8, 1.0, 3)
    hsv = cv2.cvtColor(texture[..., :3].astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + turn) % 360
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation, 0, 1)
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * tint.astype(np.float32)
    mean = rgb.mean()
    rgb = ((rgb - mean) * contrast + mean) * brightness
    pixels = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    return pixels if texture.shape[2] == 3 else np.dstack([pixels, texture[..., 3]])
