"""Finds the depth of a scene in each pixel, on any pipe.

The software pipe has no depth buffer that can be read. So each triangle is drawn in a color that
encodes its number, and the ray of each pixel is intersected with the plane of its triangle. This is
exact, and two pipes give the same depth if they see the same triangle.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from panda3d import core

from placevec.rendering.drawing.lenses import intrinsics
from placevec.rendering.drawing.nodes import add_surface, make_texture
from placevec.rendering.drawing.pipes import Canvas
from placevec.rendering.scenes.scene import Scene, Surface

# The lowest bit of each channel is not used: textures may change it on the software pipe.
_BITS = 7
_MOST_TRIANGLES = 2 ** (3 * _BITS) - 1
_SHIFTS = _BITS * np.arange(3)
_LEAST_ALPHA = 128
_NOTHING = (0.0, 0.0, 0.0)


class Depths:
    """Draws the depth of the scene that is shown.

    Args:
        pipe: str. `"software"` or `"opengl"`.
    """

    def __init__(self, pipe: str) -> None:
        self._pipe = pipe
        self._canvases: dict[tuple[int, int], Canvas] = {}
        self._scene: Any = None  # a Scene after `show`
        self._root: Any = None  # a NodePath after the first `draw`
        self._corners_m = np.empty((0, 3, 3))

    def show(self, scene: Scene) -> None:
        """Sets the scene of the next depths; nothing is built before the first `draw`."""
        self._scene, self._root = scene, None

    def close(self) -> None:
        """Frees the buffers."""
        for canvas in self._canvases.values():
            canvas.close()
        self._canvases.clear()

    def draw(
        self, camera_to_world: NDArray[np.float64], size: tuple[int, int], field_of_view_deg: float
    ) -> NDArray[np.float32]:
        """Returns the depth that a camera sees.

        Args:
            camera_to_world: (4, 4). The pose of a camera with x right, y down and z ahead, in
                metres.
            size: (rows, cols).
            field_of_view_deg: float. Horizontal angle of view.

        Returns:
            (rows, cols) float32. Metres along the optical axis; inf if nothing is there.
        """
        if self._root is None:
            self._root, self._corners_m = _number(self._scene.surfaces)
        if size not in self._canvases:
            self._canvases[size] = Canvas(self._pipe, size)
        camera = self._place(camera_to_world, size, field_of_view_deg)
        pixels = self._canvases[size].draw(camera, _NOTHING)[::-1, :, 2::-1]
        near_m = camera.node().get_lens().get_near()
        camera.remove_node()
        numbers = (pixels.astype(np.int64) >> 1 << _SHIFTS).sum(axis=-1)
        matrix = intrinsics(size, field_of_view_deg)
        return _cut(numbers, self._corners_m, camera_to_world, matrix, near_m)

    def _place(
        self, camera_to_world: NDArray[np.float64], size: tuple[int, int], field_of_view_deg: float
    ) -> core.NodePath:
        lens = core.PerspectiveLens()
        lens.set_film_size(size[1], size[0])
        lens.set_fov(field_of_view_deg)
        lens.set_near_far(self._scene.near_plane_m(lens.get_fov()), self._scene.far_m)
        camera = self._root.attach_new_node(core.Camera("camera", lens))
        right, down, ahead, place = camera_to_world[:3].T
        rows = ((*right, 0), (*ahead, 0), (*-down, 0), (*place, 1))
        camera.set_mat(core.LMatrix4(*(float(value) for row in rows for value in row)))
        return camera


def refuse_too_many(num_triangles: int) -> None:
    """Refuses scenes with more triangles than colors that can number them.

    Raises:
        ValueError: If the scene has too many triangles.
    """
    if num_triangles > _MOST_TRIANGLES:
        raise ValueError(
            f"A world must have at most {_MOST_TRIANGLES} triangles for the depth and the points "
            f"that photos see. Received: {num_triangles}. Load fewer tiles, or leave both out "
            "(`--no-points`)"
        )


def _number(surfaces: Sequence[Surface]) -> tuple[core.NodePath, NDArray[np.float64]]:
    """Returns nodes of the surfaces, colored by triangle number, and the triangles' corners."""
    root, lists = core.NodePath("numbers"), [np.empty((0, 3, 3))]
    plain, count = np.full((8, 8, 3), 255, np.uint8), 0
    for place, surface in enumerate(surfaces):
        if surface.is_overlay or not len(surface.positions_m):
            continue
        fan = np.array([(0, 1, 2), (0, 2, 3)][: surface.positions_m.shape[1] - 2])
        corners_m = surface.positions_m[:, fan].reshape(-1, 3, 3)
        uvs = surface.uvs[:, fan].reshape(-1, 3, 2)
        numbers = np.arange(count + 1, count + 1 + len(corners_m))
        count += len(corners_m)
        refuse_too_many(count)
        digits = numbers[:, None] >> _SHIFTS & 2**_BITS - 1
        colors = (2 * digits + 1) / 255.0
        numbered = Surface(
            _shape(surface.texture) if surface.is_cutout else plain,
            corners_m.astype(np.float32),
            uvs.astype(np.float32),
            np.repeat(colors[:, None], 3, axis=1).astype(np.float32),
            is_cutout=surface.is_cutout,
            is_two_sided=surface.is_two_sided,
        )
        add_surface(root, numbered, place, make_texture)
        lists.append(corners_m.astype(np.float64))
    return root, np.concatenate(lists)


def _shape(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a white texture that is either opaque or fully transparent in each pixel."""
    white = np.full((*texture.shape[:2], 4), 255, np.uint8)
    if texture.shape[2] == 4:
        white[..., 3] = np.where(texture[..., 3] >= _LEAST_ALPHA, 255, 0)
    return white


def _cut(
    numbers: NDArray[np.int64],
    corners_m: NDArray[np.float64],
    camera_to_world: NDArray[np.float64],
    matrix: NDArray[np.float64],
    near_m: float,
) -> NDArray[np.float32]:
    """Intersects the ray of each pixel with the plane of its triangle.

    At edges a ray may miss the triangle; its depth is limited to the range of the corners' depths.
    """
    found, where = np.unique(numbers, return_inverse=True)
    where = where.reshape(numbers.shape)
    is_known = (found > 0) & (found <= len(corners_m))
    triangles = np.full((len(found), 3, 3), np.nan)
    triangles[is_known] = corners_m[found[is_known] - 1]
    triangles = (triangles - camera_to_world[:3, 3]) @ camera_to_world[:3, :3]
    first, second, third = triangles.transpose(1, 0, 2)
    normals = np.cross(second - first, third - first)
    offsets = (normals * first).sum(axis=1)
    rows, cols = numbers.shape
    across = (np.arange(cols) - matrix[0, 2]) / matrix[0, 0]
    down = (np.arange(rows) - matrix[1, 2])[:, None] / matrix[1, 1]
    near, far = (edge(triangles[..., 2], axis=1) for edge in (np.min, np.max))
    x, y, z = normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        depth_m = offsets[where] / (x[where] * across + y[where] * down + z[where])
    near = np.maximum(near, near_m)[where]
    depth_m = np.clip(np.where(np.isnan(depth_m), near, depth_m), near, far[where])
    return np.where(is_known[where], depth_m, np.inf).astype(np.float32)
