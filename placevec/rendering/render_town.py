"""Photographs a made town and writes the photos in the folder format."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from placevec.config import RenderConfig
from placevec.rendering.cameras import (
    FIRST_PLACE_M,
    LOOSE,
    STEADY,
    Camera,
    place_camera,
    street_length_m,
)
from placevec.rendering.develop import develop
from placevec.rendering.renderer import Renderer
from placevec.rendering.scene import Scene
from placevec.rendering.town.layout import Street, Town, field_size_m, lay_out_town
from placevec.rendering.town.street_model import StreetModel
from placevec.rendering.weather import Visit, plan_visit
from placevec.sources import PhotoName, photo_name
from placevec.whole_file import whole_file

WORLD_FILE = "world.json"
_VERSION = 1
_TRAIN_VISITS = {
    "database": ("day", "afternoon", "overcast"),
    "queries": ("overcast", "fog", "dusk", "night"),
}
_VALIDATION_VISITS = {"database": ("day",), "queries": ("overcast", "fog", "dusk", "night")}
_START_M = np.array([1000.0, 1000.0])

logger = logging.getLogger(__name__)


def render_town(
    out_dir: Path | str,
    *,
    seed: int = RenderConfig.seed,
    image_size: tuple[int, int] = RenderConfig.image_size,
    num_streets: int = 6,
    num_validation_streets: int = 10,
    places_per_street: int = 30,
    spacing_m: float = 10.0,
    jpeg_quality: int = 90,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Path:
    """Photographs a made town in the folder format, for training and for validation.

    `out_dir/train` and `out_dir/val` each hold `database` and `queries`. Their streets lie in
    different parts of the town and share no house. Each training place is photographed on three
    visits for the database (day, afternoon, overcast) and on four for the queries (overcast, fog,
    dusk, night); for validation each place on one visit by day, and every other place once more
    as a query in other weather. Visits differ in light, parked cars, passers-by and camera.

    Photos are drawn in `out_dir` + `.partial`, which is renamed when all are there; what an
    interrupted call has drawn is kept by the next one. Equal arguments give equal bytes.

    Args:
        out_dir: Path. Folder to make; it must not exist, be empty, or hold a finished rendering
            of the same settings, which is then left as it is.
        seed: int. Seed of the town, its weather and the cameras.
        image_size: (rows, cols). Size of the photos.
        num_streets: int. Streets to train on. Defaults to `6`.
        num_validation_streets: int. Streets to measure recall on. Defaults to `10`.
        places_per_street: int. Places along a street. Defaults to `30`.
        spacing_m: float. Metres from place to place. Defaults to `10.0`.
        jpeg_quality: int. From 1 to 100. Defaults to `90`.
        progress: callable. Gets the list of photos still to draw, and yields each of them; for
            a progress bar.

    Returns:
        Path. `out_dir`.

    Raises:
        ValueError: If an argument is out of range, or `out_dir` holds anything else.

    Example:

    >>> import tempfile
    >>> out_dir = Path(tempfile.mkdtemp()) / "town"
    >>> _ = render_town(out_dir, image_size=(24, 32), num_streets=1, num_validation_streets=1,
    ...                 places_per_street=2)
    >>> len(list(out_dir.glob("train/*/*.jpg"))), len(list(out_dir.glob("val/*/*.jpg")))
    (14, 3)
    """
    settings = {
        "version": _VERSION,
        "seed": int(seed),
        "image_size": [int(side) for side in image_size],
        "num_streets": int(num_streets),
        "num_validation_streets": int(num_validation_streets),
        "places_per_street": int(places_per_street),
        "spacing_m": float(spacing_m),
        "jpeg_quality": int(jpeg_quality),
    }
    _refuse_bad(settings)
    out_dir = Path(out_dir)
    if _is_finished(out_dir, settings):
        logger.info("%s holds this rendering already", out_dir)
        return out_dir
    partial_dir = out_dir.with_name(out_dir.name + ".partial")
    _begin(partial_dir, settings)
    started = time.perf_counter()
    shots = list(_plan(settings))
    for folder in {shot.path.parent for shot in shots}:
        (partial_dir / folder).mkdir(parents=True, exist_ok=True)
    missing = [shot for shot in shots if not (partial_dir / shot.path).exists()]
    _draw(missing, partial_dir, settings, progress)
    _finish(partial_dir, out_dir, settings, shots)
    seconds = time.perf_counter() - started
    logger.info("Rendered %d photos into %s in %.1f s", len(missing), out_dir, seconds)
    return out_dir


@dataclass(frozen=True, eq=False)
class _Shot:
    """One photo to take: where, on which visit, and the file below the output folder."""

    town: Town
    street: Street
    visit: Visit
    camera: Camera
    seed: tuple[int, ...]
    path: Path


def _plan(settings: dict) -> Iterator[_Shot]:
    seed, spacing_m = settings["seed"], settings["spacing_m"]
    length_m = street_length_m(settings["places_per_street"], spacing_m)
    north_m = np.array([0.0, 1.0]) * (field_size_m(length_m) + 200.0)
    parts = (
        ("train", settings["num_streets"], _TRAIN_VISITS, _START_M),
        ("val", settings["num_validation_streets"], _VALIDATION_VISITS, _START_M + north_m),
    )
    for number, (part, num_streets, visits, start_m) in enumerate(parts):
        names = [f"{part}{i:02d}" for i in range(num_streets)]
        town = lay_out_town((seed, number), names, length_m, start_m)
        for i, street in enumerate(town.streets):
            day = 0
            for role, weathers in visits.items():
                for turn, weather in enumerate(weathers):
                    day += 11
                    visit = plan_visit(weather, (seed, number, i, day), day)
                    rng = np.random.default_rng((*visit.seed, 5))
                    jitter = STEADY if role == "database" else LOOSE
                    for place in range(settings["places_per_street"]):
                        distance_m = FIRST_PLACE_M + place * spacing_m
                        camera = place_camera(street, distance_m, rng, jitter)
                        is_skipped = part == "val" and role == "queries"
                        is_skipped &= place % (2 * len(weathers)) != 2 * turn
                        if not is_skipped:
                            path = Path(part, role, _file_name(camera, visit))
                            yield _Shot(town, street, visit, camera, (*visit.seed, place, 6), path)


def _file_name(camera: Camera, visit: Visit) -> str:
    heading_deg = round(camera.heading_deg, 1) % 360.0
    photo = PhotoName(camera.east_m, camera.north_m, heading_deg=heading_deg, time_s=visit.time_s)
    return photo_name(photo, note=visit.weather.name)


def _draw(shots: list[_Shot], root: Path, settings: dict, progress: Callable) -> None:
    """Draws the photos; the next scene is built, and the last photos written, meanwhile."""
    rounds = [list(group) for _, group in groupby(shots, key=lambda shot: id(shot.visit))]
    firsts = {id(photos[0]): number for number, photos in enumerate(rounds)}
    models: dict[int, StreetModel] = {}

    def build(number: int) -> Scene | None:
        if number >= len(rounds):
            return None
        shot = rounds[number][0]
        if id(shot.street) not in models:
            models.clear()
            models[id(shot.street)] = StreetModel(shot.town, shot.street)
        return models[id(shot.street)].visit(shot.visit)

    renderer = Renderer(tuple(settings["image_size"]))
    with renderer, ThreadPoolExecutor(1) as builder, ThreadPoolExecutor(1) as writer:
        coming = builder.submit(build, 0)
        written: list[Future] = []
        for shot in progress(shots):
            if id(shot) in firsts:
                renderer.show(coming.result())
                coming = builder.submit(build, firsts[id(shot)] + 1)
                for future in written:
                    future.result()
                written.clear()
            photo = renderer.photo(shot.camera.pose)
            quality = settings["jpeg_quality"]
            written.append(writer.submit(_write, photo, shot, root / shot.path, quality))
        for future in written:
            future.result()


def _write(photo: np.ndarray, shot: _Shot, path: Path, quality: int) -> None:
    photo = develop(photo, shot.visit.weather, np.random.default_rng(shot.seed))
    bgr = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
    is_encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not is_encoded:
        raise RuntimeError(f"OpenCV could not encode {path.name}")
    with whole_file(path) as unfinished:
        unfinished.write_bytes(data)


def _refuse_bad(settings: dict) -> None:
    least = {"seed": 0, "num_streets": 1, "num_validation_streets": 1, "places_per_street": 1}
    for name, bound in least.items():
        if settings[name] < bound:
            raise ValueError(
                f"`{name}` must be an integer of at least {bound}. Received: "
                f"{name}={settings[name]}"
            )
    if not settings["spacing_m"] > 0:
        raise ValueError(
            f"`spacing_m` must be positive. Received: spacing_m={settings['spacing_m']}"
        )
    if not 1 <= settings["jpeg_quality"] <= 100:
        raise ValueError(
            "`jpeg_quality` must lie between 1 and 100. Received: "
            f"jpeg_quality={settings['jpeg_quality']}"
        )
    Renderer(tuple(settings["image_size"]))  # refuses bad sizes, before a file is written


def _is_finished(out_dir: Path, settings: dict) -> bool:
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    found = _read_world(out_dir)
    if "num_photos" not in found:
        raise ValueError(
            f"{out_dir} must be empty, or a finished rendering. Received: a folder or file "
            f"without a whole {WORLD_FILE}. Choose another folder"
        )
    _refuse_other(out_dir, found["settings"], settings)
    for folder, count in found["num_photos"].items():
        there = sum(1 for _ in (out_dir / folder).glob("*.jpg"))
        if there != count:
            raise ValueError(
                f"{out_dir / folder} must hold the {count} photos that were rendered. Received: "
                f"{there}. Remove {out_dir} and render it again"
            )
    return True


def _begin(partial_dir: Path, settings: dict) -> None:
    partial_dir.mkdir(parents=True, exist_ok=True)
    found = _read_world(partial_dir)
    if found:
        _refuse_other(partial_dir, found["settings"], settings)
        logger.info("Going on with the interrupted rendering in %s", partial_dir)
        return
    if any(not path.name.endswith(WORLD_FILE) for path in partial_dir.iterdir()):
        raise ValueError(
            f"{partial_dir} must be empty or an interrupted rendering. Received: a folder without "
            f"{WORLD_FILE}. Remove it"
        )
    _write_world(partial_dir, {"settings": settings})


def _finish(partial_dir: Path, out_dir: Path, settings: dict, shots: list[_Shot]) -> None:
    counts: dict[str, int] = {}
    for shot in shots:
        folder = shot.path.parent.as_posix()
        counts[folder] = counts.get(folder, 0) + 1
    _write_world(partial_dir, {"settings": settings, "num_photos": counts})
    if out_dir.exists():
        out_dir.rmdir()  # empty, as was made sure at the start
    os.replace(partial_dir, out_dir)


def _write_world(folder: Path, world: dict) -> None:
    with whole_file(folder / WORLD_FILE) as unfinished:
        unfinished.write_text(json.dumps(world, indent=2))


def _read_world(folder: Path) -> dict:
    """Returns what the world file of a rendering says; nothing where there is none."""
    try:
        world = json.loads((folder / WORLD_FILE).read_text())
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return {}
    return world if isinstance(world, dict) and "settings" in world else {}


def _refuse_other(folder: Path, found: dict, settings: dict) -> None:
    names = [name for name in settings | found if found.get(name) != settings.get(name)]
    if names:
        name = names[0]
        raise ValueError(
            f"{folder} must hold a rendering of the same settings. Received: {name}="
            f"{settings.get(name)}, where it has {name}={found.get(name)}. Choose another folder, "
            "or remove this one"
        )
