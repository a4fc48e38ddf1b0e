"""Reads Panda3D's egg files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from panda3d import core, egg

from placevec.input_file import open_input, shown
from placevec.rendering.worlds.formats.silent_panda import silent_panda
from placevec.rendering.worlds.model import (
    MAX_TRIANGLES,
    WHITE,
    Model,
    UnreadableModelError,
    too_many_triangles,
)
from placevec.rendering.worlds.textures import MAX_SIDE, TextureFolder

_MAX_BYTES = 500_000_000
_MOST_CORNERS = 1000  # of a polygon


def read_egg(path: Path, max_side: int = MAX_SIDE) -> Model:
    """Reads an egg file; its textures are only read from its own folder.

    Other egg files that it refers to are left out and reported.

    Args:
        path: Path. The file.
        max_side: int. Larger textures are shrunk to this many pixels per side.

    Returns:
        A `Model` with z up, converted from the coordinate system that the file names.

    Raises:
        UnreadableModelError: If Panda3D cannot read it, or it exceeds a limit: 10 million corners,
            1,000 corners of a polygon.
        ValueError: If it is not a regular file of at most 500 MB.
    """
    open_input(path, max_bytes=_MAX_BYTES).close()
    try:
        with silent_panda():
            return _read(path, max_side)
    except AssertionError:  # Panda3D raises this if parts do not fit each other
        raise _unreadable(path, " (its vertices or polygons are damaged)") from None


def _read(path: Path, max_side: int) -> Model:
    data = egg.EggData()
    if not data.read(core.Filename.from_os_specific(str(path.absolute()))):
        raise _unreadable(path)
    _check_polygons(data, path)
    data.set_coordinate_system(core.CS_zup_right)
    data.flatten_transforms()
    kinds = egg.EggData.T_polygon | egg.EggData.T_convex | egg.EggData.T_recurse
    data.triangulate_polygons(kinds)
    walk = _Walk(TextureFolder(path.parent, max_side))
    for child in _below(data):
        walk.visit(child)
    return walk.model()


def _unreadable(path: Path, why: str = "") -> UnreadableModelError:
    return UnreadableModelError(f"{shown(path)} cannot be read as egg{why}. Export it again")


def _check_polygons(data: egg.EggData, path: Path) -> None:
    """Refuses polygons that Panda3D's triangulation would never finish."""
    corners = 0
    for child in _below(data):
        if isinstance(child, egg.EggPrimitive):
            count = child.get_num_vertices()
            corners += count
            if count > _MOST_CORNERS and isinstance(child, egg.EggPolygon):
                raise _unreadable(path, f" (a polygon of {count:,} corners)")
    if corners > MAX_TRIANGLES:
        raise too_many_triangles(shown(path))


def _below(group: egg.EggGroupNode) -> Iterator[egg.EggNode]:
    """Yields all nodes below a group."""
    waiting = [group]
    while waiting:
        for child in waiting.pop().get_children():
            yield child
            if isinstance(child, egg.EggGroupNode):
                waiting.append(child)


class _Walk:
    """Collects the triangles of an egg file."""

    def __init__(self, folder: TextureFolder) -> None:
        self._folder = folder
        self._textures, self._numbers = [WHITE], {}
        self._corners: list[list[float]] = []
        self._texture_of: list[int] = []

    def visit(self, child: egg.EggNode) -> None:
        if isinstance(child, egg.EggPolygon):
            self._add(child)
        elif isinstance(child, egg.EggExternalReference):
            name = shown(child.get_filename().to_os_specific())
            self._folder.problems.append(f"The egg file refers to {name!r}: left out")

    def model(self) -> Model:
        corners = np.array(self._corners, np.float64).reshape(-1, 3, 8)
        finite = np.isfinite(corners).all(axis=(1, 2)) & (np.abs(corners) < 1e8).all(axis=(1, 2))
        corners = corners[finite]
        return Model(
            corners[..., :3],
            corners[..., 3:5].astype(np.float32),
            np.clip(corners[..., 5:], 0, 1).astype(np.float32),
            np.array(self._texture_of, np.int32)[finite],
            self._textures,
            "z",
            self._folder.problems,
        )

    def _add(self, polygon: egg.EggPolygon) -> None:
        if len(polygon.get_vertices()) != 3:
            return
        plain = tuple(polygon.get_color())[:3] if polygon.has_color() else (1.0, 1.0, 1.0)
        for vertex in polygon.get_vertices():
            color = tuple(vertex.get_color())[:3] if vertex.has_color() else plain
            uv = tuple(vertex.get_uv()) if vertex.has_uv() else (0.0, 0.0)
            self._corners.append([*vertex.get_pos3(), *uv, *color])
        texture = polygon.get_texture(0) if polygon.get_num_textures() else None
        self._texture_of.append(0 if texture is None else self._number(texture))

    def _number(self, texture: egg.EggTexture) -> int:
        name = texture.get_filename().to_os_specific()
        if name not in self._numbers:
            has_alpha = texture.has_alpha_filename()
            alpha = texture.get_alpha_filename().to_os_specific() if has_alpha else None
            picture = self._folder.read(name, alpha)
            self._numbers[name] = 0 if picture is None else len(self._textures)
            self._textures += [] if picture is None else [picture]
        return self._numbers[name]
