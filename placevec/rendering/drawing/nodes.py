"""Converts scenes to the nodes that Panda3D draws."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from panda3d import core

from placevec.rendering.scenes.scene import Scene, Surface

_CHUNK_POLYGONS = 128
_SKY_TOP_DEG = 50.0
_SKY_RADIUS_M = 200.0
_SKY_SIZE = (2048, 256)  # columns, rows
_EARTH_HALF_WIDTH_M = 400.0
_EYE_HEIGHT_M = 1.7
_RIM_M = 20.0
# All things are drawn in one bin, in the order of their numbers. Otherwise Panda3D draws opaque
# things in the order of their memory addresses, and photos differ from run to run if two things
# have the same depth.
_BIN = "fixed"
_EARTH_ORDER, _SURFACE_ORDER, _OVERLAY_ORDER, _HAZE_ORDER = 100, 1_000, 100_000, 200_000
_CLEAR_HAZE = 0.0012
_FAINT_CURTAINS_M = (40.0, 90.0, 150.0, 260.0)

TextureMaker = Callable[[NDArray[np.uint8], bool], core.Texture]


def make_texture(image: NDArray[np.uint8], is_smooth: bool) -> core.Texture:
    """Makes a texture from an image.

    Args:
        image: (rows, cols, 3 or 4) uint8 RGB or RGBA, top row first; sides are powers of two.
        is_smooth: bool. Interpolate between pixels; slower.

    Returns:
        core.Texture.
    """
    rows, cols, channels = image.shape
    texture = core.Texture()
    form = core.Texture.F_rgba if channels == 4 else core.Texture.F_rgb
    texture.setup_2d_texture(cols, rows, core.Texture.T_unsigned_byte, form)
    order = [2, 1, 0, 3][:channels]
    texture.set_ram_image(np.ascontiguousarray(image[::-1, :, order]).tobytes())
    if is_smooth:
        texture.set_minfilter(core.SamplerState.FT_linear_mipmap_nearest)
        texture.set_magfilter(core.SamplerState.FT_linear)
        texture.set_quality_level(core.Texture.QL_best)
    else:
        texture.set_minfilter(core.SamplerState.FT_nearest_mipmap_nearest)
        texture.set_magfilter(core.SamplerState.FT_nearest)
        texture.set_quality_level(core.Texture.QL_normal)
    return texture


def add_surface(
    parent: core.NodePath, surface: Surface, number: int, texture_of: TextureMaker
) -> None:
    """Adds a surface below a node.

    Args:
        parent: core.NodePath.
        surface: Surface.
        number: int. Index in the scene's list; surfaces are drawn in this order.
        texture_of: callable. (image, is_smooth) -> texture.
    """
    node = core.GeomNode("surface")
    for corners in _chunks(surface):
        node.add_geom(_make_geom(corners))
    path = parent.attach_new_node(node)
    path.set_texture(texture_of(surface.texture, surface.light_map is not None))
    if surface.light_map is not None:
        path.set_texture(core.TextureStage("light"), texture_of(surface.light_map, True))
    if surface.is_cutout:
        path.set_transparency(core.TransparencyAttrib.M_binary)
    if surface.is_cutout or surface.is_two_sided:
        path.set_two_sided(True)
    path.set_bin(_BIN, number + (_OVERLAY_ORDER if surface.is_overlay else _SURFACE_ORDER))
    if surface.is_overlay:
        path.set_depth_offset(1)


def add_background(parent: core.NodePath, scene: Scene) -> None:
    """Adds the plain below and the sky around, as a node that moves with the camera."""
    maker = core.CardMaker("earth")
    half = max(_EARTH_HALF_WIDTH_M, scene.far_m - _RIM_M)
    maker.set_frame(-half, half, -half, half)
    earth = parent.attach_new_node(maker.generate())
    earth.set_hpr(0, -90, 0)
    earth.set_z(-_EYE_HEIGHT_M)
    earth.set_color(*scene.earth, 1)
    earth.set_two_sided(True)
    earth.set_bin(_BIN, _EARTH_ORDER)
    if scene.sky is not None:
        _add_sky(parent, make_texture(_enlarge(scene.sky), False))
    parent.set_depth_write(False)
    parent.set_depth_test(False)


def add_haze(camera: core.NodePath, scene: Scene, field_of_view_deg: float) -> None:
    """Puts translucent curtains in front of a camera, each for the air since the one before.

    The software renderer has no fog. Clear days have no curtains, because a curtain costs nearly as
    much time as everything behind it.
    """
    if scene.haze < _CLEAR_HAZE:
        return
    count = int(np.clip(scene.haze * 500, 3, 13))
    ends = np.array(_FAINT_CURTAINS_M) if count == 3 else np.geomspace(2.5, 260.0, count + 1)
    half = np.tan(np.deg2rad(field_of_view_deg / 2)) * 1.5
    maker = core.CardMaker("haze")
    for number, (near, far) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
        distance = float(np.sqrt(near * far))
        maker.set_frame(*(float(s * half * distance) for s in (-1, 1, -1, 1)))
        card = camera.attach_new_node(maker.generate())
        card.set_pos(0, distance, 0)
        start = near if near > ends[0] else 0.0
        share = 1.0 - float(np.exp(-scene.haze * (far - start)))
        card.set_color(*scene.air, share)
        card.set_transparency(core.TransparencyAttrib.M_alpha)
        card.set_bin(_BIN, _HAZE_ORDER - number)
        card.set_depth_write(False)


def _add_sky(parent: core.NodePath, texture: core.Texture) -> None:
    sides, radius = 16, _SKY_RADIUS_M
    top, half = radius * np.tan(np.deg2rad(_SKY_TOP_DEG)), radius * np.tan(np.pi / sides)
    maker = core.CardMaker("sky")
    maker.set_frame(-half, half, 0, top)
    for i in range(sides):
        angle = 2 * np.pi * (i + 0.5) / sides
        maker.set_uv_range((i / sides, 0), ((i + 1) / sides, 1))
        card = parent.attach_new_node(maker.generate())
        card.set_pos(radius * np.sin(angle), radius * np.cos(angle), -2.0)
        card.set_h(-np.rad2deg(angle))
        card.set_texture(texture)
        card.set_bin(_BIN, i)


def _enlarge(sky: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a sky so large that single pixels do not show and need no interpolation."""
    return np.asarray(cv2.resize(sky, _SKY_SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)


def _chunks(surface: Surface) -> list[NDArray[np.float32]]:
    """Returns the surface's corners, position, color and uv, in groups that are close together.

    Panda3D skips the groups that are outside the view.
    """
    count, num_corners = surface.positions_m.shape[:2]
    corners = np.empty((count, num_corners, 9), np.float32)
    corners[..., :3] = surface.positions_m
    corners[..., 3:6] = surface.colors
    corners[..., 6] = 1.0
    corners[..., 7:] = surface.uvs
    middles_m = surface.positions_m.mean(axis=1)
    return [corners[rows] for rows in _halve(np.arange(count), middles_m)] if count else []


def _halve(rows: NDArray[np.int64], middles_m: NDArray[np.float32]) -> Iterator[NDArray[np.int64]]:
    """Yields groups of rows, halved along their longest side until they are small."""
    if len(rows) <= _CHUNK_POLYGONS:
        yield rows
        return
    axis = np.ptp(middles_m[rows], axis=0).argmax()
    order = rows[np.argsort(middles_m[rows, axis], kind="stable")]
    for half in np.array_split(order, 2):
        yield from _halve(half, middles_m)


def _make_geom(corners: NDArray[np.float32]) -> core.Geom:
    """Makes a geom; identical corners of several polygons become one vertex."""
    count, num_corners = corners.shape[:2]
    rows = np.ascontiguousarray(corners.reshape(count * num_corners, -1)) + np.float32(0)  # no -0
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    _, first, vertex_of = np.unique(as_bytes, return_index=True, return_inverse=True)
    vertices, vertex_of = rows[first], vertex_of.reshape(count, num_corners).astype(np.uint32)
    array = core.GeomVertexArrayFormat()
    array.add_column("vertex", 3, core.Geom.NT_float32, core.Geom.C_point)
    array.add_column("color", 4, core.Geom.NT_float32, core.Geom.C_color)
    array.add_column("texcoord", 2, core.Geom.NT_float32, core.Geom.C_texcoord)
    form = core.GeomVertexFormat()
    form.add_array(array)
    data = core.GeomVertexData(
        "polygons", core.GeomVertexFormat.register_format(form), core.Geom.UH_static
    )
    data.unclean_set_num_rows(len(vertices))
    memoryview(data.modify_array(0)).cast("B")[:] = vertices.tobytes()
    triangles = core.GeomTriangles(core.Geom.UH_static)
    triangles.set_index_type(core.Geom.NT_uint32)
    index = vertex_of[:, [0, 1, 2, 0, 2, 3][: 3 * (num_corners - 2)]]
    handle = triangles.modify_vertices()
    handle.unclean_set_num_rows(index.size)
    memoryview(handle).cast("B")[:] = index.tobytes()
    geom = core.Geom(data)
    geom.add_primitive(triangles)
    return geom
