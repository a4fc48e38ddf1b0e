"""7-Scenes: frames of a hand-held camera, each with a pose file beside it."""

import logging
import posixpath
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.path_options import split_options
from placevec.sources.poses.camera_poses import Poses
from placevec.sources.poses.depth_images import without_depth_images
from placevec.sources.poses.number_lines import read_numbers, text_lines
from placevec.sources.poses.trajectory import flaw_of, places_of_poses, up_option
from placevec.sources.walk import leads_out, list_photos, require_folder

_log = logging.getLogger(__name__)

_POSE = ".pose.txt"
_OPTIONS = ("up",)
_SPLITS = ("TrainSplit.txt", "TestSplit.txt")
_SEQUENCE = re.compile(r"(seq|sequence)[-_]?\d+|data", re.IGNORECASE)
_FRAME = re.compile(r"\A(.+?)(\.color|\.rgb)?\.[^.]+\Z", re.DOTALL)


def read_seven_scenes(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads a scene of 7-Scenes, or of 12-Scenes, which has the same files.

    `frame-000000.pose.txt` has the 4 x 4 matrix from the camera to the scene's world for the photo
    `frame-000000.color.png`; `frame-000000.depth.png` is left out. All sequences of a scene share
    one world. placevec finds which way is up from how the cameras are held on average (see
    `find_up`), unless the path names it. If `TrainSplit.txt` and `TestSplit.txt` name the
    sequences, those of the first are the database and those of the second are the queries;
    otherwise all photos are both.

    Args:
        path: Path. The folder of a scene, with `seq-01` and others, or of one sequence. You can
            append `,up=-y`, the axis of the world that points up.
        skip_unreadable: bool. Leave out photos without a file or pose, and log how many they are.
            Defaults to `False`.

    Returns:
        PlaceDataset, sorted by name, in the frame `"SLAM metres"`; `sequence_ids` number the
        sequences.

    Raises:
        FileNotFoundError: If there are no poses, or photos are empty.
        ValueError: If a file cannot be read, photos have no pose, there are several scenes, or the
            up direction cannot be found.
    """
    top, options = split_options(path, _OPTIONS)
    require_folder(top)
    folders = _find_sequences(top)
    if not folders:
        raise FileNotFoundError(
            f"{shown(top)} must hold frame-000000{_POSE} and others, there, in data or in seq-01 "
            "and others. Received: none"
        )
    names, sequence_ids = [], []
    for number, folder in enumerate(folders):
        prefix = "" if folder == top else f"{folder.relative_to(top).as_posix()}/"
        inside = [name for name in list_photos(folder) if "/" not in name]
        inside = without_depth_images(folder, inside) if inside else []
        names += [f"{prefix}{name}" for name in inside]
        sequence_ids += [number] * len(inside)
    if not names:
        raise FileNotFoundError(f"{shown(top)} must hold photos beside the poses. Received: none")
    names = np.array(names)
    pose_paths = [top / _FRAME.sub(rf"\1{_POSE}", name) for name in names]
    is_near = np.array([pose_path.is_file() for pose_path in pose_paths], dtype=bool)
    matrices = np.full((len(names), 4, 4), np.nan)
    for row in np.flatnonzero(is_near):
        matrices[row] = _read_matrix(pose_paths[row])
    poses = Poses(matrices[:, :3, 3], matrices[:, :3, :3])
    posed = poses.at(np.flatnonzero(is_near))
    lonely = {each for folder in folders for each in folder.glob(f"*{_POSE}")}.difference(
        pose_paths
    )
    if lonely:
        _log.warning(
            "No photo for %s in %s (first: %s)", counted(len(lonely), "pose"), top, min(lonely).name
        )
    return places_of_poses(
        top,
        names,
        poses,
        up=up_option(options),
        frame="SLAM metres",
        source=top,
        way_out=f"Put its {_POSE} beside each",
        flaw=flaw_of(posed, matrices[is_near, :3, 3], matrices[is_near, :3, :3]),
        is_near=is_near,
        skip_unreadable=skip_unreadable,
        sequence_ids=np.array(sequence_ids, dtype=np.int64),
        **_roles(top, folders, np.array(sequence_ids)),
    )


def recognize_seven_scenes(path: Path) -> str:
    """Names the pose files at a path, or returns `""`."""
    folders = _find_sequences(path) if path.is_dir() else []
    return f"{folders[0].name}/*{_POSE}" if folders else ""


def _find_sequences(top: Path) -> list[Path]:
    """Returns the folder itself or the folders in it, if they have pose files."""
    if _has_poses(top):
        return [top]
    inside = sorted(each for each in top.iterdir() if _SEQUENCE.fullmatch(each.name))
    return [
        each for each in inside if each.is_dir() and not leads_out(each, top) and _has_poses(each)
    ]


def _has_poses(folder: Path) -> bool:
    return next(folder.glob(f"*{_POSE}"), None) is not None


def _read_matrix(pose_path: Path) -> NDArray[np.float64]:
    matrix = read_numbers(pose_path, 4)
    if len(matrix) != 4:
        raise ValueError(
            f"{shown(pose_path)} must hold a matrix of 4 lines of 4 numbers. Received: "
            f"{counted(len(matrix), 'line')}"
        )
    return matrix


def _roles(
    top: Path, folders: list[Path], sequence_ids: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    """Returns which photos are queries and which are the database, as fields of PlaceDataset."""
    if not all((top / name).is_file() for name in _SPLITS):
        return {}
    numbers = {_number(folder.name): row for row, folder in enumerate(folders)}
    roles = {}
    for field, name in zip(("is_database", "is_query"), _SPLITS, strict=True):
        rows, missing = [], []
        for number, line in text_lines(top / name):
            if _number(line) is None:
                raise ValueError(
                    f"Line {number} of {shown(top / name)} must name a sequence, such as "
                    f"sequence1. Received: {shown(line, longest=80)!r}"
                )
            rows.append(numbers.get(_number(line), -1))
            missing += [line] if rows[-1] < 0 else []
        roles[field] = np.isin(sequence_ids, rows)
        _warn_of(f"sequences in {shown(top / name)} are missing", missing)
    in_none = ~roles["is_database"] & ~roles["is_query"]
    _warn_of(
        f"sequences in {shown(top)} are in none of {' and '.join(_SPLITS)}: neither queries nor in "
        "the database",
        [folders[row].name for row in np.unique(sequence_ids[in_none])],
    )
    return roles


def _warn_of(problem: str, names: list[str]) -> None:
    if names:
        _log.warning("%d %s (first: %s)", len(names), problem, shown(names[0]))


def _number(name: str) -> int | None:
    """Returns the number at the end of a sequence's name: 1 of `seq-01` and of `sequence1`."""
    match = re.search(r"(\d{1,9})$", posixpath.basename(name))
    return int(match[1]) if match and match[1].isascii() else None
