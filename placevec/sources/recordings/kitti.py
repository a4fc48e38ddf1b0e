"""KITTI odometry: numbered frames of drives and a file of poses for each drive."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.missing import go_on_without
from placevec.sources.path_options import number_option, split_options
from placevec.sources.poses.camera_poses import WORLD_AXES, Poses
from placevec.sources.poses.number_lines import first_numbers, read_numbers, starts_are_whole
from placevec.sources.poses.time_stamps import Stamps, seconds_alone
from placevec.sources.poses.trajectory import flaw_of, places_of_poses, tell_shared_poses
from placevec.sources.values.roles import roles_of
from placevec.sources.walk import LeftOut, require_folder, walk_photos

_log = logging.getLogger(__name__)

_CAMERAS = ("image_2", "image_0", "image_l", "image_left", "")
_UP = WORLD_AXES["-y"]
_OPTIONS = ("images", "apart_m")
_SEQUENCES = "sequences"


def read_kitti(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads one or several drives of KITTI odometry.

    `poses/ID.txt` has a line for each frame of `sequences/ID`: 12 numbers, the rows of a 3 x 4
    matrix from the camera to the first frame's camera. Its x axis counts as east, and its z axis,
    along the street, as north. Photos come from `image_2`, else from `image_0`, `image_l` or
    `image_left`, else from the folder itself; a photo's number is its frame. `times.txt` gives
    times, in seconds unless their size implies another unit.

    Each drive is measured from its own first frame. Several drives are refused, unless the path
    gives `apart_m`: then each is moved east, to begin that far beyond the end of the one before.
    The same street in two drives then counts as two places.

    Args:
        path: Path. `sequences/ID`, with `poses/ID.txt` beside `sequences` or `poses.txt` in it;
            the folder that holds `sequences` and `poses`; or `POSES.txt,images=DIR`. You can append
            `,apart_m=10000`.
        skip_unreadable: bool. Leave out photos without a file, number or pose, and log how many
            they are; with several drives, also the drives without poses. Defaults to `False`.

    Returns:
        PlaceDataset, drive by drive, in the order of the frames, in the frame `"SLAM metres"`, or
        `"SLAM metres, drives apart"`; `sequence_ids` number the drives.

    Raises:
        FileNotFoundError: If poses or photos are missing.
        ValueError: If a line cannot be read, photos have no pose, or there are several drives.
    """
    top, options = split_options(path, _OPTIONS)
    if "images" in options:
        folder = Path(options["images"]).expanduser()
        return _read_drive(folder, top, skip_unreadable)
    drives, unposed = _find_drives(top)
    go_on_without(
        [folder.name for folder in unposed],
        len(drives) + len(unposed),
        what="drive",
        problem=f"No poses for {{}} in {top}",
        way_out=f"Put poses/ID.txt beside sequences/ID, or name one drive, {drives[0][0]}",
        skip_unreadable=skip_unreadable,
    )
    if len(drives) == 1:
        return _read_drive(*drives[0], skip_unreadable)
    if "apart_m" not in options:
        names = ", ".join(folder.name for folder, _ in drives[:5])
        raise ValueError(
            f"Positions of drives are measured from different origins. Received: {len(drives)} "
            f"drives in {top} ({names}). Name one, {drives[0][0]}, or set them apart: "
            f"{top},apart_m=10000"
        )
    apart_m = number_option(options, "apart_m", 0.0)
    parts = [_read_drive(*drive, skip_unreadable) for drive in drives]
    return _set_apart(drives[0][0].parent, drives, parts, apart_m)


def recognize_kitti(path: Path) -> str:
    """Names the drives of KITTI odometry at a path, or returns `""`."""
    try:
        drives, _ = _find_drives(path)
        count = len(first_numbers(drives[0][1]))
    except (ValueError, OSError):
        return ""
    if count != 12:
        return ""
    return f"{drives[0][1].name} with a pose of 12 numbers in each line, {len(drives)} in all"


def _find_drives(top: Path) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Returns the folder and the pose file of each drive, and the folders without poses."""
    require_folder(top)
    sequences = top if top.name == _SEQUENCES else top / _SEQUENCES
    folders = sorted(p for p in sequences.iterdir() if p.is_dir()) if sequences.is_dir() else [top]
    drives, unposed = [], []
    for folder in folders:
        beside = folder.absolute().parent.parent / "poses" / f"{folder.absolute().name}.txt"
        found = [p for p in (beside, folder / "poses.txt") if p.is_file()]
        if found:
            drives.append((folder, found[0]))
        else:
            unposed.append(folder)
    if not drives:
        raise FileNotFoundError(
            f"{top} must have poses, poses/ID.txt beside sequences/ID. Received: none. Name the "
            "file and the photos: POSES.txt,images=DIR"
        )
    return drives, unposed


def _read_drive(folder: Path, poses_path: Path, skip_unreadable: bool) -> PlaceDataset:
    require_folder(folder)
    left_out = LeftOut(folder)
    names = _list_frames(folder, left_out)
    left_out.warn()
    frames = np.array([int(Path(name).stem) for name in names])
    matrices = read_numbers(poses_path, 12, lines_count=True).reshape(-1, 3, 4)
    _refuse_other_counting(folder, frames, len(matrices), poses_path)
    poses = Poses(matrices[:, :, 3], matrices[:, :, :3])
    rows = np.where(frames < len(matrices), frames, -1)
    tell_shared_poses(rows, poses_path)
    return places_of_poses(
        folder,
        np.array(names),
        poses.at(rows),
        up=_UP,
        frame="SLAM metres",
        source=poses_path,
        way_out=f"It has {counted(len(matrices), 'line')}, the first for photo 0",
        flaw=flaw_of(poses, matrices[:, :, 3], matrices[:, :, :3]),
        is_near=rows >= 0,
        skip_unreadable=skip_unreadable,
        times_s=_read_times(folder / "times.txt", frames),
        sequence_ids=np.zeros(len(names), dtype=np.int64),
    )


def _list_frames(folder: Path, left_out: LeftOut) -> list[str]:
    """Returns the numbered photos of the first camera that has any, in the order of frames."""
    for camera in _CAMERAS:
        if (folder / camera).is_dir():
            names = []
            photos = walk_photos(folder, left_out, folder=camera, recursive=False, keep_odd=True)
            for name in photos:
                if _is_number(Path(name).stem):
                    names.append(name)
                else:
                    left_out.add("number", name)
            if names:
                return sorted(names, key=lambda name: (int(Path(name).stem), name))
    raise ValueError(
        f"{folder} must hold photos named by their frame, such as image_2/000000.png. Received: "
        f"{left_out or 'none'}"
    )


def _refuse_other_counting(
    folder: Path, frames: NDArray[np.int64], count: int, poses_path: Path
) -> None:
    """Refuses photos that seem to be numbered from another start than the lines of poses.

    If the photos after the last line were left out, all others would get the pose of a later photo.
    """
    first, last = int(frames.min()), int(frames.max())
    if 0 < first and count <= last < first + count:
        raise ValueError(
            f"Photos in {folder} must be numbered from 0, as the lines of {poses_path} are. "
            f"Received: {first} to {last} for {counted(count, 'line')}. Rename them, or remove the "
            f"photos from {count} on if line 1 is the pose of photo 0"
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _read_times(times_path: Path, frames: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Returns (N,) seconds of frames, NaN if the file has no line for a frame."""
    if not times_path.is_file():
        return None
    stamps = Stamps(
        read_numbers(times_path, 1, lines_count=True)[:, 0], starts_are_whole(times_path)
    )
    seconds = seconds_alone(stamps)
    if stamps.whole and len(seconds) > 1 and np.array_equal(seconds, stamps.values):
        _log.warning(
            "The times in %s are whole numbers: read as seconds. If they are milliseconds or the "
            "numbers of frames, write seconds",
            shown(times_path),
        )
    times_s = np.append(seconds, np.nan)
    times_s[np.isinf(times_s)] = np.nan
    without = int((frames >= len(times_s) - 1).sum())
    if without:
        _log.warning(
            "%s has no time for %d of %s", times_path, without, counted(len(frames), "photo")
        )
    return times_s[np.minimum(frames, len(times_s) - 1)]


def _set_apart(
    root: Path, drives: list[tuple[Path, Path]], parts: list[PlaceDataset], apart_m: float
) -> PlaceDataset:
    """Returns the drives as one data set, each moved east, beyond the one before."""
    names, positions_m, times_s = [], [], []
    end_m = -apart_m
    for (folder, _), part in zip(drives, parts, strict=True):
        drive_m = part.known("positions_m")
        moved_m = drive_m + [end_m + apart_m - drive_m[:, 0].min(), 0.0]
        end_m = moved_m[:, 0].max()
        names.append([f"{folder.name}/{name}" for name in part.names])
        positions_m.append(moved_m)
        times_s.append(np.full(len(part), np.nan) if part.times_s is None else part.times_s)
    names, times_s = np.concatenate(names), np.concatenate(times_s)
    return PlaceDataset(
        root,
        names,
        positions_m=np.concatenate(positions_m),
        headings_deg=np.concatenate([part.known("headings_deg") for part in parts]),
        altitudes_m=np.concatenate([part.known("altitudes_m") for part in parts]),
        times_s=None if np.isnan(times_s).all() else times_s,
        sequence_ids=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        frame="SLAM metres, drives apart",
        **roles_of(names),
    )
