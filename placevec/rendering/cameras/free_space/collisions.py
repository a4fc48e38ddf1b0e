"""Finds what rays through a 3-D model hit first."""

import logging
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from panda3d import core

_log = logging.getLogger(__name__)

_TRIANGLES_PER_NODE = 48
_RAYS_PER_PASS = 192
_LEAST_AREA_M2 = 1e-6
_RAYS_PER_SIDE = 16  # of the grid of rays that looks for the ground
_MOST_DOWN = 0.05  # share of the ground that may face the wrong way without a warning
_LEVEL = 0.5  # minimum vertical part of a unit normal that counts as ground


class HasTriangles(Protocol):
    """Any object with `positions_m`."""

    @property
    def positions_m(self) -> NDArray[np.floating]:
        """(T, 3, 3) float. Corners of triangles, in metres, z up."""
        ...


class Collider:
    """Finds what rays hit: the triangles of a world, sorted into a tree of boxes.

    Rays are Panda3D's collision segments; one pass through the tree handles many of them. Rays hit
    both sides of a triangle. Triangles smaller than a square millimetre are left out.

    If the ground faces down, as in a mirrored export, all normals are reversed and a log line says
    so: see `_down_share`.

    Args:
        world: World. The triangles: `positions_m`, (T, 3, 3) float.

    Example:

    >>> from types import SimpleNamespace
    >>> floor = np.array([[[-9, -9, 0], [9, -9, 0], [0, 9, 0]]], np.float32)
    >>> collider = Collider(SimpleNamespace(positions_m=floor))
    >>> distances_m, triangles = collider.cast([[0, 0, 2], [0, 0, 2]], [[0, 0, -1], [0, 0, 1]], 5)
    >>> distances_m.tolist(), triangles.tolist()
    ([2.0, inf], [0, -1])
    """

    def __init__(self, world: HasTriangles) -> None:
        corners_m = np.asarray(world.positions_m, np.float64).reshape(-1, 3, 3)
        across = np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0])
        double_m2 = np.linalg.norm(across, axis=1)
        self.corners_m = corners_m
        self.areas_m2 = double_m2 / 2
        self.normals = across / np.maximum(double_m2, 1e-300)[:, None]
        self._root = core.NodePath("triangles")
        self._triangle_of: dict[int, int] = {}
        solid = np.flatnonzero(self.areas_m2 >= _LEAST_AREA_M2)
        if len(solid):
            self._sort_in(solid, corners_m.mean(axis=1), self._root)
        self._traverser = core.CollisionTraverser("rays")
        self._hits = core.CollisionHandlerQueue()
        self._rays = [self._make_ray() for _ in range(_RAYS_PER_PASS)]
        down_share = self._down_share() if len(solid) else 0.0
        if down_share > 0.5:
            self.normals = -self.normals
            _log.warning(
                "The ground of the model faces down: its triangles run clockwise. placevec "
                "reads all triangles as if they ran counterclockwise"
            )
        if _MOST_DOWN < min(down_share, 1 - down_share):
            _log.warning(
                "%.0f %% of the ground faces another way than the rest: no camera is placed there. "
                "Flip these triangles",
                100 * min(down_share, 1 - down_share),
            )

    def cast(
        self, origins_m: NDArray[np.floating], directions: NDArray[np.floating], max_m: float
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Returns how far rays go before they hit a triangle, and which one.

        Args:
            origins_m: (n, 3) float. Start points of the rays.
            directions: (n, 3) float. Directions of the rays, of any length except zero.
            max_m: float. Rays end after this many metres.

        Returns:
            distances_m (n,) float64, `inf` if nothing is hit, and triangles (n,) int64, rows of
            `positions_m`, -1 if nothing is hit.

        Raises:
            ValueError: If the shapes differ, a number is not finite or a direction is zero.
        """
        starts, ways = _checked(origins_m, directions, max_m)
        distances_m = np.full(len(starts), np.inf)
        triangles = np.full(len(starts), -1, np.int64)
        ends = starts + ways * max_m
        for first in range(0, len(starts), _RAYS_PER_PASS):
            some = slice(first, first + _RAYS_PER_PASS)
            self._one_pass(starts[some], ends[some], distances_m[some], triangles[some])
        return distances_m, triangles

    def is_back(
        self, triangles: NDArray[np.int64], directions: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Returns whether rays hit triangles from behind: (n,) bool, False if nothing is hit."""
        facing = np.einsum("nd,nd->n", self.normals[triangles], np.asarray(directions, float))
        return (np.asarray(triangles) >= 0) & (facing > 0)

    def _down_share(self) -> float:
        """Returns the share of the ground that is seen from behind, in [0, 1].

        One grid of rays looks down from above the model, another one up from below it. A spot is
        ground if both hit level triangles; the ground faces down if both triangles do. A ceiling
        that faces down is above a floor that faces up, so it does not count.
        """
        low, high = (part(self.corners_m, axis=(0, 1)) for part in (np.min, np.max))
        steps = (np.arange(_RAYS_PER_SIDE) + 0.5) / _RAYS_PER_SIDE
        shares = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        over = low[:2] + shares * (high - low)[:2]
        reach_m = float(high[2] - low[2]) + 2.0
        if not np.isfinite(reach_m) or not np.isfinite(over).all():
            return 0.0
        facing = []
        for height_m, way in ((high[2] + 1.0, -1.0), (low[2] - 1.0, 1.0)):
            starts = np.column_stack([over, np.full(len(over), height_m)])
            _, hit = self.cast(starts, np.tile([0.0, 0.0, way], (len(over), 1)), reach_m)
            facing.append(np.where(hit >= 0, self.normals[hit, 2], 0.0))
        votes = np.array(facing)
        is_level = (np.abs(votes) > _LEVEL).all(axis=0)
        is_down = is_level & (votes < 0).all(axis=0)
        return float(is_down.sum() / max(is_level.sum(), 1))

    def _one_pass(
        self,
        starts: NDArray[np.float64],
        ends: NDArray[np.float64],
        distances_m: NDArray[np.float64],
        triangles: NDArray[np.int64],
    ) -> None:
        self._traverser.clear_colliders()
        numbers = {}
        for number, (path, (start, end)) in enumerate(
            zip(self._rays, zip(starts.tolist(), ends.tolist(), strict=True), strict=False)
        ):
            segment = path.node().modify_solid(0)
            segment.set_point_a(*start)
            segment.set_point_b(*end)
            self._traverser.add_collider(path, self._hits)
            numbers[path.node().this] = number
        self._traverser.traverse(self._root)
        for hit in self._hits.entries:
            number = numbers[hit.get_from_node().this]
            distance_m = float(np.linalg.norm(hit.get_surface_point(self._root) - starts[number]))
            triangle = self._triangle_of[hit.get_into().this]
            # If two triangles are in one spot, the first one counts, however the tree is built.
            if (distance_m, triangle) < (float(distances_m[number]), int(triangles[number])):
                distances_m[number], triangles[number] = distance_m, triangle

    def _sort_in(
        self, triangles: NDArray[np.int64], middles_m: NDArray[np.float64], parent: core.NodePath
    ) -> None:
        """Halves the triangles along their longest side until each node has only a few."""
        if len(triangles) <= _TRIANGLES_PER_NODE:
            self._add_node(triangles, parent)
            return
        axis = np.ptp(middles_m[triangles], axis=0).argmax()
        order = triangles[np.argsort(middles_m[triangles, axis], kind="stable")]
        box = parent.attach_new_node("box")
        for half in np.array_split(order, 2):
            self._sort_in(half, middles_m, box)

    def _add_node(self, triangles: NDArray[np.int64], parent: core.NodePath) -> None:
        node = core.CollisionNode("triangles")
        for triangle in triangles:
            corners = [core.LPoint3(*corner) for corner in self.corners_m[triangle].tolist()]
            if core.CollisionPolygon.verify_points(*corners):
                polygon = core.CollisionPolygon(*corners)
                self._triangle_of[polygon.this] = int(triangle)
                node.add_solid(polygon)
        parent.attach_new_node(node)

    def _make_ray(self) -> core.NodePath:
        node = core.CollisionNode("ray")
        node.add_solid(core.CollisionSegment())
        node.set_into_collide_mask(0)
        return self._root.attach_new_node(node)


def _checked(
    origins_m: NDArray[np.floating], directions: NDArray[np.floating], max_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    starts, ways = np.asarray(origins_m, np.float64), np.asarray(directions, np.float64)
    if starts.ndim != 2 or starts.shape[1] != 3 or ways.shape != starts.shape:
        raise ValueError(
            "`origins_m` and `directions` must both be of shape (n, 3). Received: "
            f"{starts.shape} and {ways.shape}"
        )
    lengths = np.linalg.norm(ways, axis=1)
    if not (np.isfinite(starts).all() and np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("`origins_m` and `directions` must be finite, and no direction zero")
    if not 0 < max_m < np.inf:
        raise ValueError(f"`max_m` must be positive and finite. Received: max_m={max_m}")
    return starts, ways / lengths[:, None]
