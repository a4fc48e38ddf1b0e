"""Textured quads, and bodies made of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Quads:
    """Quads that share a texture.

    Args:
        positions_m: (n, 4, 3) float. Corners: lower left, lower right, upper right, upper left, as
            seen from the visible side.
        uvs: (n, 4, 2) float. Texture coordinates of the corners; v grows upwards.
        normals: (n, 3) float. Unit vectors; of length 0 if light comes from everywhere.
        tints: (n, 3) float. Factors for the texture's colors.
    """

    positions_m: NDArray[np.floating]
    uvs: NDArray[np.floating]
    normals: NDArray[np.floating]
    tints: NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.tints)

    def take(self, chosen: NDArray[np.bool_]) -> "Quads":
        """Returns the quads that `chosen` (indices or flags) selects."""
        arrays = (self.positions_m, self.uvs, self.normals, self.tints)
        return Quads(*(array[chosen] for array in arrays))


class Mesh:
    """Quads, grouped by the name of their texture."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Quads]] = {}

    def add_quads(self, texture: str, quads: Quads) -> None:
        """Adds existing quads."""
        self._parts.setdefault(texture, []).append(quads)

    def add(
        self,
        texture: str,
        corners_m: NDArray[np.float64],
        *,
        uv: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0),
        tint: tuple | NDArray[np.float64] = (1.0, 1.0, 1.0),
        cells: tuple[int, int] = (1, 1),
        is_lit_by_side: bool = True,
    ) -> None:
        """Adds one quad, cut into cells so that light can vary over it.

        Args:
            texture: str. Name of the texture.
            corners_m: (4, 3). Lower left, lower right, upper right, upper left, as seen from the
                visible side.
            uv: (left, bottom, right, top). Part of the texture on the quad.
            tint: (3,). Factors for the texture's colors.
            cells: (across, up). Number of cells.
            is_lit_by_side: bool. Whether light depends on where the quad faces.
        """
        corners = np.asarray(corners_m, np.float32)
        normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
        length = float(np.linalg.norm(normal))
        normal = normal / length if is_lit_by_side and length > 0 else np.zeros(3)
        across, up = cells
        s, t = np.linspace(0, 1, across + 1), np.linspace(0, 1, up + 1)
        grid_s, grid_t = (g[..., None] for g in np.meshgrid(s, t))
        low = corners[0] * (1 - grid_s) + corners[1] * grid_s
        high = corners[3] * (1 - grid_s) + corners[2] * grid_s
        points = low * (1 - grid_t) + high * grid_t
        left, bottom, right, top = uv
        grid_uv = np.concatenate(
            [left + (right - left) * grid_s, bottom + (top - bottom) * grid_t], axis=-1
        )
        count = across * up
        normals = np.broadcast_to(normal, (count, 3))
        tints = np.broadcast_to(np.asarray(tint, np.float32), (count, 3))
        self.add_quads(texture, Quads(_cells(points), _cells(grid_uv), normals, tints))

    def add_box(
        self,
        texture: str,
        center_m: NDArray[np.float64],
        along: NDArray[np.float64],
        size_m: NDArray[np.float64],
        tint: tuple | NDArray[np.float64],
        bottom_m: float = 0.0,
    ) -> None:
        """Adds a box: four sides and a top.

        Args:
            texture: str. Name of the texture.
            center_m: (2,). Middle of the base.
            along: (2,). Unit vector along the first side.
            size_m: (3,). Length along `along`, length across it, height.
            tint: (3,). Factors for the texture's colors.
            bottom_m: float. Height of the base above the ground.
        """
        along = np.asarray(along, np.float64)
        across = np.array([-along[1], along[0]])
        half, side = along * size_m[0] / 2, across * size_m[1] / 2
        base = [center_m - half - side, center_m + half - side]
        base += [center_m + half + side, center_m - half + side]
        top = bottom_m + size_m[2]
        for i in range(4):
            self.add(texture, upright(base[i], base[(i + 1) % 4], bottom_m, top), tint=tint)
        self.add(texture, np.array([(*point, top) for point in base]), tint=tint)

    def quads(self) -> dict[str, Quads]:
        """Returns the quads by texture, in the order in which they were added."""
        return {texture: join(parts) for texture, parts in self._parts.items()}


def join(parts: Iterable[Quads]) -> Quads:
    """Returns the quads of all parts, one after the other, in float32."""
    parts = list(parts)
    return Quads(
        *(
            np.concatenate([getattr(part, name) for part in parts]).astype(np.float32)
            for name in ("positions_m", "uvs", "normals", "tints")
        )
    )


def upright(
    start_m: Iterable[float], end_m: Iterable[float], bottom_m: float, top_m: float
) -> NDArray[np.float64]:
    """Returns the corners (4, 3) of a wall on a line; `start_m` is its left end."""
    (x0, y0), (x1, y1) = start_m, end_m
    return np.array([(x0, y0, bottom_m), (x1, y1, bottom_m), (x1, y1, top_m), (x0, y0, top_m)])


def _cells(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    corners = (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1])
    return np.stack(corners, axis=2).reshape(-1, 4, grid.shape[-1])
