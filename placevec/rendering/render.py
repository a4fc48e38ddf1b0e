"""Photographs the synthetic town or a 3-D model, and writes the photos with their positions."""

import contextlib
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import panda3d

from placevec.config import ModelRenderConfig, RenderConfig
from placevec.counted import counted
from placevec.process.workers import num_cores
from placevec.progress import Progress, no_progress
from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.cameras.pose_files import open_trajectory
from placevec.rendering.drawing.depth import refuse_too_many
from placevec.rendering.drawing.pipes import Canvas, choose_pipe
from placevec.rendering.photos.contact_sheet import CONTACT_SHEET, write_contact_sheet
from placevec.rendering.photos.photo_folder import (
    WORLD_FILE,
    begin,
    finish,
    forget_lock,
    held,
    is_finished,
    missing_shots,
    read_world_file,
)
from placevec.rendering.photos.provenance import trajectory_sha256, world_sha256
from placevec.rendering.photos.shot_drawer import ShotDrawer
from placevec.rendering.photos.tables import write_points_seen, write_positions, write_split
from placevec.rendering.photos.train_line import train_lines
from placevec.rendering.scenes.weather import WEATHERS
from placevec.rendering.tour import open_tour, plan_tour, settings_kind
from placevec.rendering.town.town_scenery import TOWN, TownScenery
from placevec.rendering.workers.shot_workers import ShotWorkers

_MOST_WORKERS = 8  # each has its own copy of the world
_SHOTS_OF_A_WORKER = 64  # with fewer shots, starting a worker takes longer than it saves
_DIGESTS = ("sha256", "trajectory_sha256")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rendering:
    """The result of a rendering.

    Args:
        out_dir: Path. Folder of the photos.
        num_photos: int. Number of photos in the folder.
        num_drawn: int. Number of photos that this call drew; the others existed.
        seconds: float. Duration of the drawing.
        world: dict. The content of `world.json`.
        train_lines: list of str. A command that trains on the photos, and a remark.
    """

    out_dir: Path
    num_photos: int
    num_drawn: int
    seconds: float
    world: dict
    train_lines: list[str]

    def __str__(self) -> str:
        rate = ""
        if self.num_drawn and self.seconds > 0:
            rate = f", {self.num_drawn / self.seconds:.0f} photos/s"
        lines = [
            f"{counted(self.num_photos, 'photo')} of {self.world['world']} in {self.out_dir}; "
            f"{self.num_drawn} drawn now, by {self.world['pipe']}{rate}"
        ]
        if problems := self.world.get("problems"):
            lines.append(f"problems of the model: {len(problems)}, listed in {WORLD_FILE}")
        if rejected := self.world.get("rejected"):
            reasons = ", ".join(f"{count} {reason}" for reason, count in rejected.items())
            lines.append(f"cameras rejected: {reasons}")
        if (self.out_dir / CONTACT_SHEET).is_file():
            lines.append(f"contact sheet: {self.out_dir / CONTACT_SHEET}")
        return "\n".join([*lines, *self.train_lines])


def render(
    world: Path | str = TOWN,
    settings: RenderConfig | None = None,
    *,
    progress: Progress = no_progress,
) -> Rendering:
    """Photographs the synthetic town or a 3-D model in the folder format.

    The town gives `train`, `val` and, with `num_test_streets`, `test`, each with `database` and
    `queries`, from streets that share no house. A model gives one folder with a subfolder for each
    visit and `splits.csv`, so that `folder:OUT#train` and `#val` open ground that does not overlap.
    `positions.csv`, `points.npz` and `world.json` are beside the photos, and the depth beside each
    photo if it is wanted. The same pipe makes the same bytes again from `world.json`.

    Photos are drawn in `out` + `.partial`, which is renamed when it is complete. If a call is
    interrupted, the next one keeps what it has drawn.

    Args:
        world: Path or str. `"town"`, a model file (OBJ, glTF, GLB, egg, bam) or a folder of tiles.
        settings: RenderConfig or None. A `TownRenderConfig` for the town, a `ModelRenderConfig` for
            a model. None: the defaults.
        progress: Progress. Draws a progress bar: `tqdm`, or a function with its arguments.

    Returns:
        `Rendering`.

    Raises:
        FileNotFoundError: If the model does not exist.
        ValueError: If the model cannot be read, or cameras have no room. If `out` has anything but
            a rendering of the same settings, model and trajectory; it stays unchanged. If
            `out` + `.partial` was drawn with others, or by another pipe.
        BlockingIOError: If another process renders into `out`.
        OSError: If the requested pipe is not available, or photos cannot be written.
        ChildProcessError: If worker processes crash again and again.

    Example:

    >>> import tempfile
    >>> out_dir = Path(tempfile.mkdtemp()) / "town"
    >>> from placevec.config import TownRenderConfig
    >>> settings = TownRenderConfig(out=out_dir, image_size=(32, 48), points=False,
    ...     num_streets=1, num_validation_streets=1, places_per_street=2)
    >>> render("town", settings).num_photos
    17
    """
    settings = settings_kind(world)() if settings is None else settings
    is_town = str(world) == TOWN
    if isinstance(settings, ModelRenderConfig):
        _refuse_unknown_weathers(settings)
        _refuse_unused_by_cameras(settings)
    name = TOWN if is_town else Path(world).stem
    out_dir = Path("data") / name if settings.out is None else settings.out
    scenery = open_tour(world, settings)
    about = _about(scenery, settings)
    wanted = {"settings": _settings(name, settings)}
    wanted |= {digest: about[digest] for digest in _DIGESTS if digest in about}
    if is_finished(out_dir, wanted):
        return _found(out_dir, settings)
    if isinstance(scenery, ModelScenery) and (settings.points or settings.depth):
        refuse_too_many(len(scenery.world.positions_m))
    pipe = "software" if is_town and settings.pipe == "auto" else choose_pipe(settings.pipe)
    Canvas(pipe, (8, 8)).close()  # fails before anything is searched or written for it
    if isinstance(scenery, ModelScenery):
        about["rejected"] = scenery.viewpoints.rejected
        about["spacing_m"] = scenery.viewpoints.spacing_m
        about["clearance_m"] = scenery.viewpoints.body.clearance_m
    drawn_by = {"pipe": pipe, "panda3d": panda3d.__version__}
    with held(out_dir):
        if is_finished(out_dir, wanted):  # another process has just finished it
            return _found(out_dir, settings)
        return _draw(world, scenery, settings, out_dir, wanted, about, drawn_by, progress)


def _found(out_dir: Path, settings: RenderConfig) -> Rendering:
    _log.info("%s already has this rendering", out_dir)
    forget_lock(out_dir)
    return _finished(out_dir, settings, num_drawn=0, seconds=0.0)


def _finished(
    out_dir: Path, settings: RenderConfig, *, num_drawn: int, seconds: float
) -> Rendering:
    world = read_world_file(out_dir)
    count = sum(world["num_photos"].values())
    one_time = isinstance(settings, ModelRenderConfig) and len(settings.visits) == 1
    lines = train_lines(out_dir, world["parts"], settings, is_of_one_time=one_time)
    return Rendering(out_dir, count, num_drawn, seconds, world, lines)


def _draw(
    world: Path | str,
    scenery: TownScenery | ModelScenery,
    settings: RenderConfig,
    out_dir: Path,
    wanted: dict,
    about: dict,
    drawn_by: dict,
    progress: Progress,
) -> Rendering:
    """Draws the photos that are missing, and gives the folder its name."""
    partial_dir = begin(out_dir, wanted | drawn_by)
    started = time.perf_counter()
    shots = list(plan_tour(scenery, settings))
    missing = missing_shots(partial_dir, shots)
    wanting = shots if settings.points or settings.depth else missing
    with (
        _choose_drawer(
            world, scenery, settings, drawn_by["pipe"], partial_dir, len(wanting)
        ) as drawer,
        contextlib.closing(drawer.draw(wanting)) as drawn,
    ):
        bar = progress(wanting, total=len(wanting), unit="photo", desc="draw")
        points = dict(next(drawn) for _ in bar)
    write_positions(partial_dir, shots, settings.field_of_view_deg)
    write_contact_sheet(partial_dir, shots)
    if settings.points:
        write_points_seen(partial_dir, shots, points)
    if isinstance(settings, ModelRenderConfig) and settings.val_share > 0:
        parts = write_split(
            partial_dir,
            shots,
            val_share=settings.val_share,
            buffer_m=settings.buffer_m,
            seed=settings.seed,
        )
        about = about | {"parts": parts}
    finish(partial_dir, out_dir, wanted | about | drawn_by, shots)
    seconds = time.perf_counter() - started
    return _finished(out_dir, settings, num_drawn=len(missing), seconds=seconds)


_NOT_OF_A_TRAJECTORY = ("num_photos", "views_per_place", "cameras", "height_m")
_NOT_OF_CAMERAS = {"walk": ("height_m",), "fly": ("eye_height_m",)}


def _refuse_unused_by_cameras(settings: ModelRenderConfig) -> None:
    """Refuses settings that a trajectory replaces, or that are for the other kind of cameras."""
    if settings.trajectory is not None:
        names, why = _NOT_OF_A_TRAJECTORY, f"along the trajectory {settings.trajectory}"
    else:
        names, why = _NOT_OF_CAMERAS[settings.cameras], f"where cameras {settings.cameras}"
    for name in names:
        if getattr(settings, name) != getattr(ModelRenderConfig, name):
            raise ValueError(
                f"`{name}` has no effect {why}. Received: {name}={getattr(settings, name)}. Leave "
                "it out"
            )


def _refuse_unknown_weathers(settings: ModelRenderConfig) -> None:
    for name in settings.visits:
        if name not in WEATHERS:
            raise ValueError(
                f"`visits` must be among {', '.join(sorted(WEATHERS))}. Received: {name!r}"
            )


def _settings(name: str, settings: RenderConfig) -> dict:
    """Returns the settings in the form of JSON, without those that change no photo."""
    values = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(settings).items()
    }
    del values["out"], values["num_workers"]
    return {"world": name} | values


def _about(scenery: TownScenery | ModelScenery, settings: RenderConfig) -> dict:
    if isinstance(scenery, TownScenery):
        return {"world": TOWN, "parts": [f"/{district}" for district in scenery.districts]}
    world, trajectory = scenery.world, getattr(settings, "trajectory", None)
    about = {
        "world": world.name,
        "sha256": world_sha256(world),
        "origin_m": list(world.origin_m),
        "num_triangles": len(world.positions_m),
        "problems": world.problems,
        "parts": [""],
    }
    if trajectory is not None:
        about["trajectory_sha256"] = trajectory_sha256(*open_trajectory(trajectory))
    return about


def _choose_drawer(
    world: Path | str,
    scenery: TownScenery | ModelScenery,
    settings: RenderConfig,
    pipe: str,
    folder: Path,
    num_shots: int,
) -> ShotDrawer | ShotWorkers:
    """Returns what draws: this process, or several workers if that is faster."""
    num_workers = settings.num_workers
    if num_workers is None:
        num_workers = min(num_cores(), _MOST_WORKERS, num_shots // _SHOTS_OF_A_WORKER)
    if min(num_workers, num_shots) > 1:
        return ShotWorkers(world, settings, pipe, folder, num_workers=num_workers)
    return ShotDrawer(scenery, settings, pipe, folder)
