"""Loads 3-D models from one file or many tiles as one world."""

import glob
import logging
import re
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import ModelRenderConfig
from placevec.config.choices import UPS
from placevec.counted import counted
from placevec.rendering.worlds.formats.egg_file import read_egg
from placevec.rendering.worlds.formats.gltf_file import read_gltf
from placevec.rendering.worlds.formats.obj import read_obj
from placevec.rendering.worlds.formats.panda_nodes import read_bam
from placevec.rendering.worlds.model import Model, UnreadableModelError
from placevec.rendering.worlds.textures import MAX_SIDE, fit_texture
from placevec.rendering.worlds.world import World

_READERS = {
    ".obj": read_obj,
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".egg": read_egg,
    ".bam": read_bam,
}
MODEL_SUFFIXES = tuple(_READERS)
"""Suffixes of the files that `load_world` reads, in lower case."""

_LEVEL = re.compile(r"(?:(?<=[/_. -])|^)(?:level|lod|l)[_-]?\d+(?=[/_. -]|$)", re.IGNORECASE)
_MOST_TEXELS = 64_000_000
_MOST_SHOWN = 20  # problems
_LARGE_M, _SMALL_M, _FAR_M = 20_000.0, 2.0, 50_000.0

_log = logging.getLogger(__name__)


def load_world(
    path: Path | str | Iterable[Path | str],
    *,
    up: str = ModelRenderConfig.up,
    scale: float = ModelRenderConfig.scale,
    max_texture_side: int = MAX_SIDE,
    is_indoor: bool | None = None,
) -> World:
    """Loads a textured 3-D model: OBJ, glTF / GLB, or Panda3D's egg / bam.

    Several files are tiles of one world, in one frame. If a tile exists in several levels of detail
    (`l6/level_6_0_0.obj`, `l3/level_3_0_0.obj`, or `tile_lod0.glb`), placevec reads the largest
    file. Missing textures become plain colors; broken lines and empty triangles are left out;
    `World.problems` lists them.

    No file outside the folder of a model is read. glTF needs the package `panda3d-gltf`. bam is
    Panda3D's own binary format, read by its own C++ code. It has no Python code and nothing is
    unpickled, but that reader is not made for hostile files: only load files that you trust.

    Args:
        path: Path. A model; a folder, with all models in it and its subfolders; a pattern such as
            `"tiles/*.obj"`; or a list of models.
        up: str. The models' axis that points up: `"y"`, `"z"`, or `"auto"`, which means the axis
            that the format defines or, for OBJ, the axis that most of the ground faces.
        scale: float. Metres per unit of the models.
        max_texture_side: int. Larger textures are shrunk to this many pixels per side.
        is_indoor: bool or None. Whether no sky is visible. None: rays from the ground decide.

    Returns:
        A `World`.

    Raises:
        FileNotFoundError: If the model does not exist.
        ValueError: If an argument is out of range, or no triangle can be read.
        ImportError: If a package that the format needs is missing.
    """
    if up not in UPS:
        raise ValueError(f"`up` must be one of {', '.join(UPS)}. Received: up={up!r}")
    if not 0 < scale < np.inf:
        raise ValueError(f"`scale` must be positive, in metres per unit. Received: scale={scale}")
    if not 1 <= max_texture_side <= 4096:
        raise ValueError(
            "`max_texture_side` must be between 1 and 4096 pixels. Received: "
            f"max_texture_side={max_texture_side}"
        )
    started = time.perf_counter()
    name, paths = find_models(path)
    models = [_read(each, max_texture_side) for each in paths]
    world = _join(name, models, up, float(scale), is_indoor)
    _log.info(
        "Loaded %s and %s of %s into the world %s in %.1f s",
        counted(len(world), "triangle"),
        counted(len(world.textures), "texture"),
        counted(len(paths), "model"),
        name,
        time.perf_counter() - started,
    )
    for problem in world.problems[:_MOST_SHOWN]:
        _log.warning("%s", problem)
    if len(world.problems) > _MOST_SHOWN:
        _log.warning("... and %s", counted(len(world.problems) - _MOST_SHOWN, "more problem"))
    return world


def find_models(path: Path | str | Iterable[Path | str]) -> tuple[str, list[Path]]:
    """Returns the name of a world and its models, sorted.

    Args:
        path: as for `load_world`.

    Raises:
        FileNotFoundError: If the model does not exist.
        ValueError: If a file has a format that `load_world` does not read.
    """
    if not isinstance(path, str | Path):
        paths = [Path(each) for each in path]
        root = paths[0].parent if paths else Path()
    elif Path(path).is_dir():
        root = Path(path)
        paths = [each for each in root.rglob("*") if _is_model(each) and _is_below(each, root)]
    elif Path(path).is_file():
        return Path(path).stem, [_checked(Path(path))]
    else:
        paths = [Path(each) for each in glob.glob(str(path), recursive=True)]
        paths = [each for each in paths if _is_model(each)]
        root = Path(str(path).split("*")[0]).parent
    if not paths:
        raise FileNotFoundError(
            f"There is no 3-D model {path}. Give a file that ends in {', '.join(MODEL_SUFFIXES)}, "
            "or a folder of them"
        )
    name = root.resolve().name or "world"
    return name, _finest([_checked(each) for each in sorted(paths)], root)


def _is_model(path: Path) -> bool:
    return path.suffix.lower() in MODEL_SUFFIXES and not path.name.startswith(".")


def _is_below(path: Path, root: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(root.resolve())


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"There is no 3-D model {path}. Check its name")
    if path.suffix.lower() not in MODEL_SUFFIXES:
        raise ValueError(
            f"A 3-D model must end in {', '.join(MODEL_SUFFIXES)}. Received: {path}. Export it to "
            "one of them"
        )
    return path


def _finest(paths: list[Path], root: Path) -> list[Path]:
    """Keeps the largest file of each tile that exists in several levels of detail."""
    tiles: dict[str, list[Path]] = {}
    for path in paths:
        below = path.relative_to(root) if path.is_relative_to(root) else path
        tiles.setdefault(_LEVEL.sub("", below.with_suffix("").as_posix()), []).append(path)
    kept = [max(each, key=lambda path: path.stat().st_size) for each in tiles.values()]
    if len(kept) < len(paths):
        _log.info(
            "Using the most detailed of %d models: %s (first: %s)",
            len(paths),
            counted(len(kept), "tile"),
            kept[0],
        )
    return kept


def _read(path: Path, max_side: int) -> Model:
    return _READERS[path.suffix.lower()](path, max_side)


def _join(name: str, models: list[Model], up: str, scale: float, is_indoor: bool | None) -> World:
    problems = [problem for model in models for problem in model.problems]
    textures, texture_of = _join_textures(models)
    positions = np.concatenate([_upright(model.positions, *_axis(model, up)) for model in models])
    positions *= scale
    corners = positions.reshape(-1, 3)
    if not len(corners):
        raise UnreadableModelError(
            f"No triangle in the models of {name}. " + "; ".join(problems[:3])
        )
    origin = _origin(corners)
    positions_m = (positions - origin).astype(np.float32)
    edges = positions_m[:, 1:].astype(np.float64) - positions_m[:, :1]
    whole = (np.cross(edges[:, 0], edges[:, 1]) ** 2).sum(axis=1) > 1e-20
    if not whole.all():
        problems.append(
            f"{int((~whole).sum())} of {counted(len(whole), 'triangle')} without area: left out"
        )
    uvs, tints = (
        np.concatenate([getattr(model, part) for model in models])[whole]
        for part in ("uvs", "tints")
    )
    if not whole.any():
        raise UnreadableModelError(f"No triangle with an area in the models of {name}")
    is_cutout = np.array([_is_cutout(texture) for texture in textures])
    textures = [
        texture if cut else np.ascontiguousarray(texture[..., :3])
        for texture, cut in zip(textures, is_cutout, strict=True)
    ]
    world = World(
        name,
        textures,
        is_cutout,
        positions_m[whole],
        _near_zero(uvs),
        tints,
        texture_of[whole],
        problems,
        (float(origin[0]), float(origin[1]), float(origin[2])),
        is_indoor,
    )
    _doubt_the_scale(world)
    return world


def _join_textures(models: list[Model]) -> tuple[list[NDArray[np.uint8]], NDArray[np.int32]]:
    """Returns all textures, each once, and the texture of each triangle."""
    numbers: dict[int, int] = {}
    textures, texture_of = [], []
    for model in models:
        for texture in model.textures:
            if id(texture) not in numbers:
                numbers[id(texture)] = len(textures)
                textures.append(texture)
        own = np.array([numbers[id(texture)] for texture in model.textures], np.int32)
        texture_of.append(own[model.texture_of])
    side = max((max(texture.shape[:2]) for texture in textures), default=1)
    while side > 8 and sum(texture.shape[0] * texture.shape[1] for texture in textures) > (
        _MOST_TEXELS
    ):
        side //= 2
        _log.info("Too many textures: shrunk to %d pixels per side", side)
        textures = [fit_texture(texture, side) for texture in textures]
    return textures, np.concatenate(texture_of)


def _is_cutout(texture: NDArray[np.uint8]) -> bool:
    return texture.shape[2] == 4 and float((texture[..., 3] < 128).mean()) > 0.001


def _axis(model: Model, up: str) -> tuple[str]:
    if up != "auto":
        return (up,)
    return (model.up or _guess_up(model.positions),)


def _guess_up(positions: NDArray[np.float64]) -> str:
    """Returns the axis, `"y"` or `"z"`, that most of the surface faces, else the thinner one."""
    if not len(positions):
        return "y"
    normals = np.cross(positions[:, 1] - positions[:, 0], positions[:, 2] - positions[:, 0])
    area = np.linalg.norm(normals, axis=1)
    # By the root of the area; otherwise the six sides of one large sky box would outvote the rest.
    weight = np.sqrt(area)
    y, z = (float(weight[np.abs(normals[:, axis]) > 0.9 * area].sum()) for axis in (1, 2))
    if max(y, z) < 1.2 * min(y, z):
        extent = np.ptp(positions.reshape(-1, 3), axis=0)
        y, z = float(extent[2]), float(extent[1])
    up = "z" if z > y else "y"
    _log.info("Took %s for the axis that points up; `up` says otherwise", up)
    return up


def _upright(positions: NDArray[np.float64], up: str) -> NDArray[np.float64]:
    """Returns positions (T, 3, 3) with z up."""
    if up == "z":
        return np.array(positions, np.float64)
    x, y, z = np.moveaxis(positions.astype(np.float64), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def _origin(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns an offset to subtract from positions that are too far out for float32."""
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    far = np.abs(middle).max() > _FAR_M
    return np.round(middle, -3) if far else np.zeros(3)


def _near_zero(uvs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Moves each triangle's texture coordinates by whole repeats, so that they are near zero."""
    return (uvs - np.floor(uvs.min(axis=1, keepdims=True))).astype(np.float32)


def _doubt_the_scale(world: World) -> None:
    extent_m = float(np.ptp(world.bounds_m[:, :2], axis=0).max())
    if not _SMALL_M <= extent_m <= _LARGE_M:
        world.problems.append(
            f"The world {world.name} is {extent_m:.4g} m wide, if its units are right. Give "
            "`scale`, in metres per unit"
        )
