"""Trajectories in the format of the TUM RGB-D benchmark, which most SLAM systems write."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.images.videos.frame_names import frame_name
from placevec.images.videos.video import frame_times_s
from placevec.images.videos.video_files import VIDEO_SUFFIXES
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import names_on_disk, tell_unnamed
from placevec.sources.path_options import number_option, seconds_option, split_options
from placevec.sources.poses.camera_poses import Poses
from placevec.sources.poses.number_lines import first_numbers
from placevec.sources.poses.time_stamps import Stamps, photos_by_stamp, read_frame_list, unit_option
from placevec.sources.poses.trajectory import (
    TOLERANCE_S,
    Timed,
    places_of_poses,
    poses_in_time,
    read_track,
    up_option,
)
from placevec.sources.walk import LeftOut, leads_out, require_folder, some_photos

_TRAJECTORIES = (
    "groundtruth.txt",
    "trajectory.txt",
    "CameraTrajectory.txt",
    "KeyFrameTrajectory.txt",
)
_FOLDERS = ("rgb", "images")
_LIST = "rgb.txt"
_OPTIONS = ("images", "up", "within_s", "same_world", "unit", "start_s")


def read_tum(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads a trajectory of lines `time x y z qx qy qz qw` and the photos taken along it.

    A pose is that of the camera in the world: x right, y down, z along the optical axis. Photos
    are those in `rgb.txt`, which has a line `time file` for each, or else those whose names are
    time stamps; depth images, masks and labels are not photos. The frames of a video have the time
    since its first frame. Each photo gets the pose nearest in time. The unit of time stamps follows
    from their size, see `seconds_together`. The file does not say which way is up: placevec finds
    it from how the cameras are held on average (see `find_up`), unless the path names it.

    Args:
        path: Path. A folder with `groundtruth.txt`, `trajectory.txt`, `CameraTrajectory.txt` or
            `KeyFrameTrajectory.txt` and photos; or `FILE,images=DIR`; or `FILE,images=VIDEO`. You
            can append `,up=z`, the axis of the world that points up; `,within_s=0.1`, the longest
            time between a photo and its pose (by default 0.02 s); `,unit=ms`, the unit of whole
            time stamps; and `,start_s=12.5`, the time of a video's first frame by the clock of the
            poses (by default 0). `FOLDER,same_world=yes` reads a folder of several such folders,
            runs in one map; each is a sequence.
        skip_unreadable: bool. Leave out photos without a file, time stamp or pose, and log how
            many they are. Defaults to `False`.

    Returns:
        PlaceDataset, in the order of time, in the frame `"SLAM metres"`.

    Raises:
        FileNotFoundError: If the trajectory or photos are missing.
        ValueError: If a line cannot be read, photos have no pose, the video is broken, the up
            direction cannot be found, or there are several runs without `same_world=yes`.
    """
    top, options = split_options(path, _OPTIONS)
    within_s = number_option(options, "within_s", TOLERANCE_S)
    up, unit = up_option(options), unit_option(options)
    start_s = seconds_option(options, "start_s")
    video = Path(options.get("images", "")).expanduser()
    if "start_s" in options and not _is_video(video):
        raise ValueError(
            "`start_s` is when the first frame of a video was: FILE,images=VIDEO,start_s=SECONDS. "
            f"Received: {path}"
        )
    left_out = LeftOut(top)
    runs = _find_runs(top, left_out)
    left_out.warn()
    if len(runs) > 1 and options.get("same_world") != "yes":
        names = ", ".join(run.parent.name for run in runs[:5])
        raise ValueError(
            "Positions of runs are measured from different origins. Received: "
            f"{counted(len(runs), 'run')} in {top} ({names}). Name one, {runs[0].parent}, or say "
            f"that all are in one map: {top},same_world=yes"
        )
    read = partial(
        _read_run, within_s=within_s, unit=unit, start_s=start_s, skip_unreadable=skip_unreadable
    )
    if len(runs) > 1:
        root, parts = top, [read(run, run.parent) for run in runs]
        names = [
            [f"{folder.relative_to(top).as_posix()}/{name}" for name in names]
            for folder, names, _ in parts
        ]
    else:
        parts = [read(runs[0], Path(options.get("images", runs[0].parent)).expanduser())]
        root, names = parts[0][0], [parts[0][1]]
    timed = [part[2] for part in parts]
    incomplete = next((each for each in timed if not each.is_near.all()), timed[0])
    return places_of_poses(
        root,
        np.concatenate(names),
        Poses(
            np.concatenate([each.poses.centers for each in timed]),
            np.concatenate([each.poses.rotations for each in timed]),
        ),
        up=up,
        frame="SLAM metres",
        source=top,
        way_out=incomplete.way_out,
        flaw=next(filter(None, (each.flaw for each in timed)), ""),
        is_near=np.concatenate([each.is_near for each in timed]),
        skip_unreadable=skip_unreadable,
        times_s=np.concatenate([each.times_s for each in timed]),
        sequence_ids=np.repeat(np.arange(len(runs)), [len(each.times_s) for each in timed]),
    )


def recognize_tum(path: Path) -> str:
    """Names the trajectory at a path, or returns `""`."""
    try:
        trajectory_path = _find_runs(path, LeftOut(path))[0]
        count = len(first_numbers(trajectory_path))
    except (ValueError, OSError):
        return ""
    if count != 8 or not some_photos(trajectory_path.parent):
        return ""
    return f"{trajectory_path.name} with a time and a pose in each line, beside photos"


def why_not_tum(path: Path) -> str:
    """Says why a file that is named like a trajectory is not one, or returns `""`."""
    try:
        read_track(_find_trajectory(path), w_first=False)
    except OSError:
        return ""
    except ValueError as error:
        return str(error)
    return ""


def _find_runs(top: Path, left_out: LeftOut) -> list[Path]:
    """Returns the trajectory at a path, or the trajectories of the folders in it."""
    if not top.is_dir() or any((top / name).is_file() for name in _TRAJECTORIES):
        return [_find_trajectory(top)]
    folders = sorted(p for p in top.iterdir() if p.is_dir())
    runs = []
    for folder in folders:
        if not any((folder / name).is_file() for name in _TRAJECTORIES):
            continue
        if leads_out(folder, top):
            left_out.add("link", folder.name)
        else:
            runs.append(folder)
    return [_find_trajectory(run) for run in runs or [top]]


def _read_run(
    trajectory_path: Path,
    photos: Path,
    *,
    within_s: float,
    unit: str | None,
    start_s: float,
    skip_unreadable: bool,
) -> tuple[Path, NDArray[np.str_], Timed]:
    """Returns the photos' folder, their names in the order of time, and their poses."""
    track = read_track(trajectory_path, w_first=False)
    if photos.suffix.lower() in VIDEO_SUFFIXES and not photos.exists():
        raise FileNotFoundError(f"There is no video {shown(photos)}. Check its folder and name")
    if not _is_video(photos):
        root, names, stamps = _list_frames(photos, skip_unreadable)
        return root, names, poses_in_time(track, stamps, within_s=within_s, unit=unit)
    times_s = start_s + frame_times_s(photos)
    names = np.array([frame_name(photos.name, frame) for frame in range(len(times_s))])
    timed = poses_in_time(track, Stamps(times_s, whole=False), within_s=within_s, unit=unit)
    way_out = f"{timed.way_out}. Or say when the first frame was: PATH,start_s=SECONDS"
    return photos.parent, names, timed._replace(way_out=way_out)


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()


def _find_trajectory(top: Path) -> Path:
    if top.is_file():
        return top
    require_folder(top)
    found = [top / name for name in _TRAJECTORIES if (top / name).is_file()]
    if not found:
        raise FileNotFoundError(
            f"{top} must hold one of {', '.join(_TRAJECTORIES)}. Received: none. Name the file and "
            "the photos: FILE,images=DIR"
        )
    return found[0]


def _list_frames(root: Path, skip_unreadable: bool) -> tuple[Path, NDArray[np.str_], Stamps]:
    """Returns the photos' folder, names and stamps, from a list or from the names."""
    require_folder(root)
    if not (root / _LIST).is_file():
        folder = next((root / name for name in _FOLDERS if (root / name).is_dir()), root)
        return folder, *photos_by_stamp(folder, skip_unreadable=skip_unreadable)
    names, stamps = read_frame_list(root / _LIST)
    names = names_on_disk(root, names, source=root / _LIST)
    tell_unnamed(root, names, source=root / _LIST)
    order = np.argsort(stamps.values, kind="stable")
    return root, names[order], Stamps(stamps.values[order], stamps.whole)
