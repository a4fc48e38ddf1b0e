"""Pose formats that placevec recognizes by their files but does not read."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from placevec.input_file import shown

_MODEL = "Import it into COLMAP or OpenSfM and name that model"
_LINES = "Write its poses as lines `time x y z qx qy qz qw` for tum:, or as a table for table:"
_TABLE = "Write its positions as a table, `file,east,north,heading_deg`, for table:"


class Unread(NamedTuple):
    """A format that is not read.

    Args:
        files: tuple of str. Patterns of files in its folder that other formats do not have.
        name: str. Name of the format.
        way_out: str. What to do about it.
    """

    files: tuple[str, ...]
    name: str
    way_out: str


UNREAD = (
    Unread(("transforms.json", "transforms_train.json"), "a scene of nerfstudio or NeRF", _TABLE),
    Unread(("poses_bounds.npy",), "a scene of LLFF", _MODEL),
    Unread(("bundle*.out", "bundle/bundle*.out"), "a model of Bundler", _MODEL),
    Unread(("*.nvm",), "a model of VisualSFM", _MODEL),
    Unread(("sfm_data.json", "sfm_data.bin"), "a model of OpenMVG", _MODEL),
    Unread(("*.sfm", "*.mg"), "a model of Meshroom (AliceVision)", _MODEL),
    Unread(("*.psx", "*.files/project.zip"), "a project of Metashape", _MODEL),
    Unread(("*_cam.txt", "cams/*_cam.txt"), "cameras of MVSNet", _TABLE),
    Unread(("*.camera",), "cameras of the Strecha data sets", _TABLE),
    Unread(("dataset_train.txt", "dataset_test.txt"), "a scene of Cambridge Landmarks", _TABLE),
    Unread(("cam0_to_world.txt",), "a drive of KITTI-360", _LINES),
    Unread(("oxts/data", "oxts/dataformat.txt"), "a drive of raw KITTI", _TABLE),
    Unread(("vo/vo.csv", "gps/ins.csv", "ins.csv"), "a drive of RobotCar", _TABLE),
    Unread(("pose/0.txt", "*.sens"), "a scene of ScanNet", _TABLE),
    Unread(("traj.txt",), "a trajectory of Replica or NICE-SLAM", _LINES),
    Unread(("*.g2o",), "a pose graph of g2o", _LINES),
    Unread(("*.db3.zstd", "*.mcap.zstd", "*.bag.zst", "*.bag.bz2"), "a packed bag", "Unpack it"),
    Unread(("*.bag.active",), "a bag whose recording was cut off", "Reindex it with ROS"),
    Unread(("pairs*.txt",), "a list of pairs of hloc, without positions", _TABLE),
)


def find_unread(path: Path) -> str:
    """Names the unread format at a path and what to do, or returns `""`.

    Args:
        path: Path. A file or a folder.
    """
    for unread in UNREAD:
        for pattern in unread.files:
            found = path if path.is_file() and fnmatchcase(path.name, pattern) else None
            if path.is_dir():
                found = next(path.glob(pattern), None)
            if found is not None:
                return (
                    f"{shown(found.name)} is of {unread.name}, which is not read. {unread.way_out}"
                )
    return ""
