import numpy as np
import pytest

from placevec.sources import open_places
from placevec.sources.poses.georeference import geodetic
from placevec.sources.recordings.four_seasons import read_four_seasons, recognize_four_seasons
from placevec.sources.values.utm import metres_from_degrees

FRAMES = [1602074967051661568, 1602074967084993792, 1602074967118326016]
# Level cameras in a world with z up, in half metres: x y z w. The first looks north, then east.
POSES = f"""# frame_id, translation, rotation, scale, fusion_quality, v3
{FRAMES[0]},2,4,6,-0.70710678,0,0,0.70710678,0.5,1,0
{FRAMES[2]},8,10,12,-0.5,0.5,-0.5,0.5,0.5,1,0
"""
# The GPS world is turned left by 90 degrees against the drive's, and 1 m to its east.
TRANSFORMATIONS = """# transform_S_AS: translation vector, rotation quaternion
0,0,0,0,0,0,1

# TS_cam_imu: translation vector, rotation quaternion
0.1,0,0,0,0,0,1
# transform_w_gpsw: translation vector, rotation quaternion
1,0,0,0,0,0.70710678,0.70710678
# transform_gps_imu: translation vector, rotation quaternion
0,0,0,0,0,0,1
# transform_e_gpsw: translation vector, rotation quaternion
4172814.292643,857504.007380,4731704.606937,0.225469,0.276513,0.724007,0.590354
# GNSS scale
0.969397
"""
FILES = {"GNSSPoses.txt": POSES, "Transformations.txt": TRANSFORMATIONS}


@pytest.fixture
def drive(photos):
    def write(files=FILES, frames=FRAMES):
        root = photos(*(f"undistorted_images/cam0/{frame}.png" for frame in frames))
        for name, text in files.items():
            (root / name).write_text(text)
        return root

    return write


def test_reads_keyframes_in_the_drives_world(drive, caplog):
    dataset = read_four_seasons(drive({"GNSSPoses.txt": POSES}))
    assert dataset.names.tolist() == [f"{FRAMES[0]}.png", f"{FRAMES[2]}.png"]
    np.testing.assert_allclose(dataset.positions_m, [[1, 2], [4, 5]], atol=1e-9)
    np.testing.assert_allclose(dataset.altitudes_m, [3, 6], atol=1e-9)
    np.testing.assert_allclose(dataset.headings_deg, [0, 90], atol=1e-5)
    np.testing.assert_allclose(np.diff(dataset.times_s), 0.066664, atol=1e-6)
    assert dataset.frame == "SLAM metres"
    assert "2 of 3 photos in" in caplog.text


def test_transformations_put_them_on_the_utm_grid(drive):
    """East of the drive is south of the GPS world, whose origin is near 48.194, 11.612."""
    dataset = read_four_seasons(drive())
    latitudes_deg, longitudes_deg, _ = geodetic(
        np.array([[4172814.292643, 857504.007380, 4731704.606937]])
    )
    origin, zone = metres_from_degrees(latitudes_deg, longitudes_deg)
    assert dataset.frame == f"UTM {zone}" == "UTM 32U"
    np.testing.assert_allclose(dataset.positions_m - origin, [[2, 0], [5, -3]], atol=0.3)
    np.testing.assert_allclose(dataset.headings_deg, [90, 180], atol=1e-5)
    np.testing.assert_allclose(np.diff(dataset.altitudes_m), 3, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("GNSSPoses.txt", f"{FRAMES[0]},2,4,6,0,0,0,1\n", "Line 1 of .* must hold 9 numbers"),
        ("GNSSPoses.txt", POSES + POSES, "must give each frame one pose. Received: two for"),
        ("GNSSPoses.txt", POSES.replace("-0.5,0.5,-0.5", "0,0,0"), "No pose for 1 .*of length 0.5"),
        ("GNSSPoses.txt", "7,2,4,6,0,0,0,1,1\n", "named by the frames of .*such as 7.png"),
        ("Transformations.txt", "1,2,3\n", "must hold 5 lines of 7 numbers"),
        ("Transformations.txt", TRANSFORMATIONS.replace("0,0,1\n", "0,0,9\n"), "have length 1"),
        ("Transformations.txt", TRANSFORMATIONS.replace("0.1,", "nan,"), "must be finite"),
    ],
)
def test_refuses_bad_files(drive, refuses, name, text, match):
    with refuses(ValueError, match):
        read_four_seasons(drive(FILES | {name: text}))


def test_refuses_missing_files(drive, photos, refuses):
    with refuses(FileNotFoundError, "GNSSPoses.txt does not exist"):
        read_four_seasons(drive({}))
    with refuses(FileNotFoundError, "must hold undistorted_images/cam0"):
        read_four_seasons(drive().parent)


def test_is_recognized(drive):
    root = drive()
    assert recognize_four_seasons(root) == "GNSSPoses.txt beside images of cam0"
    assert len(open_places(str(root))) == 2


def test_damaged_files_end_in_one_line(drive, survives_damage):
    root = drive()
    survives_damage(lambda: read_four_seasons(root), *sorted(root.glob("*.txt")))
