"""Extracts triangles from nodes of Panda3D, and reads bam files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from panda3d import core

from placevec.input_file import open_input, shown
from placevec.rendering.worlds.formats.silent_panda import silent_panda
from placevec.rendering.worlds.model import (
    MAX_TRIANGLES,
    WHITE,
    Model,
    UnreadableModelError,
    too_many_triangles,
)
from placevec.rendering.worlds.textures import MAX_SIDE, TextureFolder, fit_texture

_MAX_BYTES = 2_000_000_000
_INDEX_TYPES = {1: np.uint8, 2: np.uint16, 4: np.uint32}

PictureOf = Callable[[core.Texture], NDArray[np.uint8] | None]


def read_bam(path: Path, max_side: int = MAX_SIDE) -> Model:
    """Reads a bam file; its textures are only read from its own folder.

    bam files have no Python code and nothing is unpickled. But the reader is Panda3D's own C++
    code, which is not made for hostile files: only read files that you trust.

    Args:
        path: Path. The file.
        max_side: int. Larger textures are shrunk to this many pixels per side.

    Raises:
        UnreadableModelError: If Panda3D cannot read it.
        ValueError: If it is not a regular file of at most 2 GB.
    """
    open_input(path, max_bytes=_MAX_BYTES).close()
    options = core.LoaderOptions(core.LoaderOptions.LF_no_cache)
    name = core.Filename.from_os_specific(str(path.absolute()))
    try:
        with silent_panda():
            node = core.Loader.get_global_ptr().load_sync(name, options)
    except AssertionError:  # Panda3D raises this if a file ends too soon
        node = None
    if node is None:
        raise UnreadableModelError(f"{shown(path)} cannot be read as bam. Export it again")
    folder = TextureFolder(path.parent, max_side)

    def picture_of(texture: core.Texture) -> NDArray[np.uint8] | None:
        if texture.has_filename():
            return folder.read(texture.get_filename().to_os_specific())
        return _ram_image(texture, max_side)

    return model_of_nodes(core.NodePath(node), picture_of, folder.problems)


def model_of_nodes(root: core.NodePath, picture_of: PictureOf, problems: list[str]) -> Model:
    """Returns the triangles below a node, z up; lines and points are left out.

    Args:
        root: core.NodePath.
        picture_of: callable. Texture -> (rows, cols, 3 or 4) uint8, or None if it is missing.
        problems: list of str. The model's.

    Raises:
        UnreadableModelError: If there are more than 10 million triangles.
    """
    textures, parts, count = [WHITE], [], 0
    numbers: dict[int, int] = {}
    for path in root.find_all_matches("**/+GeomNode"):
        node = path.node()
        for i in range(node.get_num_geoms()):
            state = path.get_net_state().compose(node.get_geom_state(i))
            texture, uv_name = _texture(state)
            part = _triangles(node.get_geom(i), path.get_mat(root), state, uv_name)
            count += len(part[0])
            if count > MAX_TRIANGLES:
                raise too_many_triangles("A model")
            number = 0
            if texture is not None:
                if texture.this not in numbers:
                    picture = picture_of(texture)
                    numbers[texture.this] = 0 if picture is None else len(textures)
                    textures += [] if picture is None else [picture]
                number = numbers[texture.this]
            parts.append((*part, np.full(len(part[0]), number, np.int32)))
    empty = (np.zeros((0, 3, 3)), np.zeros((0, 3, 2), np.float32), np.zeros((0, 3, 3), np.float32))
    parts.append((*empty, np.zeros(0, np.int32)))
    columns = zip(*parts, strict=True)
    positions, uvs, tints, texture_of = (np.concatenate(column) for column in columns)
    return Model(positions, uvs, tints, texture_of, textures, "z", problems)


def _texture(state: core.RenderState) -> tuple[core.Texture | None, core.InternalName]:
    """Returns the first texture that colors the surface, and the name of its coordinates."""
    attribute = state.get_attrib(core.TextureAttrib)
    coloring = (core.TextureStage.M_modulate, core.TextureStage.M_replace)
    if attribute is not None:
        for i in range(attribute.get_num_on_stages()):
            stage = attribute.get_on_stage(i)
            if stage.get_mode() in coloring:
                return attribute.get_on_texture(stage), stage.get_texcoord_name()
    return None, core.InternalName.get_texcoord()


def _triangles(
    geom: core.Geom, matrix: core.LMatrix4, state: core.RenderState, uv_name: core.InternalName
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    """Returns positions (n, 3, 3), uvs (n, 3, 2) and tints (n, 3, 3) of one geom."""
    source = geom.get_vertex_data()
    rows = _rows(source, uv_name)
    indices = [np.zeros((0, 3), np.int64)]
    for i in range(geom.get_num_primitives()):
        if geom.get_primitive(i).get_primitive_type() == core.Geom.PT_polygons:
            indices.append(_indices(geom.get_primitive(i).decompose()))
    corners = np.concatenate(indices)
    corners = corners[(corners < len(rows)).all(axis=1)]
    placing = np.array([[matrix.get_cell(i, k) for k in range(4)] for i in range(4)])
    positions = rows[:, :3] @ placing[:3, :3] + placing[3, :3]
    usable = np.all(np.abs(np.nan_to_num(positions, nan=np.inf)) < 1e8, axis=1)
    corners = corners[usable[corners].all(axis=1)]
    colors = np.ones((len(rows), 3)) * _state_color(state)
    if source.has_column(core.InternalName.get_color()) and not _is_flat(state):
        colors *= rows[:, 3:6]
    tints = np.clip(np.nan_to_num(colors[corners], nan=1.0), 0, 1).astype(np.float32)
    uvs = np.nan_to_num(rows[:, 7:], nan=0.0, posinf=0.0, neginf=0.0)[corners]
    return positions[corners], uvs.astype(np.float32), tints


def _rows(data: core.GeomVertexData, uv_name: core.InternalName) -> NDArray[np.float64]:
    """Returns the vertices, (n, 9) float64: position, color with alpha, and uv."""
    array = core.GeomVertexArrayFormat()
    array.add_column(core.InternalName.get_vertex(), 3, core.Geom.NT_float32, core.Geom.C_point)
    array.add_column(core.InternalName.get_color(), 4, core.Geom.NT_float32, core.Geom.C_color)
    array.add_column(uv_name, 2, core.Geom.NT_float32, core.Geom.C_texcoord)
    form = core.GeomVertexFormat()
    form.add_array(array)
    data = data.convert_to(core.GeomVertexFormat.register_format(form))
    bytes_ = bytes(data.get_array(0).get_handle().get_data())
    return np.frombuffer(bytes_, np.float32).reshape(-1, 9).astype(np.float64)


def _indices(primitive: core.GeomPrimitive) -> NDArray[np.int64]:
    """Returns the corners (n, 3) int64 of a primitive of triangles."""
    count = primitive.get_num_vertices() // 3 * 3
    if not primitive.is_indexed():
        return primitive.get_first_vertex() + np.arange(count, dtype=np.int64).reshape(-1, 3)
    array = primitive.get_vertices()
    kind = _INDEX_TYPES[array.get_array_format().get_stride()]
    values = np.frombuffer(bytes(array.get_handle().get_data()), kind)
    return values[:count].astype(np.int64).reshape(-1, 3)


def _is_flat(state: core.RenderState) -> bool:
    attribute = state.get_attrib(core.ColorAttrib)
    return attribute is not None and attribute.get_color_type() == core.ColorAttrib.T_flat


def _state_color(state: core.RenderState) -> NDArray[np.float64]:
    """Returns the color (3,) that a state gives to all corners."""
    color = np.ones(3)
    if _is_flat(state):
        color *= np.array(tuple(state.get_attrib(core.ColorAttrib).get_color()))[:3]
    attribute = state.get_attrib(core.MaterialAttrib)
    material = None if attribute is None else attribute.get_material()
    if material is not None and material.has_base_color():
        color *= np.array(tuple(material.get_base_color()))[:3]
    return color


def _ram_image(texture: core.Texture, max_side: int) -> NDArray[np.uint8] | None:
    image = texture.get_ram_image_as("RGBA")
    size = (texture.get_y_size(), texture.get_x_size(), 4)
    if not image or texture.get_component_width() != 1 or len(image) != np.prod(size):
        return None
    pixels = np.frombuffer(bytes(image), np.uint8).reshape(size)[::-1]
    return fit_texture(np.ascontiguousarray(pixels), max_side)
