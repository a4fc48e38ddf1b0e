"""The content of a 3-D model file, in the file's own axes and units."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MAX_TRIANGLES = 10_000_000
"""Files with more triangles are refused."""

WHITE = np.full((8, 8, 3), 255, np.uint8)
"""The texture of triangles without one: (8, 8, 3) uint8."""


class UnreadableModelError(ValueError):
    """The file exists, but no 3-D model can be read from it."""


@dataclass(eq=False)
class Model:
    """The triangles of one file.

    Args:
        positions: (T, 3, 3) float64. Corners, in the file's units and axes.
        uvs: (T, 3, 2) float32. Texture coordinates of the corners; v grows upwards.
        tints: (T, 3, 3) float32 in [0, 1]. Color of the material times that of the corner.
        texture_of: (T,) int32. Index in `textures` of each triangle's texture.
        textures: list of (rows, cols, 3 or 4) uint8 RGB or RGBA; sides are powers of two.
        up: `"y"`, `"z"` or None. The axis that points up, if the file's format defines it.
        problems: list of str. What was missing or broken, one line each.
    """

    positions: NDArray[np.float64]
    uvs: NDArray[np.float32]
    tints: NDArray[np.float32]
    texture_of: NDArray[np.int32]
    textures: list[NDArray[np.uint8]]
    up: str | None = None
    problems: list[str] = field(default_factory=list)


def too_many_triangles(source: object) -> UnreadableModelError:
    """Returns the error for a file with more than `MAX_TRIANGLES`."""
    return UnreadableModelError(
        f"{source} must have at most {MAX_TRIANGLES:,} triangles. Received: more. Cut it into tiles"
    )
