"""Reads Panda3D's egg files."""

from pathlib import Path

import numpy as np
from panda3d import core, egg

from placevec.rendering.worlds.model import WHITE, Model, UnreadableModelError
from placevec.rendering.worlds.textures import MAX_SIDE, TextureFolder


def read_egg(path: Path, max_side: int = MAX_SIDE) -> Model:
    """Reads an egg file; textures that it names are taken from its own folder alone.

    Other egg files that it refers to are left out and reported.

    Args:
        path: Path. The file.
        max_side: int. Larger textures are shrunk to this many pixels a side.

    Returns:
        A `Model`, turned to z up from the coordinate system that the file names.

    Raises:
        UnreadableModelError: If Panda3D cannot read it.
    """
    core.load_prc_file_data("placevec.rendering.worlds", "notify-level fatal")
    data = egg.EggData()
    if not data.read(core.Filename.from_os_specific(str(path))):
        raise UnreadableModelError(f"{path} cannot be read as egg. Export it again")
    data.set_coordinate_system(core.CS_zup_right)
    data.flatten_transforms()
    kinds = egg.EggData.T_polygon | egg.EggData.T_convex | egg.EggData.T_recurse
    data.triangulate_polygons(kinds)
    walk = _Walk(TextureFolder(path.parent, max_side))
    walk.visit(data)
    return walk.model()


class _Walk:
    """Collects the triangles of an egg file."""

    def __init__(self, folder: TextureFolder) -> None:
        self._folder = folder
        self._textures, self._numbers = [WHITE], {}
        self._corners: list[list[float]] = []
        self._texture_of: list[int] = []

    def visit(self, group: egg.EggGroupNode) -> None:
        waiting = [group]
        while waiting:
            for child in waiting.pop().get_children():
                if isinstance(child, egg.EggPolygon):
                    self._add(child)
                elif isinstance(child, egg.EggExternalReference):
                    name = child.get_filename().to_os_specific()
                    self._folder.problems.append(f"The egg file refers to {name!r}: left out")
                elif isinstance(child, egg.EggGroupNode):
                    waiting.append(child)

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
