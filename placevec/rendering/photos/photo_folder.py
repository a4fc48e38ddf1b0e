"""A folder of rendered photos that is complete or does not exist."""

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from placevec.config import ModelRenderConfig, TownRenderConfig
from placevec.counted import counted
from placevec.folder_lock import LOCK, locked
from placevec.input_file import read_json
from placevec.rendering.drawing.develop import develop
from placevec.rendering.scenes.shot import Shot
from placevec.whole_file import delete_unfinished, make_folder, whole_file

WORLD_FILE = "world.json"
_MAX_WORLD_BYTES = 10_000_000
_DRAWN_FROM = {
    "sha256": "model",
    "trajectory_sha256": "trajectory",
    "pipe": "pipe",
    "panda3d": "version of Panda3D",
}

# The digests of what a setting only names.
_DIGEST_OF = {"world": "sha256", "trajectory": "trajectory_sha256"}

_log = logging.getLogger(__name__)


def is_finished(out_dir: Path, wanted: dict) -> bool:
    """Returns whether a folder has a finished rendering.

    Args:
        out_dir: Path. The folder.
        wanted: dict. What its `world.json` must say: `settings`, and digests of what is drawn.

    Raises:
        ValueError: If the folder has anything else, or photos are missing.
    """
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    found = read_world_file(out_dir)
    if "num_photos" not in found:
        raise ValueError(
            f"{out_dir} must be empty, or a finished rendering. Received: a folder or file "
            f"without a whole {WORLD_FILE}. Choose another folder"
        )
    _refuse_other(out_dir, found, wanted)
    for folder, count in found["num_photos"].items():
        there = sum(1 for _ in (out_dir / folder).glob("*.jpg"))
        if there != count:
            raise ValueError(
                f"{out_dir / folder} must hold the "
                f"{counted(count, 'photo that was rendered', 'photos that were rendered')}. "
                f"Received: {there}. Remove {out_dir} and render it again"
            )
    return True


@contextlib.contextmanager
def held(out_dir: Path) -> Iterator[None]:
    """Locks a folder, so that no other process draws its photos at the same time.

    Args:
        out_dir: Path. The final folder, after all photos are drawn.

    Raises:
        BlockingIOError: If another process draws them.
        ValueError: If `out_dir` + `.partial`, the folder to draw in, is a link.
    """
    partial_dir = _partial_dir(out_dir)
    if partial_dir.is_symlink():
        raise ValueError(f"{partial_dir} must be a folder. Received: a link. Remove it")
    make_folder(partial_dir)
    with locked(partial_dir):
        yield
        if not partial_dir.exists():
            forget_lock(out_dir)  # the lock moved there with the photos
        elif os.listdir(partial_dir) == [LOCK]:
            (partial_dir / LOCK).unlink()
            partial_dir.rmdir()


def forget_lock(out_dir: Path) -> None:
    """Deletes the lock in a finished folder, even one that a killed process left behind."""
    with contextlib.suppress(FileNotFoundError, PermissionError):  # a read-only folder keeps it
        (out_dir / LOCK).unlink()


def begin(out_dir: Path, wanted: dict) -> Path:
    """Creates or continues the folder that photos are drawn in until all are there.

    Args:
        out_dir: Path. The final folder, after all photos are drawn.
        wanted: dict. `settings`, digests of what is drawn, and what draws it.

    Returns:
        Path. `out_dir` + `.partial`.

    Raises:
        ValueError: If it has an interrupted rendering of anything else, or other files.
    """
    partial_dir = _partial_dir(out_dir)
    make_folder(partial_dir)
    found = read_world_file(partial_dir)
    if found:
        _refuse_other(partial_dir, found, wanted)
        _log.info("Continuing the interrupted rendering in %s", partial_dir)
        return partial_dir
    delete_unfinished(partial_dir)
    if set(os.listdir(partial_dir)) - {LOCK, WORLD_FILE}:
        raise ValueError(
            f"{partial_dir} must be empty or an interrupted rendering. Received: a folder without "
            f"{WORLD_FILE}. Remove it"
        )
    write_world_file(partial_dir, wanted)
    return partial_dir


def missing_shots(partial_dir: Path, shots: Sequence[Shot]) -> list[Shot]:
    """Creates the photos' folders, and returns the shots that are not drawn yet."""
    for folder in {shot.path.parent for shot in shots}:
        (partial_dir / folder).mkdir(parents=True, exist_ok=True)
    return [shot for shot in shots if not (partial_dir / shot.path).exists()]


def write_photo(photo: NDArray[np.uint8], shot: Shot, partial_dir: Path, jpeg_quality: int) -> None:
    """Writes a drawn photo, (rows, cols, 3) uint8 RGB, with the effects of its camera."""
    photo = develop(photo, shot.visit.weather, np.random.default_rng(shot.seed))
    bgr = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
    is_encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    if not is_encoded:
        raise RuntimeError(f"OpenCV could not encode {shot.name}")
    with whole_file(partial_dir / shot.path) as unfinished:
        unfinished.write_bytes(data.data)


def write_depth(depth_m: NDArray[np.float32], shot: Shot, partial_dir: Path) -> None:
    """Writes a photo's depth, (rows, cols) float, in metres, as `NAME.depth.npy` beside it."""
    with whole_file((partial_dir / shot.path).with_suffix(".depth.npy")) as unfinished:
        with unfinished.open("wb") as file:
            np.save(file, depth_m.astype(np.float16))


def finish(partial_dir: Path, out_dir: Path, world: dict, shots: Iterable[Shot]) -> None:
    """Writes `world.json` with the number of photos, and gives the folder its final name."""
    counts: dict[str, int] = {}
    for shot in shots:
        folder = shot.path.parent.as_posix()
        counts[folder] = counts.get(folder, 0) + 1
    write_world_file(partial_dir, world | {"num_photos": counts})
    if out_dir.exists():
        out_dir.rmdir()  # empty, as the start of the rendering checked
    os.replace(partial_dir, out_dir)


def read_world_file(folder: Path) -> dict:
    """Returns the content of the world file of a rendering; empty if there is no such file."""
    try:
        world = read_json(folder / WORLD_FILE, max_bytes=_MAX_WORLD_BYTES)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return world if isinstance(world, dict) and "settings" in world else {}


def write_world_file(folder: Path, world: dict) -> None:
    """Writes the world file of a rendering, completely or not at all."""
    with whole_file(folder / WORLD_FILE) as unfinished:
        unfinished.write_text(json.dumps(world, indent=2))


def _partial_dir(out_dir: Path) -> Path:
    return out_dir.with_name(out_dir.name + ".partial")


def _refuse_other(folder: Path, found: dict, wanted: dict) -> None:
    now, then = wanted["settings"], found["settings"]
    names = [name for name in now | then if _DIGEST_OF.get(name) not in wanted]
    facts = [
        ("settings", name, now.get(name, _default(name)), then.get(name, _default(name)))
        for name in names
    ]
    facts += [
        (what, name, wanted[name], found.get(name))
        for name, what in _DRAWN_FROM.items()
        if name in wanted
    ]
    for what, name, is_now, was_then in facts:
        if is_now != was_then:
            raise ValueError(
                f"{folder} must hold a rendering of the same {what}. Received: {name}={is_now}; "
                f"the folder has {name}={was_then}. Choose another folder, or remove this one"
            )


def _default(name: str) -> object:
    """Returns the default of a setting, which is its value in versions without this setting.

    Earlier versions also write the settings of a model with a town, and those of the town with a
    model, at their defaults.
    """
    value = getattr(ModelRenderConfig, name, getattr(TownRenderConfig, name, None))
    return list(value) if isinstance(value, tuple) else value
