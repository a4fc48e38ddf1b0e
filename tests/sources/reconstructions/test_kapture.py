import math

import numpy as np
import pytest

from placevec.sources import open_places
from placevec.sources.reconstructions.kapture import read_kapture, recognize_kapture

# Cameras in a world with y down: the first looks along z, the second along x, both at (4, 1, 2).
HALF = math.sqrt(0.5)
FILES = {
    "sensors.txt": """# kapture format: 1.1
cam 0, Hero 7, camera, PINHOLE, 640, 480, 320, 320, 320, 240
cam1, , camera, UNKNOWN_CAMERA, 640, 480
depth0, kinect, depth, SIMPLE_PINHOLE, 640, 480, 320, 320, 240
gps, , gnss, EPSG:4326
""",
    "records_camera.txt": """# kapture format: 1.1
# timestamp, device_id, image_path
1, cam 0, map/a b.jpg
2, cam1, query/b.jpg
2, depth0, map/depth.png
""",
    "trajectories.txt": f"""1, cam 0, 1, 0, 0, 0, -4, -1, -2
2, cam1, {HALF}, 0, {-HALF}, 0, 2, -1, -4
""",
}
GNSS = "1, gps, 13.40, 52.50, 30, 0, 0\n2, gps, 13.41, 52.51, 31, 0, 0\n"


@pytest.fixture
def kapture(photos):
    def write(**changed):
        root = photos(*(f"sensors/records_data/{n}" for n in ("map/a b.jpg", "query/b.jpg")))
        for name, text in (FILES | {f"{n}.txt": text for n, text in changed.items()}).items():
            (root / "sensors" / name).write_text(text)
        return root

    return write


def test_reads_the_trajectories_of_cameras(kapture):
    dataset = read_kapture(kapture())
    assert dataset.names.tolist() == ["map/a b.jpg", "query/b.jpg"]
    np.testing.assert_allclose(dataset.positions_m, [[4, 2], [4, 2]], atol=1e-9)
    np.testing.assert_allclose(dataset.headings_deg, [0, 90], atol=1e-9)
    np.testing.assert_allclose(dataset.fields_of_view_deg, [90, np.nan])
    assert dataset.frame == "SLAM units" and dataset.times_s is None
    assert all(path.is_file() for path in dataset.paths())


def test_a_camera_is_where_its_rig_is(kapture):
    """A rig at (3, 1, 2) that looks along x; cam 0 is 1 ahead on it, cam1 is turned to its left."""
    rigs = "rig, cam 0, 1, 0, 0, 0, 0, 0, -1\nrig, plate, 1, 0, 0, 0, 0, 0, -1\n"
    rigs += f"plate, cam1, {HALF}, 0, {HALF}, 0, 0, 0, 0\n"
    rig = f"rig, {HALF}, 0, {-HALF}, 0, 2, -1, -3"
    root = kapture(rigs=rigs, trajectories=f"1, {rig}\n2, {rig}\n")
    dataset = read_kapture(f"{root},up=-y")
    np.testing.assert_allclose(dataset.positions_m, [[4, 2], [4, 2]], atol=1e-9)
    np.testing.assert_allclose(dataset.headings_deg, [90, 0], atol=1e-6)


def test_positions_of_gnss_are_on_the_utm_grid(kapture, refuses):
    root = kapture(records_gnss=GNSS)
    dataset = read_kapture(root)
    assert dataset.frame == "UTM 33U" and dataset.headings_deg is None
    assert dataset.altitudes_m.tolist() == [30, 31]
    np.testing.assert_allclose(np.diff(dataset.positions_m, axis=0), [[703, 1097]], atol=3)
    assert read_kapture(f"{root},positions=trajectories").frame == "SLAM units"
    with refuses(ValueError, "`positions` must be gnss or trajectories. Received: both"):
        read_kapture(f"{root},positions=both")


@pytest.mark.parametrize(
    "gnss",
    [GNSS.splitlines()[0], GNSS.replace("13.41, 52.51", "13.40, 52.50"), "1, gps, 0, 0, 0, 0, 0"],
)
def test_trajectories_are_read_where_gnss_does_not_tell_all_photos_apart(kapture, gnss):
    assert read_kapture(kapture(records_gnss=gnss)).frame == "SLAM units"


def test_refuses_or_skips_photos_without_a_position(kapture, refuses):
    root = kapture(records_gnss=GNSS.splitlines()[0])
    with refuses(ValueError, "No GNSS position of the same time for 1 of 2.*query/b.jpg"):
        read_kapture(f"{root},positions=gnss")
    assert len(read_kapture(f"{root},positions=gnss", skip_unreadable=True)) == 1
    root = kapture(trajectories=FILES["trajectories.txt"].splitlines()[0])
    with refuses(ValueError, "No pose for 1 of 2 .*Add poses of their times.*to trajectories.txt"):
        read_kapture(root)
    assert len(read_kapture(root, skip_unreadable=True)) == 1


def test_time_stamps_that_are_dates_are_times(kapture):
    root = kapture()
    for name in ("records_camera.txt", "trajectories.txt"):
        text = FILES[name].replace("1, cam", "1600000000000, cam")
        (root / "sensors" / name).write_text(text.replace("2, cam", "1600000000500, cam"))
    assert read_kapture(root).times_s.tolist() == [1.6e9, 1600000000.5]


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("records_camera", "", "must name photos. Received: none"),
        ("records_camera", "1, cam 0\n", "Line 1 of .* must have 3 cells.*Received: 2"),
        ("records_camera", "1.5, cam 0, a.jpg\n", "whole time stamp. Received: '1.5'"),
        ("records_camera", "1, cam 0, ../a.jpg\n", "stay inside"),
        ("trajectories", "1, cam 0, 1, 0, 0, 0, x, 0, 0\n", "must hold a number. Received: 'x'"),
        (
            "trajectories",
            FILES["trajectories.txt"] * 2,
            "one pose per time. Received: two for cam 0",
        ),
        (
            "trajectories",
            FILES["trajectories.txt"].replace("cam 0, 1", "cam 0, 3"),
            "No pose for 1",
        ),
        ("rigs", "r, cam 0, 1, 0, 0, 0, 0, 0, 0\n" * 2, "mount each sensor once. Received: cam 0"),
        (
            "records_gnss",
            f"{GNSS}2, gps, 1, 1, 1, 0, 0\n",
            "one position per time. Received: two at 2",
        ),
        ("sensors", "gps, , gnss, EPSG:2154\n", "must be in degrees.*Received: EPSG:2154 for gps"),
    ],
)
def test_refuses_bad_files(kapture, refuses, name, text, match):
    root = kapture(**({"records_gnss": GNSS} | {name: text}))
    with refuses(ValueError, match):
        read_kapture(f"{root},positions=trajectories")


def test_rigs_in_a_circle_have_no_pose(kapture, refuses):
    circle = "a, cam 0, 1, 0, 0, 0, 0, 0, 0\ncam 0, a, 1, 0, 0, 0, 0, 0, 0\n"
    root = kapture(rigs=circle, trajectories=FILES["trajectories.txt"].splitlines()[1])
    with refuses(ValueError, "No pose for 1 of 2"):
        read_kapture(root)


def test_refuses_a_folder_without_kapture(photos, refuses):
    with refuses(FileNotFoundError, "must hold sensors/sensors.txt"):
        read_kapture(photos("a.jpg"))


def test_refuses_several_kaptures(kapture, refuses):
    root = kapture()
    (root / "mapping").mkdir()
    (root / "sensors").rename(root / "mapping" / "sensors")
    with refuses(FileNotFoundError, "Received: some in mapping. Name one"):
        read_kapture(root)


def test_is_recognized(kapture):
    root = kapture()
    assert recognize_kapture(root) == "sensors/records_camera.txt beside sensors.txt"
    assert len(open_places(str(root))) == 2


def test_damaged_files_end_in_one_line(kapture, survives_damage):
    rig = "r, cam 0, 1, 0, 0, 0, 0, 0, 0\n"
    root = kapture(rigs=rig, records_gnss=GNSS)
    paths = sorted((root / "sensors").glob("*.txt"))
    survives_damage(lambda: read_kapture(f"{root},positions=trajectories,up=-y"), *paths)


def test_equals_the_models_that_it_was_made_from(shared_data):
    opensfm = open_places(str(shared_data("formats", "opensfm_berlin")))
    berlin = shared_data("formats", "kapture", "berlin")
    same = open_places(f"kapture:{berlin},positions=trajectories,up=z")
    np.testing.assert_allclose(same.headings_deg, opensfm.headings_deg, atol=1e-6)
    fixed = open_places(f"kapture:{berlin}")
    np.testing.assert_allclose(fixed.positions_m, opensfm.positions_m, atol=5)
    colmap = open_places(f"colmap:{shared_data('formats', 'colmap_maupertuis')}/sparse_bin")
    maupertuis = open_places(f"kapture:{shared_data('formats', 'kapture', 'maupertuis')}")
    np.testing.assert_allclose(maupertuis.positions_m, colmap.positions_m, atol=1e-3)


def test_photos_that_are_not_named_are_counted(kapture, photos, caplog):
    caplog.set_level("INFO")
    root = kapture()
    photos("sensors/records_data/map/more.jpg")
    read_kapture(root)
    assert "1 photo beside those of" in caplog.text and "(first: map/more.jpg)" in caplog.text
