"""Reads glTF and GLB files, by the package `panda3d-gltf`."""

import base64
import contextlib
import io
import logging
import urllib.parse
from pathlib import Path

import numpy as np
from panda3d import core

from placevec.rendering.worlds.model import Model, UnreadableModelError
from placevec.rendering.worlds.panda_nodes import model_of_nodes
from placevec.rendering.worlds.textures import MAX_SIDE, TextureFolder

# Panda3D gets this picture, 1 pixel wide, in place of each: the real ones are read here.
_DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4"
    "N70a4AAAAAElFTkSuQmCC"
)
_LINEAR_TO_SRGB = 1 / 2.2

logger = logging.getLogger(__name__)


def read_gltf(path: Path, max_side: int = MAX_SIDE) -> Model:
    """Reads a glTF or GLB file with what it names in its own folder.

    Args:
        path: Path. The file.
        max_side: int. Larger textures are shrunk to this many pixels a side.

    Returns:
        A `Model` with y up, as the format has it.

    Raises:
        ImportError: If `panda3d-gltf` is missing.
        UnreadableModelError: If the file is damaged, or a buffer lies outside its folder.
    """
    try:
        from gltf._converter import Converter
        from gltf.parseutils import parse_gltf_file
    except ImportError:
        raise ImportError(
            f"Reading {path.name} takes the package panda3d-gltf. "
            "Install it: pip install 'placevec[gltf]'"
        ) from None
    core.load_prc_file_data("placevec.rendering.worlds", "notify-level error")
    folder, said = TextureFolder(path.parent, max_side), io.StringIO()
    try:
        data = parse_gltf_file(str(path))
        buffers = _take_buffers(data, path.parent, folder)
        _refuse_bad(data, buffers)
        pictures = _take_pictures(data, buffers, folder)
        with contextlib.redirect_stdout(said):
            converter = Converter(core.Filename.from_os_specific(str(path)))
            converter.update(data)
            root = core.NodePath(converter.active_scene.node())
            model = model_of_nodes(
                root, lambda texture: pictures.get(texture.get_name()), folder.problems
            )
    except UnreadableModelError:
        raise
    except Exception as error:  # the package raises anything where a file is damaged
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UnreadableModelError(
            f"{path} cannot be read as glTF ({reason}). Export it again"
        ) from error
    for line in said.getvalue().splitlines():
        logger.debug("panda3d-gltf: %s", line)
    x, y, z = np.moveaxis(model.positions, -1, 0)
    model.positions = np.stack([x, z, -y], axis=-1)
    model.tints = model.tints**_LINEAR_TO_SRGB
    model.up = "y"
    return model


def _take_buffers(data: dict, root: Path, folder: TextureFolder) -> list[bytes]:
    """Reads all buffers and puts their bytes into the document, so that no file is left to open."""
    buffers = []
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
                    f"The buffer {uri!r} must be in {root}. Received: no such file. Put it there"
                )
            content = found.read_bytes()
        if number or uri != "_glb_bin":
            packed = base64.b64encode(content).decode()
            buffer["uri"] = f"data:application/octet-stream;base64,{packed}"
        buffers.append(content)
    return buffers


def _refuse_bad(data: dict, buffers: list[bytes]) -> None:
    """Refuses sizes that the buffers cannot hold, and nodes that are not a tree."""
    most = sum(len(content) for content in buffers)
    for accessor in data.get("accessors", []):
        if not 0 <= accessor["count"] <= most:
            raise UnreadableModelError(
                f"An accessor counts {accessor['count']!r} elements, more than its {most} bytes"
            )
    children = [child for node in data.get("nodes", []) for child in node.get("children", [])]
    if len(set(children)) != len(children):
        raise UnreadableModelError("A node of the glTF file has two parents")


def _take_pictures(data: dict, buffers: list[bytes], folder: TextureFolder) -> dict:
    """Reads all pictures, and leaves a dot with a name in the place of each.

    Returns:
        dict: name -> (rows, cols, 3 or 4) uint8, or None where it is missing.
    """
    pictures: dict[str, np.ndarray | None] = {}
    for number, image in enumerate(data.get("images", [])):
        name, uri = f"picture-{number}", image.get("uri")
        if uri is None:
            view = data["bufferViews"][image["bufferView"]]
            start = view.get("byteOffset", 0)
            content = buffers[view["buffer"]][start : start + view["byteLength"]]
            pictures[name] = folder.decode(content, f"{name} of the file")
        elif uri.startswith("data:"):
            content = base64.b64decode(uri.partition(",")[2])
            pictures[name] = folder.decode(content, f"{name} of the file")
        else:
            pictures[name] = folder.read(urllib.parse.unquote(uri))
        image.clear()
        image.update(name=name, uri=_DOT)
    return pictures
