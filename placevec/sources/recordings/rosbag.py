"""Poses in bags of ROS 1 and ROS 2, read with the package `rosbags`."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from placevec.counted import counted
from placevec.input_file import shown
from placevec.places.dataset import PlaceDataset
from placevec.sources.path_options import number_option, split_options
from placevec.sources.poses.camera_poses import WORLD_AXES, Poses, rotations_from_quaternions
from placevec.sources.poses.time_stamps import Stamps, photos_by_stamp, unit_option
from placevec.sources.poses.trajectory import (
    TOLERANCE_S,
    Track,
    flaw_of,
    places_of_poses,
    poses_in_time,
)

# Fields of the position and the quaternion in each type of message.
_TYPES = {
    "geometry_msgs/msg/PoseStamped": ("pose.position", "pose.orientation"),
    "geometry_msgs/msg/PoseWithCovarianceStamped": ("pose.pose.position", "pose.pose.orientation"),
    "nav_msgs/msg/Odometry": ("pose.pose.position", "pose.pose.orientation"),
    "geometry_msgs/msg/TransformStamped": ("transform.translation", "transform.rotation"),
}
# The axis of the message's frame that is the optical axis, and the rotation from the camera to it.
_FORWARD = {
    "x": np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
    "z": np.eye(3),
}
_PICTURES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_MOST_LISTED = 10
_ROS1_START = b"#ROSBAG V"
_STORAGES = (".db3", ".mcap")
_NANOSECONDS = 1_000_000_000
_OPTIONS = ("images", "topic", "forward", "within_s", "unit")


def read_rosbag(path: Path | str, *, skip_unreadable: bool = False) -> PlaceDataset:
    """Reads the poses of one topic of a bag, and photos named by their time stamps.

    Topics of PoseStamped, PoseWithCovarianceStamped, Odometry and TransformStamped are read. The
    world is the messages' frame, with z up as in REP 103; its x axis counts as east and y as north,
    as in `map` frames. The poses are those of a body whose x axis points forward, where the camera
    looks; with `forward=z`, they are those of an optical frame, whose z axis points forward. Any
    other mounting of the camera is unknown. A pose's time is that of its header or, if that is 0,
    that of its record. Each photo gets the pose nearest in time.

    The message types are those of ROS, never those that a bag defines. Compressed content is
    unpacked without a limit: only read compressed bags from people you trust.

    Args:
        path: Path. A `.bag`, a folder with `metadata.yaml`, a `.db3` or a `.mcap`. You can append
            `,images=DIR`, the photos (by default `images` beside the bag); `,topic=/odom`, which is
            needed if the bag has several such topics; `,forward=z`; `,within_s=0.1`, the longest
            time between a photo and its pose (by default 0.02 s); and `,unit=ns`, the unit of the
            photos' names if they are whole numbers and not dates.
        skip_unreadable: bool. Leave out photos without a file, time stamp or pose, and log how
            many they are. Defaults to `False`.

    Returns:
        PlaceDataset, in the order of time, in the frame `"SLAM metres"`.

    Raises:
        ImportError: If `rosbags` is not installed.
        FileNotFoundError: If the bag or photos are missing.
        ValueError: If the bag cannot be read, the topic is ambiguous, its messages have several
            frames, or photos have no pose.
    """
    bag_path, options = split_options(path, _OPTIONS)
    within_s = number_option(options, "within_s", TOLERANCE_S)
    unit = unit_option(options)
    forward = options.get("forward", "x")
    if forward not in _FORWARD:
        raise ValueError(f"`forward` must be x or z. Received: forward={forward}")
    if not bag_path.exists():
        raise FileNotFoundError(f"{bag_path} does not exist. Give a .bag or a folder of ROS 2")
    if bag_path.is_dir() and not (bag_path / "metadata.yaml").is_file():
        bags = [p.name for p in sorted(bag_path.iterdir()) if p.suffix in (".bag", *_STORAGES)]
        raise FileNotFoundError(
            f"{shown(bag_path)} must hold metadata.yaml, as a bag of ROS 2 does. Received: "
            f"{shown(', '.join(bags[:5])) or 'no bag'}. Name a bag"
        )
    root = Path(options.get("images", bag_path.parent / "images")).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(
            f"{root} is not a folder. Name the photos: {bag_path},images=DIR"
            f"{_pictures_inside(bag_path)}"
        )
    track = _read_track(bag_path, options.get("topic"))
    cameras = track.poses.mounted(_FORWARD[forward], np.zeros(3))
    names, stamps = photos_by_stamp(root, skip_unreadable=skip_unreadable)
    timed = poses_in_time(track._replace(poses=cameras), stamps, within_s=within_s, unit=unit)
    return places_of_poses(
        root,
        names,
        timed.poses,
        up=WORLD_AXES["z"],
        frame="SLAM metres",
        source=bag_path,
        way_out=timed.way_out,
        flaw=timed.flaw,
        is_near=timed.is_near,
        skip_unreadable=skip_unreadable,
        times_s=timed.times_s,
        sequence_ids=np.zeros(len(names), dtype=np.int64),
    )


def recognize_rosbag(path: Path) -> str:
    """Names the bag at a path, or returns `""`."""
    if path.is_file() and path.suffix in (".bag", *_STORAGES):
        return f"a ROS bag, {path.name}"
    if (path / "metadata.yaml").is_file():
        storages = [p for suffix in _STORAGES for p in path.glob(f"*{suffix}*")]
        return f"metadata.yaml beside {storages[0].name}" if storages else ""
    return ""


class _Bag(NamedTuple):
    """An open bag: its reader, and the function that decodes a message."""

    reader: Any
    deserialize: Callable[..., Any]


def _read_track(bag_path: Path, topic: str | None) -> Track:
    """Returns the pose of each message, in seconds."""
    with _one_line_errors(bag_path), _open_bag(bag_path) as bag:
        connections = _choose_topic(bag.reader.connections, topic, bag_path)
        rows, frames = [], set()
        for connection, record_time, content in bag.reader.messages(connections=connections):
            message = bag.deserialize(content, connection.msgtype)
            stamp = message.header.stamp
            time = stamp.sec * _NANOSECONDS + stamp.nanosec or record_time
            position, rotation = (_field(message, name) for name in _TYPES[connection.msgtype])
            rows.append([
                time / _NANOSECONDS, position.x, position.y, position.z,
                rotation.x, rotation.y, rotation.z, rotation.w,
            ])  # fmt: skip
            frames.add((message.header.frame_id, getattr(message, "child_frame_id", "")))
        name = connections[0].topic
    if not rows:
        raise ValueError(f"{name} of {bag_path} must have messages. Received: none")
    if len(frames) > 1:
        listed = ", ".join(" -> ".join(filter(None, pair)) for pair in sorted(frames)[:3])
        raise ValueError(
            f"The poses of {name} in {bag_path} must be of one frame. Received: {len(frames)} "
            f"({listed!r})"
        )
    numbers = np.array(rows)
    poses = Poses(numbers[:, 1:4], rotations_from_quaternions(numbers[:, 4:8]))
    flaw = flaw_of(poses, numbers[:, 1:4], numbers[:, 4:8])
    return Track(bag_path, Stamps(numbers[:, 0], whole=False), poses, flaw)


@contextlib.contextmanager
def _open_bag(bag_path: Path) -> Iterator[_Bag]:
    try:
        from rosbags import rosbag1, rosbag2
        from rosbags.typesys import Stores, get_typestore
    except ImportError:
        raise ImportError(
            "ROS bags need the package rosbags. Install it: pip install 'placevec[ros]'"
        ) from None
    if bag_path.suffix == ".bag" and bag_path.is_file():
        _require_ros1(bag_path)
        with rosbag1.Reader(bag_path) as reader:
            yield _Bag(reader, get_typestore(Stores.ROS1_NOETIC).deserialize_ros1)
    else:
        with rosbag2.Reader(bag_path) as reader:
            yield _Bag(reader, get_typestore(Stores.ROS2_HUMBLE).deserialize_cdr)


def _require_ros1(bag_path: Path) -> None:
    """Refuses a file that does not begin as a bag of ROS 1.

    rosbags looks for the first line end, so it could read all bytes of a file without one.
    """
    with open(bag_path, "rb") as file:
        start = file.read(len(_ROS1_START))
    if start != _ROS1_START:
        raise ValueError(f"it must begin with {_ROS1_START.decode()}")


class _ChoiceError(ValueError):
    """The topic is ambiguous or missing."""


def _choose_topic(connections: list, topic: str | None, bag_path: Path) -> list:
    """Returns the connections of the named topic, or of the only one with poses."""
    posed = [each for each in connections if each.msgtype in _TYPES and each.topic.isprintable()]
    topics = {connection.topic: connection.msgtype for connection in posed}
    chosen = topic or (next(iter(topics)) if len(topics) == 1 else None)
    if chosen in topics:
        return [connection for connection in posed if connection.topic == chosen]
    listed = ", ".join(f"{name} ({kind.split('/')[-1]})" for name, kind in sorted(topics.items()))
    if topic is None and topics:
        raise _ChoiceError(
            f"{bag_path} has {counted(len(topics), 'topic')} with poses: {listed}. Name one: "
            f"{bag_path},topic={sorted(topics)[0]}"
        )
    received = f"topic={shown(topic)}" if topic else "no topic with poses"
    kinds = ", ".join(kind.split("/")[-1] for kind in _TYPES)
    raise _ChoiceError(
        f"{bag_path} must hold a topic of {kinds}. Received: {received}; it has "
        f"{listed or _listed(connections)}"
    )


def _listed(connections: list) -> str:
    """Returns the topics of a bag and their types."""
    topics = sorted({f"{each.topic} ({each.msgtype.split('/')[-1]})" for each in connections})
    more = ""
    if len(topics) > _MOST_LISTED:
        more = f" and {counted(len(topics) - _MOST_LISTED, 'other')}"
    return shown(", ".join(topics[:_MOST_LISTED])) + more or "none"


def _pictures_inside(bag_path: Path) -> str:
    """Names the topics of a bag that have pictures, or returns `""`."""
    with _one_line_errors(bag_path), _open_bag(bag_path) as bag:
        pictures = [each for each in bag.reader.connections if each.msgtype in _PICTURES]
    if not pictures:
        return ""
    return (
        f". Pictures inside a bag are not read, {_listed(pictures)}: write them as files named by "
        "their time stamps"
    )


def _field(message: object, name: str) -> Any:  # noqa: ANN401
    for part in name.split("."):
        message = getattr(message, part)
    return message


@contextlib.contextmanager
def _one_line_errors(bag_path: Path) -> Iterator[None]:
    try:
        yield
    except (_ChoiceError, ImportError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # rosbags may raise anything, depending on what is damaged
        lines = str(error).splitlines() or [type(error).__name__]
        raise ValueError(
            f"{bag_path} is not a complete ROS bag ({lines[0]}). Get the file again, or reindex it"
        ) from None
