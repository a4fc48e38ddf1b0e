"""kapture: photos of cameras and rigs with trajectories, or with GNSS."""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import readable, tell_unnamed
from placevec.sources.missing import go_on_without
from placevec.sources.path_options import split_options
from placevec.sources.poses.camera_poses import Poses
from placevec.sources.poses.time_stamps import Stamps, dates_of_stamps
from placevec.sources.poses.trajectory import flaw_of, places_of_poses, up_option
from placevec.sources.reconstructions.kapture_files import (
    Kapture,
    Rigid,
    read_kapture_files,
)
from placevec.sources.values.null_island import at_zero
from placevec.sources.values.roles import roles_of
from placevec.sources.values.utm import metres_from_degrees
from placevec.sources.walk import require_folder

_log = logging.getLogger(__name__)

_OPTIONS = ("positions", "up")
_POSITIONS = ("gnss", "trajectories")
_DEEPEST_RIG = 10


def read_kapture(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads the photos of a kapture and where they were taken.

    Photos come from `records_camera.txt`, without records of depth sensors. Positions come from
    `records_gnss.txt`, on the UTM grid, if it has one for each photo (with the same time stamp) and
    they are not all the same. Otherwise they come from `trajectories.txt`, whose poses are from the
    world to the camera, or to a rig that `rigs.txt` mounts it on. Trajectories also give headings;
    placevec finds which way is up from how the cameras are held on average (see `find_up`), unless
    the path names it, and their unit is unknown. Time stamps that are large enough to be dates give
    times. Depth maps, features and points are not read.

    Args:
        path: Path. The folder that holds `sensors`, or one that holds it as `kapture`. You can
            append `,positions=gnss` or `,positions=trajectories` to choose if both exist, and
            `,up=z`, the axis of the trajectories' world that points up.
        skip_unreadable: bool. Leave out photos without a file or position, and log how many they
            are. Defaults to `False`.

    Returns:
        PlaceDataset, in the order of `records_camera.txt`, in the frame `"UTM 33U"` or the like,
        without headings, or `"SLAM units"`.

    Raises:
        FileNotFoundError: If the files or photos are missing.
        ValueError: If a file cannot be read or photos have no position.
    """
    top, options = split_options(path, _OPTIONS)
    up = up_option(options)
    wanted = options.get("positions")
    if wanted is not None and wanted not in _POSITIONS:
        raise ValueError(f"`positions` must be gnss or trajectories. Received: {shown(wanted)}")
    require_folder(top)
    sensors_dir = _find_sensors(top)
    if sensors_dir is None:
        below = sorted(each.name for each in top.iterdir() if _find_sensors(each))
        received = f"some in {shown(', '.join(below))}. Name one" if below else "none"
        raise FileNotFoundError(
            f"{shown(top)} must hold sensors/sensors.txt and sensors/records_camera.txt, there or "
            f"in kapture. Received: {received}"
        )
    kapture = read_kapture_files(sensors_dir)
    tell_unnamed(kapture.root, [name for _, _, name in kapture.records], source=kapture.source)
    fixes = _fixes(kapture)
    is_fixed = ~np.isnan(fixes[:, 0])
    if wanted is None:
        is_whole = is_fixed.all() and len(np.unique(fixes[:, :2], axis=0)) > 1
        wanted = "gnss" if is_whole or not kapture.trajectories else "trajectories"
        if kapture.trajectories and is_fixed.any():
            _log.info("%s has GNSS and trajectories: positions=%s", shown(top), wanted)
    if wanted == "gnss":
        return _places_of_fixes(kapture, fixes, skip_unreadable)
    return _places_of_trajectories(kapture, up, skip_unreadable)


def recognize_kapture(path: Path) -> str:
    """Names the kapture at a path, or returns `""`."""
    return "sensors/records_camera.txt beside sensors.txt" if _find_sensors(path) else ""


def _find_sensors(top: Path) -> Path | None:
    files = ("sensors.txt", "records_camera.txt")
    for folder in (top / "sensors", top / "kapture" / "sensors"):
        if all((folder / name).is_file() for name in files):
            return folder
    return None


def _fixes(kapture: Kapture) -> NDArray[np.float64]:
    """Returns (N, 3) longitude, latitude and altitude of the photos, NaN if unknown."""
    fixes = np.full((len(kapture.records), 3), np.nan)
    for row, (stamp, _, _) in enumerate(kapture.records):
        fixes[row] = kapture.fixes.get(stamp, fixes[row])
    fixes[at_zero(fixes[:, :2], on_earth=True)] = np.nan
    return fixes


def _places_of_fixes(
    kapture: Kapture, fixes: NDArray[np.float64], skip_unreadable: bool
) -> PlaceDataset:
    names = np.array([name for _, _, name in kapture.records])
    kept = readable(kapture.root, names, source=kapture.source, skip_unreadable=skip_unreadable)
    known = ~np.isnan(fixes[:, 0])
    go_on_without(
        names[~known],
        len(names),
        problem=f"No GNSS position of the same time for {{}} of {kapture.source}",
        way_out="Read the trajectories, if there are any: PATH,positions=trajectories",
        skip_unreadable=skip_unreadable,
    )
    kept &= known
    if not kept.any():
        raise ValueError(
            f"None of the {counted(len(names), 'photo')} of {kapture.source} has a position"
        )
    longitudes_deg, latitudes_deg, altitudes_m = fixes[kept].T
    positions_m, zone = metres_from_degrees(latitudes_deg, longitudes_deg)
    others: dict[str, Any] = {
        field: None if values is None else values[kept]
        for field, values in _known_of_photos(kapture).items()
    }
    return PlaceDataset(
        kapture.root,
        names[kept],
        positions_m=positions_m,
        altitudes_m=altitudes_m,
        frame=f"UTM {zone}",
        **roles_of(names[kept]),
        **others,
    )


def _places_of_trajectories(
    kapture: Kapture, up: NDArray[np.float64] | None, skip_unreadable: bool
) -> PlaceDataset:
    names = np.array([name for _, _, name in kapture.records])
    found = [_pose(kapture, stamp, device) for stamp, device, _ in kapture.records]
    no_pose = Rigid(np.full((3, 3), np.nan), np.full(3, np.nan))
    rotations = np.array([(each or no_pose).rotation for each in found])
    translations = np.array([(each or no_pose).translation for each in found])
    poses = Poses.from_world_to_camera(rotations, translations)
    is_near = np.array([each is not None for each in found])
    bad = poses.at(np.flatnonzero(is_near))
    return places_of_poses(
        kapture.root,
        names,
        poses,
        up=up,
        frame="SLAM units",
        source=kapture.source,
        way_out="Add poses of their times, for their cameras or rigs, to trajectories.txt",
        flaw=flaw_of(bad, translations[is_near], rotations[is_near]),
        is_near=is_near,
        skip_unreadable=skip_unreadable,
        **_known_of_photos(kapture),
    )


def _pose(kapture: Kapture, stamp: int, device: str) -> Rigid | None:
    """Returns the transformation from the world to a camera, which may be mounted on a rig."""
    mounting = Rigid(np.eye(3), np.zeros(3))
    for _ in range(_DEEPEST_RIG):
        posed = kapture.trajectories.get((stamp, device))
        if posed is not None:
            return mounting.after(posed)
        if device not in kapture.rigs:
            return None
        device, to_device = kapture.rigs[device]
        mounting = mounting.after(to_device)
    return None


def _known_of_photos(kapture: Kapture) -> dict[str, NDArray[np.float64] | None]:
    """Returns the times and fields of view of the photos, as fields of PlaceDataset."""
    stamps = np.array([stamp for stamp, _, _ in kapture.records], dtype=np.float64)
    fields_of_view_deg = np.array([
        kapture.fields_of_view_deg.get(device, math.nan) for _, device, _ in kapture.records
    ])  # fmt: skip
    return {
        "times_s": dates_of_stamps(Stamps(stamps, whole=True)),
        "fields_of_view_deg": None if np.isnan(fields_of_view_deg).all() else fields_of_view_deg,
    }
