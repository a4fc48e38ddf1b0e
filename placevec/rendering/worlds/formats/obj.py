"""Reads Wavefront OBJ files with their materials."""

import logging
import math
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import bounded_lines, open_text, shown
from placevec.rendering.worlds.formats.mtl import Material, read_materials
from placevec.rendering.worlds.model import (
    MAX_TRIANGLES,
    WHITE,
    Model,
    too_many_triangles,
)
from placevec.rendering.worlds.textures import MAX_SIDE, TextureFolder

MAX_BYTES = 4_000_000_000
"""Larger OBJ files are refused."""

_LONGEST_LINE = 1_000_000  # characters
_MOST_INDEX = 2**31
_FARTHEST = 1e8
_SKY = re.compile(r"(?:^|[_/. -])(?:sky|skies)(?:box|dome)?\d*(?=[_/. -]|$)", re.IGNORECASE)

_log = logging.getLogger(__name__)


def read_obj(path: Path, max_side: int = MAX_SIDE) -> Model:
    """Reads an OBJ file, its material libraries and textures.

    Polygons are cut into fans of triangles. Indices may count from the end, and corners may have
    colors after their positions. Normals, lines, points and curves are left out. Faces with a
    material that is named as a sky are left out too, because each visit has its own sky. Lines that
    cannot be read, and faces with missing corners, are left out and reported.

    Args:
        path: Path. The file.
        max_side: int. Larger textures are shrunk to this many pixels per side.

    Returns:
        A `Model`; the size of the file limits its memory.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not a regular file, or exceeds a limit: 4 GB, 10 million triangles, a
            million characters in a line.
    """
    with open_text(path, max_bytes=MAX_BYTES, errors="surrogateescape") as file:
        raw = _parse(bounded_lines(file, path, longest=_LONGEST_LINE), path)
    folder = TextureFolder(path.parent, max_side)
    materials = _read_libraries(raw.libraries, folder)
    return _assemble(raw, materials, folder, path.name)


@dataclass(eq=False)
class _Raw:
    """The content of an OBJ file; the uv of a corner is -1 if it has none."""

    positions: array = field(default_factory=lambda: array("d"))
    colors: array = field(default_factory=lambda: array("f"))
    uvs: array = field(default_factory=lambda: array("f"))
    corners: array = field(default_factory=lambda: array("q"))
    corner_uvs: array = field(default_factory=lambda: array("q"))
    material_of: array = field(default_factory=lambda: array("i"))
    materials: dict[str, int] = field(default_factory=lambda: {"": 0})
    libraries: dict[str, None] = field(default_factory=dict)  # ordered, each once
    num_broken: int = 0
    first_broken: int = 0


def _parse(lines: Iterable[str], path: Path) -> _Raw:
    raw, material = _Raw(), 0
    for number, line in enumerate(_whole_lines(lines), start=1):
        words = line.split()
        kind = words[0] if words else ""
        try:
            if kind == "v":
                _add_position(raw, words)
            elif kind == "vt":
                _add_uv(raw, words)
            elif kind == "f":
                _add_face(raw, words, material)
                if len(raw.material_of) > MAX_TRIANGLES:
                    break
            elif kind == "usemtl":
                material = raw.materials.setdefault(_rest(line), len(raw.materials))
            elif kind == "mtllib":
                raw.libraries[_rest(line)] = None
        except ValueError:
            raw.num_broken += 1
            raw.first_broken = raw.first_broken or number
    if len(raw.material_of) > MAX_TRIANGLES:
        raise too_many_triangles(shown(path))
    return raw


def _whole_lines(lines: Iterable[str]) -> Iterable[str]:
    """Joins lines that a backslash continues."""
    begun: list[str] = []
    for line in lines:
        if line.endswith("\\\n"):
            begun.append(line[:-2])
        elif begun:
            yield " ".join([*begun, line])
            begun = []
        else:
            yield line
    if begun:
        yield " ".join(begun)


def _rest(line: str) -> str:
    return line.strip().partition(" ")[2].strip() or line.strip().partition("\t")[2].strip()


def _add_position(raw: _Raw, words: list[str]) -> None:
    try:
        values = [float(word) for word in words[1:7]]
    except ValueError:
        values = []
    if len(values) < 3:
        # A broken corner keeps its number, so that the numbers of later corners stay right.
        raw.positions.extend((math.nan, math.nan, math.nan))
        raw.colors.extend((1.0, 1.0, 1.0))
        raise ValueError("no position")
    raw.positions.extend(values[:3])
    raw.colors.extend(values[3:6] if len(values) == 6 else (1.0, 1.0, 1.0))


def _add_uv(raw: _Raw, words: list[str]) -> None:
    try:
        u, v = float(words[1]), float(words[2]) if len(words) > 2 else 0.0
    except (ValueError, IndexError):
        raw.uvs.extend((0.0, 0.0))
        raise ValueError("no texture coordinates") from None
    raw.uvs.extend((u, v))


def _add_face(raw: _Raw, words: list[str], material: int) -> None:
    if len(words) < 4:
        raise ValueError("fewer than three corners")
    num_positions, num_uvs = len(raw.positions) // 3, len(raw.uvs) // 2
    corners, uvs = [], []
    for word in words[1:]:
        first, _, rest = word.partition("/")
        second = rest.partition("/")[0]
        corners.append(_index(first, num_positions))
        uvs.append(_index(second, num_uvs) if second else -1)
    for i in range(1, len(corners) - 1):
        raw.corners.extend((corners[0], corners[i], corners[i + 1]))
        raw.corner_uvs.extend((uvs[0], uvs[i], uvs[i + 1]))
        raw.material_of.append(material)


def _index(word: str, count: int) -> int:
    value = int(word)
    value = value - 1 if value > 0 else count + value
    if not 0 <= value < _MOST_INDEX or word in ("0", "-0"):
        raise ValueError("no such number")
    return value


def _read_libraries(names: Iterable[str], folder: TextureFolder) -> dict[str, Material]:
    """Reads the material libraries, each file once, even if several names refer to it.

    A line may name several files, or one file with blanks in its name.
    """
    materials: dict[str, Material] = {}
    read, missing = set(), []
    for name in names:
        path = folder.find(name)
        for each in [path] if path else [folder.find(part) for part in dict.fromkeys(name.split())]:
            if each is None:
                missing.append(name)
            elif each not in read:
                read.add(each)
                materials |= read_materials(each, folder.problems)
    if missing:
        others = f" and {counted(len(missing) - 1, 'other')}" if len(missing) > 1 else ""
        folder.problems.append(
            f"There is no material library {shown(missing[0])!r}{others} in {folder.root}"
        )
    return materials


def _assemble(raw: _Raw, materials: dict[str, Material], folder: TextureFolder, name: str) -> Model:
    problems = folder.problems
    if raw.num_broken:
        problems.append(
            f"{counted(raw.num_broken, 'line')} of {name} cannot be read (first: line "
            f"{raw.first_broken}): left out"
        )
    positions = np.array(raw.positions, np.float64).reshape(-1, 3)
    with np.errstate(invalid="ignore"):
        usable = np.all(np.abs(positions) < _FARTHEST, axis=1)
    corners = np.array(raw.corners, np.int64).reshape(-1, 3)
    there = np.all(corners < len(positions), axis=1)
    whole = there.copy()
    whole[there] = usable[corners[there]].all(axis=1)
    if not whole.all():
        problems.append(
            f"{int((~whole).sum())} of {counted(len(whole), 'triangle')} of {name} with corners "
            "that are missing or not finite: left out"
        )
    material_of = np.array(raw.material_of, np.int32)
    is_sky = np.array([bool(_SKY.search(material)) for material in raw.materials])[material_of]
    if is_sky.any():
        _log.info("Left out %s of %s as sky", counted(int(is_sky.sum()), "triangle"), name)
        whole &= ~is_sky
    corners, material_of = corners[whole], material_of[whole]
    textures, texture_of, colors = _dress(raw, materials, folder, material_of, name)
    tints = _corner_colors(raw)[corners] * colors[material_of][:, None]
    uvs = _corner_uvs(raw, np.array(raw.corner_uvs, np.int64).reshape(-1, 3)[whole])
    return Model(positions[corners], uvs, tints, texture_of, textures, problems=problems)


def _dress(
    raw: _Raw,
    materials: dict[str, Material],
    folder: TextureFolder,
    material_of: NDArray[np.int32],
    name: str,
) -> tuple[list[NDArray[np.uint8]], NDArray[np.int32], NDArray[np.float32]]:
    """Returns the textures, the texture of each triangle, and the color of each material."""
    textures = [WHITE]
    texture_numbers = np.zeros(len(raw.materials), np.int32)
    colors = np.ones((len(raw.materials), 3), np.float32)
    used = set(np.unique(material_of).tolist())
    for material_name, number in raw.materials.items():
        material = materials.get(material_name)
        if number not in used or not material_name:
            continue
        if material is None:
            missing = f"{name} has no material {shown(material_name)!r}: drawn white"
            folder.problems.append(missing)
            continue
        picture = None
        if material.texture:
            picture = folder.read(material.texture, material.alpha_texture)
        if picture is not None:
            texture_numbers[number] = len(textures)
            textures.append(picture)
        # Some programs write black beside a texture by mistake.
        if picture is None or any(material.color):
            colors[number] = material.color
    return textures, texture_numbers[material_of], colors


def _corner_colors(raw: _Raw) -> NDArray[np.float32]:
    colors = np.nan_to_num(np.array(raw.colors, np.float32).reshape(-1, 3), nan=1.0)
    if len(colors) and colors.max() > 1.5:
        colors = colors / np.float32(255)
    return np.clip(colors, 0, 1)


def _corner_uvs(raw: _Raw, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    uvs = np.array(raw.uvs, np.float32).reshape(-1, 2)
    uvs = np.concatenate([np.nan_to_num(uvs, posinf=0, neginf=0), np.zeros((1, 2), np.float32)])
    return uvs[np.where((numbers < 0) | (numbers >= len(uvs) - 1), len(uvs) - 1, numbers)]
