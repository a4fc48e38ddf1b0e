"""Reads glTF and GLB files with the package `panda3d-gltf`."""

import base64
import contextlib
import io
import logging
import struct
import urllib.parse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from panda3d import core

from placevec.counted import counted
from placevec.input_file import parse_json, read_bytes, shown
from placevec.rendering.worlds.formats.panda_nodes import model_of_nodes
from placevec.rendering.worlds.formats.silent_panda import silent_panda
from placevec.rendering.worlds.model import (
    MAX_TRIANGLES,
    Model,
    UnreadableModelError,
    too_many_triangles,
)
from placevec.rendering.worlds.textures import MAX_SIDE, TextureFolder

# Panda3D gets this picture, 1 pixel wide, in place of all: this module reads the real ones.
_DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4"
    "N70a4AAAAAElFTkSuQmCC"
)
_LINEAR_TO_SRGB = 1 / 2.2
_MAX_BYTES = 2_000_000_000  # of the file, and of all its buffers
_MOST_NODES = 100_000
_BYTES_OF_NUMBER = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}  # by `componentType`
_NUMBERS_OF_ITEM = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}

_log = logging.getLogger(__name__)


def read_gltf(path: Path, max_side: int = MAX_SIDE) -> Model:
    """Reads a glTF or GLB file, and the files in its own folder that it names.

    Args:
        path: Path. The file.
        max_side: int. Larger textures are shrunk to this many pixels per side.

    Returns:
        A `Model` with y up, as the format has it.

    Raises:
        ImportError: If `panda3d-gltf` is missing.
        UnreadableModelError: If the file is damaged or exceeds a limit (2 GB, 10 million triangles,
            100,000 nodes), or a buffer is outside its folder.
    """
    try:
        from gltf._converter import Converter
    except ImportError:
        raise ImportError(
            f"Reading {path.name} needs the package panda3d-gltf. "
            "Install it: pip install 'placevec[gltf]'"
        ) from None
    folder, said = TextureFolder(path.parent, max_side), io.StringIO()
    try:
        data = read_document(path)
        buffers = _take_buffers(data, path.parent, folder)
        refuse_bad(data, buffers)
        pictures = _take_pictures(data, buffers, folder)
        with silent_panda(), contextlib.redirect_stdout(said):
            converter = Converter(core.Filename.from_os_specific(str(path.absolute())))
            converter.update(data)
            root = core.NodePath(converter.active_scene.node())
            model = model_of_nodes(
                root, lambda texture: pictures.get(texture.get_name()), folder.problems
            )
    except Exception as error:  # the package may raise anything if a file is damaged
        reason = shown(error, longest=300) or type(error).__name__
        raise UnreadableModelError(
            f"{shown(path)} cannot be read as glTF ({reason}). Export it again"
        ) from error
    for line in said.getvalue().splitlines():
        _log.debug("panda3d-gltf: %s", shown(line))
    x, y, z = np.moveaxis(model.positions, -1, 0)
    model.positions = np.stack([x, z, -y], axis=-1)
    model.tints = model.tints**_LINEAR_TO_SRGB
    model.up = "y"
    return model


def read_document(path: Path) -> dict:
    """Returns the JSON of a glTF or GLB file, reduced to what a still picture needs.

    The bytes of a GLB become its first buffer. Only the default scene is kept, without animations.

    Args:
        path: Path. The file.

    Raises:
        ValueError: If it is not a regular file of at most 2 GB, or has no such JSON.
    """
    content = read_bytes(path, max_bytes=_MAX_BYTES)
    blob = None
    if content.startswith(b"glTF"):
        content, blob = _split_glb(content)
    data = parse_json(content, str(path))
    if not isinstance(data, dict):
        raise ValueError("its JSON is not an object")
    if blob is not None:
        data.setdefault("buffers", [])
        if data["buffers"] and "uri" not in data["buffers"][0]:
            del data["buffers"][0]  # the description of the bytes themselves
        data["buffers"].insert(0, {"uri": "_glb_bin", "_glb_bin": blob})
    scenes = data.get("scenes", [])
    if scenes:
        data["scenes"] = [scenes[data.get("scene", 0)]]
        data["scene"] = 0
    data.pop("animations", None)
    return data


def _split_glb(content: bytes) -> tuple[bytes, bytes | None]:
    """Returns the JSON and the bytes of a GLB file."""
    _, version, _, size, kind = struct.unpack_from("<4sIII4s", content)
    if version != 2 or kind != b"JSON":
        raise ValueError("it must be a GLB of version 2 that begins with JSON")
    text = content[20 : 20 + size]
    if len(content) < 28 + size:
        return text, None
    size_of_blob, kind = struct.unpack_from("<I4s", content, 20 + size)
    if kind != b"BIN\0":
        raise ValueError("its second part must be BIN")
    return text, content[28 + size : 28 + size + size_of_blob]


def _take_buffers(data: dict, root: Path, folder: TextureFolder) -> list[bytes]:
    """Reads all buffers and puts their bytes into the document, so that it names no files."""
    buffers, left = [], _MAX_BYTES
    for number, buffer in enumerate(data.get("buffers", [])):
        uri = buffer.get("uri")
        if uri == "_glb_bin" and number == 0 and isinstance(buffer.get("_glb_bin"), bytes):
            content = buffer["_glb_bin"]
        elif isinstance(uri, str) and uri.startswith("data:"):
            content = base64.b64decode(uri.partition(",")[2])
        else:
            found = folder.find(urllib.parse.unquote(str(uri)))
            if found is None:
                raise UnreadableModelError(
                    f"The buffer {shown(uri)!r} must be in {root}. Received: no such file. Put it "
                    "there"
                )
            content = read_bytes(found, max_bytes=left)
        left -= len(content)
        if left < 0:
            raise ValueError(f"its buffers have more than {_MAX_BYTES:,} bytes")
        if number or uri != "_glb_bin":
            packed = base64.b64encode(content).decode()
            buffer["uri"] = f"data:application/octet-stream;base64,{packed}"
        buffers.append(content)
    return buffers


def refuse_bad(data: dict, buffers: list[bytes]) -> None:
    """Refuses sizes that exceed the buffers, and nodes that are not a tree.

    A small file can use one large mesh many times, or the same vertices in many parts of a mesh.
    Both are counted as often as they will be copied.

    Args:
        data: dict. The document, as `read_document` returns it.
        buffers: list of bytes.

    Raises:
        UnreadableModelError: If a view or a count is larger than the bytes, a node has two
            parents, or there are more than 30 million corners or 100,000 nodes.
    """
    accessors, nodes = data.get("accessors", []), data.get("nodes", [])
    views = data.get("bufferViews", [])
    for view in views:
        start, size = view.get("byteOffset", 0), view["byteLength"]
        if start < 0 or size < 0 or start + size > len(buffers[view["buffer"]]):
            raise UnreadableModelError(
                f"A view must be within its buffer of {len(buffers[view['buffer']]):,} bytes. "
                f"Received: {size!r} bytes from byte {start!r} on"
            )
    for accessor in accessors:
        _refuse_long_accessor(accessor, views)
    children = [child for node in nodes for child in node.get("children", [])]
    children += [child for scene in data.get("scenes", []) for child in scene.get("nodes", [])]
    if len(set(children)) != len(children):
        raise UnreadableModelError("A node of the glTF file has two parents")
    sizes = [
        sum(_num_corners(part, accessors) for part in mesh.get("primitives", []))
        for mesh in data.get("meshes", [])
    ]
    placed = sum(sizes[node["mesh"]] for node in nodes if "mesh" in node)
    if max(sum(sizes), placed) > 3 * MAX_TRIANGLES or len(nodes) > _MOST_NODES:
        raise too_many_triangles("A glTF file")


def _refuse_long_accessor(accessor: dict, views: list[dict]) -> None:
    """Refuses an accessor for which Panda3D would read beyond the end of its view."""
    count = accessor["count"]
    if not 0 <= count <= 3 * MAX_TRIANGLES:
        raise UnreadableModelError(f"An accessor counts {count!r} elements")
    if "bufferView" not in accessor:
        return
    view = views[accessor["bufferView"]]
    item = _BYTES_OF_NUMBER[accessor["componentType"]] * _NUMBERS_OF_ITEM[accessor["type"]]
    start, stride = accessor.get("byteOffset", 0), view.get("byteStride", item)
    if start < 0 or stride < item or start + stride * (count - 1) + item > view["byteLength"]:
        raise UnreadableModelError(
            f"An accessor counts {counted(count, 'element')} of {item} bytes, more than its view "
            f"of {view['byteLength']!r} bytes"
        )


def _num_corners(part: dict, accessors: list[dict]) -> int:
    """Returns how many vertices and corners a part of a mesh copies, at least one."""
    used = [part["indices"]] if "indices" in part else []
    used += part.get("attributes", {}).values()
    used += [number for target in part.get("targets", []) for number in target.values()]
    return max([1, *(accessors[number]["count"] for number in used)])


def _take_pictures(data: dict, buffers: list[bytes], folder: TextureFolder) -> dict:
    """Reads all pictures, and replaces each by a dot with its name.

    Returns:
        dict: name -> (rows, cols, 3 or 4) uint8, or None if it is missing.
    """
    pictures: dict[str, NDArray[np.uint8] | None] = {}
    views: dict[
        int, NDArray[np.uint8] | None
    ] = {}  # each is decoded once, even if it is named often
    for number, image in enumerate(data.get("images", [])):
        name, uri = f"picture-{number}", image.get("uri")
        if uri is None:
            view_number = image["bufferView"]
            if view_number not in views:
                view = data["bufferViews"][view_number]
                start = view.get("byteOffset", 0)
                content = buffers[view["buffer"]][start : start + view["byteLength"]]
                views[view_number] = folder.decode(content, f"{name} of the file")
            pictures[name] = views[view_number]
        elif uri.startswith("data:"):
            content = base64.b64decode(uri.partition(",")[2])
            pictures[name] = folder.decode(content, f"{name} of the file")
        else:
            pictures[name] = folder.read(urllib.parse.unquote(uri))
        image.clear()
        image.update(name=name, uri=_DOT)
    return pictures
