"""Scenes for the renderer: textured surfaces, sky and air."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_CLEARANCE_M = 0.3  # of any camera in a 3-D model from its surfaces


@dataclass(frozen=True, eq=False)
class Surface:
    """Polygons with one texture, and the light on them.

    Args:
        texture: (rows, cols, 3 or 4) uint8 RGB or RGBA; sides are powers of two.
        positions_m: (n, 3 or 4, 3) float32. Corners of triangles or quads, counterclockwise as seen
            from the visible side.
        uvs: (n, 3 or 4, 2) float32. Texture coordinates of the corners; v grows upwards.
        colors: (n, 3 or 4, 3) float32 in [0, 1]. Light at each corner times tint.
        is_cutout: bool. Whether the texture is partly transparent; then both sides are visible.
        is_overlay: bool. Whether it covers polygons of the same shape, drawn before.
        light_map: (rows, cols, 3) uint8 or None. Light that multiplies the texture, with the same
            texture coordinates.
        is_two_sided: bool. Whether both sides are visible without any transparency.
    """

    texture: NDArray[np.uint8]
    positions_m: NDArray[np.float32]
    uvs: NDArray[np.float32]
    colors: NDArray[np.float32]
    is_cutout: bool = False
    is_overlay: bool = False
    light_map: NDArray[np.uint8] | None = None
    is_two_sided: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that a camera can see, in metres: x to the right of y, y ahead, z up.

    Args:
        surfaces: list of Surface.
        sky: (rows, cols, 3) uint8 RGB or None. All around, from 50 degrees up to the horizon.
        earth: (r, g, b) in [0, 1]. Color of the plain that reaches to the horizon.
        air: (r, g, b) in [0, 1]. Color that things fade to in the distance.
        haze: float. Share of light that the air absorbs per metre.
        near_m: float. Nothing nearer than this is drawn.
        far_m: float. Nothing farther than this is drawn.
        clearance_m: float or None. Minimum distance of cameras from all surfaces. Drawing begins at
            most this far away in every corner of a photo. None: unknown.
    """

    surfaces: list[Surface]
    sky: NDArray[np.uint8] | None = None
    earth: tuple[float, float, float] = (0.3, 0.32, 0.28)
    air: tuple[float, float, float] = (0.75, 0.8, 0.85)
    haze: float = 0.0
    near_m: float = 0.4
    far_m: float = 420.0
    clearance_m: float | None = None

    def near_plane_m(self, field_of_view_deg: Sequence[float]) -> float:
        """Returns the distance along the optical axis at which drawing begins.

        Args:
            field_of_view_deg: (2,). Horizontal and vertical angle of view.
        """
        if self.clearance_m is None:
            return self.near_m
        corner = np.hypot(1, np.linalg.norm(np.tan(np.radians(field_of_view_deg) / 2)))
        return min(self.near_m, float(self.clearance_m / corner))
