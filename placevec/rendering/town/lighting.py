"""Lights a street: sky, sun with the shadows of houses, lamps."""

import numpy as np
from numpy.typing import NDArray

from placevec.rendering.scenes.weather import Weather
from placevec.rendering.town.layout import Street
from placevec.rendering.town.mesh import Quads

LAMP_COLOR = np.array([1.0, 0.78, 0.48], np.float32)
_LAMP_REACH_M = 5.5
_SHADOW_REACH_M = 45.0


class Lighting:
    """The light in one street in one kind of weather, in the street's frame.

    light = ambient * (0.8 + 0.2 * up) + sun * max(0, normal . to_sun) * (1 if the sun is seen)
    + lamps * sum over lamps of reach^2 / (reach^2 + distance^2), darker close to the ground.

    Args:
        street: Street. Its houses cast shadows and its lamps shine.
        weather: Weather. Gives the light.
        lamp_height_m: float. Height of the lamps, in metres.
    """

    def __init__(self, street: Street, weather: Weather, lamp_height_m: float) -> None:
        angle = np.deg2rad(street.bearing_deg)
        east, north, up = weather.to_sun
        self.to_sun = np.array(
            [
                east * np.cos(angle) - north * np.sin(angle),
                east * np.sin(angle) + north * np.cos(angle),
                up,
            ]
        )
        self._street, self._weather = street, weather
        self._lamps = np.array(
            [(x + 1.3 * side, y, lamp_height_m) for x, y, side in street.lamps], np.float32
        ).reshape(-1, 3)

    def colors(self, quads: Quads) -> NDArray[np.float32]:
        """Returns the light at each corner times the quads' tints: (n, 4, 3) float32 in [0, 1]."""
        weather = self._weather
        points = quads.positions_m.reshape(-1, 3)
        normals = np.repeat(quads.normals, 4, axis=0)
        has_side = (normals**2).sum(axis=1) > 0.5
        facing = np.clip(normals @ self.to_sun.astype(np.float32), 0, 1)
        facing = np.where(has_side, facing, 0.6)
        if any(weather.sun):
            candidates = np.flatnonzero(facing > 0.02)
            shaded = self._is_shaded(points[candidates] + 0.15 * normals[candidates])
            facing[candidates[shaded]] = 0.0
        level = 0.82 + 0.18 * normals[:, 2] - 0.05 * normals[:, 0]
        level = level * np.clip(0.72 + 0.28 * points[:, 2] / 2.5, 0, 1)
        light = level[:, None] * np.array(weather.ambient, np.float32)
        light += facing[:, None] * np.array(weather.sun, np.float32)
        if weather.lamps > 0:
            light += self.lamp_light(points)
        tinted = light.reshape(-1, 4, 3) * quads.tints[:, None]
        return np.clip(tinted, 0, 1).astype(np.float32)

    def lamp_light(self, points_m: NDArray[np.floating]) -> NDArray[np.float32]:
        """Returns the light of all lamps, (n, 3), at points (n, 3)."""
        if not len(self._lamps):
            return np.zeros((len(points_m), 3), np.float32)
        squared = _squared_distances(points_m, self._lamps)
        reach = np.float32(_LAMP_REACH_M**2)
        total = (reach / (reach + squared)) ** 1.5
        return self._weather.lamps * 2.2 * total.sum(axis=1)[:, None] * LAMP_COLOR

    def _is_shaded(self, points_m: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Returns for each point (n, 3) whether a house is between it and the sun."""
        shaded = np.zeros(len(points_m), bool)
        ray = self.to_sun.astype(np.float32)
        for house in self._street.houses:
            corner = house.corner_m.astype(np.float32)
            near = np.abs(points_m[:, :2] - corner).max(axis=1) < _SHADOW_REACH_M
            near &= ~shaded
            index = np.flatnonzero(near)
            if not len(index):
                continue
            offset = points_m[index, :2] - corner
            enter = np.zeros(len(index), np.float32)
            leave = np.full(len(index), np.inf, np.float32)
            for axis, size in ((house.along, house.width_m), (house.inwards, house.depth_m)):
                axis = axis.astype(np.float32)
                start, step = offset @ axis, float(axis @ ray[:2])
                if abs(step) < 1e-6:
                    leave[(start < 0) | (start > size)] = -1.0
                    continue
                first, second = -start / step, (size - start) / step
                enter = np.maximum(enter, np.minimum(first, second))
                leave = np.minimum(leave, np.maximum(first, second))
            height = points_m[index, 2] + enter * ray[2]
            shaded[index[(leave > enter) & (leave > 0.3) & (height < house.height_m)]] = True
        return shaded


def _squared_distances(
    points: NDArray[np.floating], lamps: NDArray[np.float32]
) -> NDArray[np.float32]:
    cross = points @ lamps.T
    squared = (points**2).sum(axis=1)[:, None] + (lamps**2).sum(axis=1) - 2 * cross
    return np.maximum(squared, 0)
