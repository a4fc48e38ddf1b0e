import builtins

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.sources import open_places
from placevec.sources.recordings.rosbag import read_rosbag, recognize_rosbag

rosbag1 = pytest.importorskip("rosbags.rosbag1")
rosbag2 = pytest.importorskip("rosbags.rosbag2")
typesys = pytest.importorskip("rosbags.typesys")

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
# x y z, then the quaternion x y z w; the second body has turned left by 90 degrees.
POSES = [(1, 2, 3, 0, 0, 0, 1), (4, 5, 6, 0, 0, 0.5**0.5, 0.5**0.5)]


class Bag:
    """Writes bags of ROS 1 or ROS 2 with messages of any of the types."""

    def __init__(self, path, version=1):
        self.path, self.version = path, version
        store = typesys.Stores.ROS1_NOETIC if version == 1 else typesys.Stores.ROS2_HUMBLE
        self.store = typesys.get_typestore(store)
        self.writer = rosbag1.Writer(path) if version == 1 else rosbag2.Writer(path, version=9)

    def message(self, kind, stamp, pose, frame="map", child="base"):
        types = self.store.types
        numbers = [float(number) for number in pose]
        time = types["builtin_interfaces/msg/Time"](*divmod(stamp, SECOND))
        first = {"seq": 0} if self.version == 1 else {}
        header = types["std_msgs/msg/Header"](**first, stamp=time, frame_id=frame)
        rotation = types["geometry_msgs/msg/Quaternion"](*numbers[3:])
        make = types[kind]
        if kind.endswith("TransformStamped"):
            offset = types["geometry_msgs/msg/Vector3"](*numbers[:3])
            transform = types["geometry_msgs/msg/Transform"](offset, rotation)
            return make(header, child, transform)
        place = types["geometry_msgs/msg/Pose"](
            types["geometry_msgs/msg/Point"](*numbers[:3]), rotation
        )
        if kind.endswith("PoseStamped"):
            return make(header, place)
        sure = types["geometry_msgs/msg/PoseWithCovariance"](place, np.zeros(36))
        if kind.endswith("PoseWithCovarianceStamped"):
            return make(header, sure)
        zero = types["geometry_msgs/msg/Vector3"](0.0, 0.0, 0.0)
        twist = types["geometry_msgs/msg/TwistWithCovariance"](
            types["geometry_msgs/msg/Twist"](zero, zero), np.zeros(36)
        )
        return make(header, child, sure, twist)

    def write(self, topics):
        """Writes topic -> (type, [(stamp, pose, options), ...])."""
        with self.writer as writer:
            for topic, (kind, messages) in topics.items():
                connection = writer.add_connection(topic, kind, typestore=self.store)
                for stamp, pose, options in messages:
                    message = self.message(kind, stamp, pose, **options)
                    pack = (
                        self.store.serialize_ros1 if self.version == 1 else self.store.serialize_cdr
                    )
                    writer.write(connection, stamp or START, pack(message, kind))
        return self.path


ODOMETRY = "nav_msgs/msg/Odometry"
POSE = "geometry_msgs/msg/PoseStamped"
KINDS = [
    POSE,
    "geometry_msgs/msg/PoseWithCovarianceStamped",
    ODOMETRY,
    "geometry_msgs/msg/TransformStamped",
]


def drive(kind=ODOMETRY, **options):
    return kind, [(START + i * SECOND, pose, options) for i, pose in enumerate(POSES)]


@pytest.fixture
def folder(photos):
    return photos(f"images/{START}.png", "images/1700000001000000000.png")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [1, 2])
def test_reads_every_type_in_both_versions(folder, kind, version):
    path = Bag(folder / ("drive.bag" if version == 1 else "drive"), version).write(
        {"/odom": drive(kind)}
    )
    dataset = read_rosbag(path)
    assert dataset.names.tolist() == [f"{START}.png", "1700000001000000000.png"]
    np.testing.assert_allclose(dataset.positions_m, [[1, 2], [4, 5]])
    np.testing.assert_allclose(dataset.headings_deg, [90, 0], atol=1e-9)
    np.testing.assert_allclose(dataset.altitudes_m, [3, 6])
    assert dataset.times_s.tolist() == [1.7e9, 1.7e9 + 1]
    assert dataset.sequence_ids.tolist() == [0, 0]
    assert dataset.frame == "SLAM metres"
    assert recognize_rosbag(path)


def test_an_optical_frame_looks_along_z(folder, refuses):
    # Level and looking north: x right, y down, z ahead.
    north = (0, 0, 0, -(0.5**0.5), 0, 0, 0.5**0.5)
    path = Bag(folder / "drive.bag").write(
        {"/camera": (POSE, [(START + i * SECOND, north, {}) for i in range(2)])}
    )
    dataset = open_places(f"rosbag:{path},forward=z")
    np.testing.assert_allclose(dataset.headings_deg, [0, 0], atol=1e-9)
    with refuses(ValueError, "`forward` must be x or z"):
        read_rosbag(f"{path},forward=y")


def test_the_topic_is_named_where_there_are_several(folder, refuses):
    path = Bag(folder / "drive.bag").write(
        {
            "/odom": drive(),
            "/slam/pose": (POSE, [(START, POSES[1], {}), (START + SECOND, POSES[0], {})]),
        }
    )
    with refuses(ValueError, r"2 topics with poses: /odom \(Odometry\), /slam/pose .PoseStamped."):
        read_rosbag(path)
    with refuses(ValueError, "Received: topic=/gps; it has /odom"):
        read_rosbag(f"{path},topic=/gps")
    dataset = open_places(f"rosbag:{path},images={folder}/images,topic=/slam/pose")
    np.testing.assert_allclose(dataset.positions_m, [[4, 5], [1, 2]])


def test_a_header_without_a_time_takes_that_of_its_record(folder):
    (folder / "images" / "1700000001000000000.png").unlink()
    path = Bag(folder / "drive.bag").write({"/pose": (POSE, [(0, POSES[0], {})])})
    assert len(read_rosbag(path)) == 1


def test_refuses_poses_of_several_frames(folder, refuses):
    messages = [(START, POSES[0], {}), (START + SECOND, POSES[1], {"frame": "odom"})]
    path = Bag(folder / "drive.bag").write({"/pose": (POSE, messages)})
    with refuses(ValueError, r"/pose .* must be of one frame. Received: 2 \('map, odom'"):
        read_rosbag(path)


def test_refuses_bags_without_poses(folder, refuses):
    with refuses(FileNotFoundError, "absent.bag does not exist"):
        read_rosbag(folder / "absent.bag")
    path = Bag(folder / "drive.bag").write({})
    with refuses(ValueError, "Received: no topic with poses; it has none"):
        read_rosbag(path)
    path = Bag(folder / "none", 2).write({"/odom": (ODOMETRY, [])})
    with refuses(ValueError, "/odom of .*none must have messages. Received: none"):
        read_rosbag(path)


def test_refuses_or_skips_photos_without_a_pose_in_time(folder, photos, refuses):
    path = Bag(folder / "drive.bag").write({"/odom": drive()})
    photos("images/1700000000500000000.png")
    with refuses(ValueError, "No pose for 1 of 3 photos.*1700000000500000000.png.*within 0.02 s"):
        read_rosbag(path)
    assert len(read_rosbag(path, skip_unreadable=True)) == 2
    assert len(read_rosbag(f"{path},within_s=0.6")) == 3


def test_says_how_to_name_the_photos(folder, refuses):
    path = Bag(folder / "drive.bag").write({"/odom": drive()})
    (folder / "images").rename(folder / "photos")
    with refuses(FileNotFoundError, "images is not a folder. Name the photos: .*,images=DIR"):
        read_rosbag(path)
    assert len(read_rosbag(f"{path},images={folder}/photos")) == 2


def test_says_how_to_install_what_is_missing(folder, refuses, monkeypatch):
    path = Bag(folder / "drive.bag").write({"/odom": drive()})
    found = builtins.__import__

    def without_rosbags(name, *args, **kwargs):
        if name.startswith("rosbags"):
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_rosbags)
    with refuses(ImportError, r"pip install 'placevec\[ros\]'"):
        read_rosbag(path)


def test_never_runs_the_types_that_a_bag_brings_along(folder, monkeypatch):
    path = Bag(folder / "drive.bag").write({"/odom": drive()})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"string child_frame_id", b"string child_frame_xx"))
    assert path.read_bytes() != content
    assert len(read_rosbag(path)) == 2


EDITS = st.lists(st.tuples(st.integers(0, 99_999), st.integers(0, 255)), max_size=6)


@given(EDITS, st.integers(0, 99_999), st.binary(max_size=99))
def test_damaged_bags_of_ros_1_end_in_one_line(folder, survives, damage, edits, length, noise):
    path = folder / "drive.bag"
    if not path.exists():
        (folder / "whole").write_bytes(Bag(path).write({"/odom": drive()}).read_bytes())
    whole = (folder / "whole").read_bytes()
    for content in (damage(whole, edits, length), damage(whole, edits, -1), noise):
        path.write_bytes(content)
        survives(read_rosbag, path)


@given(EDITS, st.integers(0, 99_999), st.binary(max_size=99))
def test_damaged_bags_of_ros_2_end_in_one_line(folder, survives, damage, edits, length, noise):
    path = folder / "drive"
    if not path.exists():
        Bag(path, 2).write({"/odom": drive()})
        for file in path.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    for file in sorted(path.iterdir()):
        whole = (folder / file.name).read_bytes()
        for content in (damage(whole, edits, length), damage(whole, edits, -1), noise):
            file.write_bytes(content)
            survives(read_rosbag, path)
        file.write_bytes(whole)


def test_reads_a_bag_as_its_makers_wrote_it(shared_data, photos, refuses):
    bag = shared_data("formats", "ros", "trimmed_locoffice.bag")
    with refuses(FileNotFoundError, "Pictures inside a bag are not read, .*image_raw .Image."):
        read_rosbag(bag)
    root = photos("left/1553180220.2.png")
    dataset = read_rosbag(f"{bag},images={root}/left,within_s=5")
    np.testing.assert_allclose(dataset.positions_m, [[3.898, 0.631]], atol=0.01)


def test_a_folder_of_bags_is_told_from_a_bag(tmp_path, refuses):
    (tmp_path / "a.bag").write_bytes(b"#ROSBAG V2.0\n")
    with refuses(FileNotFoundError, "must hold metadata.yaml.*Received: a.bag. Name a bag"):
        read_rosbag(tmp_path)


def test_a_file_without_a_first_line_is_not_searched_for_its_end(tmp_path):
    """A sparse file of 200 GB would be read whole."""
    (tmp_path / "images").mkdir()
    with open(tmp_path / "a.bag", "wb") as file:
        file.truncate(200_000_000_000)
    with pytest.raises(
        ValueError, match="a.bag is not a complete ROS bag .it must begin with #ROSBAG V"
    ):
        read_rosbag(f"{tmp_path / 'a.bag'}")
