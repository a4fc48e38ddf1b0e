"""EuRoC: the left camera of a micro air vehicle and the estimated state of its body."""

import math
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.input_file import open_text, shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.files import names_on_disk, tell_unnamed
from placevec.sources.path_options import number_option, split_options
from placevec.sources.poses.camera_poses import WORLD_AXES, Poses
from placevec.sources.poses.number_lines import first_numbers
from placevec.sources.poses.time_stamps import read_frame_list, unit_option
from placevec.sources.poses.trajectory import (
    TOLERANCE_S,
    places_of_poses,
    poses_in_time,
    read_track,
)
from placevec.sources.walk import require_folder

_STATES = "state_groundtruth_estimate0/data.csv"
_LARGEST_YAML = 100_000  # bytes
_OPTIONS = ("within_s", "unit")
# Numbers in a line with a matrix in place of a quaternion, without and with its time.
_MATRIX = (12, 13)


def read_euroc(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads `cam0` of an EuRoC sequence and the ground truth of its body.

    `cam0/data.csv` names the photos of `cam0/data`, `state_groundtruth_estimate0/data.csv` has
    the body's positions and quaternions, w first, and `T_BS` of `cam0/sensor.yaml` says how the
    camera is mounted on it. The world's z axis points up; its x axis counts as east, because the
    data have no compass. Each photo gets the state nearest in time. The unit of time stamps,
    usually nanoseconds, follows from their size, see `seconds_together`. The field of view comes
    from `intrinsics` and `resolution`, without the lens's distortion.

    Args:
        path: Path. The folder `mav0`, or the one that holds it. You can append `,within_s=0.1`, the
            longest time between a photo and its state (by default 0.02 s), and `,unit=ns`, the unit
            of whole time stamps.
        skip_unreadable: bool. Leave out photos without a file or state, such as those before the
            ground truth begins, and log how many they are. Defaults to `False`.

    Returns:
        PlaceDataset, in the order of `cam0/data.csv`, in the frame `"SLAM metres"`.

    Raises:
        FileNotFoundError: If a file or photos are missing.
        ValueError: If a file cannot be read or photos have no state.
    """
    top, options = split_options(path, _OPTIONS)
    within_s = number_option(options, "within_s", TOLERANCE_S)
    require_folder(top)
    mav_dir = _find_mav(top)
    camera_dir = mav_dir / "cam0"
    sensor = _read_sensor(camera_dir / "sensor.yaml")
    names, stamps = read_frame_list(camera_dir / "data.csv")
    names = names_on_disk(camera_dir / "data", names, source=camera_dir / "data.csv")
    tell_unnamed(camera_dir / "data", names, source=camera_dir / "data.csv")
    states_path = mav_dir / _STATES
    count = len(first_numbers(states_path))
    if count in _MATRIX:
        raise ValueError(
            f"{shown(states_path)} must hold times, positions and quaternions. Received: {count} "
            "numbers per line, which may be matrices. Write 8 values per line"
        )
    track = read_track(states_path, w_first=True, exactly=False)
    cameras = track.poses.mounted(sensor.to_body[:3, :3], sensor.to_body[:3, 3])
    timed = poses_in_time(
        track._replace(poses=cameras), stamps, within_s=within_s, unit=unit_option(options)
    )
    return places_of_poses(
        camera_dir / "data",
        names,
        timed.poses,
        up=WORLD_AXES["z"],
        frame="SLAM metres",
        source=track.source,
        way_out=timed.way_out,
        flaw=timed.flaw,
        is_near=timed.is_near,
        skip_unreadable=skip_unreadable,
        times_s=timed.times_s,
        sequence_ids=np.zeros(len(names), dtype=np.int64),
        fields_of_view_deg=np.full(len(names), sensor.field_of_view_deg),
    )


def recognize_euroc(path: Path) -> str:
    """Names the files of EuRoC at a path, or returns `""`."""
    mav_dir = _find_mav(path)
    there = all((mav_dir / name).is_file() for name in ("cam0/data.csv", _STATES))
    return f"cam0/data.csv beside {_STATES}" if there else ""


class _Sensor(NamedTuple):
    to_body: NDArray[np.float64]  # (4, 4) float64, from the camera to the body
    field_of_view_deg: float  # NaN if not given


def _find_mav(top: Path) -> Path:
    return top / "mav0" if (top / "mav0").is_dir() else top


def _read_sensor(yaml_path: Path) -> _Sensor:
    if not yaml_path.is_file():
        raise FileNotFoundError(
            f"{yaml_path} does not exist. It says how the camera is mounted (T_BS)"
        )
    with open_text(yaml_path, max_bytes=_LARGEST_YAML, errors="replace") as file:
        text = file.read()
    numbers = _list_behind("T_BS", text)
    to_body = np.array(numbers if len(numbers) == 16 else [np.nan] * 16).reshape(1, 4, 4)
    if not Poses(to_body[:, :3, 3], to_body[:, :3, :3]).known.all():
        received = numbers if len(numbers) == 16 else counted(len(numbers), "number")
        raise ValueError(
            f"`T_BS` of {yaml_path} must have `data:` of 16 numbers, a rotation and an offset. "
            f"Received: {received}"
        )
    intrinsics, resolution = (_list_behind(name, text) for name in ("intrinsics", "resolution"))
    field_of_view_deg = math.nan
    if intrinsics and resolution and intrinsics[0] > 0 and resolution[0] > 0:
        field_of_view_deg = math.degrees(2 * math.atan(resolution[0] / (2 * intrinsics[0])))
    return _Sensor(to_body[0], field_of_view_deg)


def _list_behind(name: str, text: str) -> list[float]:
    """Returns the numbers of the first `[...]` after a key of a YAML file; none if unreadable."""
    match = re.search(rf"^{name}:[^\[]*\[([^\]]*)\]", text, re.MULTILINE)
    try:
        return [float(cell) for cell in match.group(1).split(",")] if match else []
    except ValueError:
        return []
