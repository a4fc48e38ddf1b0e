import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placevec.sources import open_places
from placevec.sources.recordings.euroc import read_euroc, recognize_euroc

FRAMES = """#timestamp [ns],filename
1403636579763555584,1403636579763555584.png
1403636579813555456,1403636579813555456.png
"""
# The second body has turned left by 90 degrees about the vertical.
STATES = """#timestamp, p_x, p_y, p_z, q_w, q_x, q_y, q_z, v_x
1403636579763555584,1,2,3,1,0,0,0,0.5
1403636579813555456,4,5,6,0.70710678,0,0,0.70710678,0.5
"""
# The camera looks along the body's x axis and stands 0.1 m ahead on it.
SENSOR = """%YAML:1.0
sensor_type: camera
T_BS:
  cols: 4
  rows: 4
  data: [0.0, 0.0, 1.0, 0.1,
         -1.0, 0.0, 0.0, 0.0,
         0.0, -1.0, 0.0, 0.0,
         0.0, 0.0, 0.0, 1.0]
resolution: [752, 480]
intrinsics: [376.0, 376.0, 367.215, 248.375] #fu, fv, cu, cv
"""
CONTENT = {
    "cam0/data.csv": FRAMES,
    "state_groundtruth_estimate0/data.csv": STATES,
    "cam0/sensor.yaml": SENSOR,
}


@pytest.fixture
def flight(photos):
    def write(**changed):
        root = photos(
            "mav0/cam0/data/1403636579763555584.png", "mav0/cam0/data/1403636579813555456.png"
        )
        (root / "mav0" / "state_groundtruth_estimate0").mkdir(exist_ok=True)
        for name, text in (CONTENT | changed).items():
            (root / "mav0" / name).write_text(text)
        return root

    return write


@pytest.mark.parametrize("inside", ["", "mav0"])
def test_reads_the_camera_that_is_mounted_on_the_body(flight, inside):
    dataset = read_euroc(flight() / inside)
    assert dataset.names.tolist() == ["1403636579763555584.png", "1403636579813555456.png"]
    np.testing.assert_allclose(dataset.positions_m, [[1.1, 2], [4, 5.1]], atol=1e-7)
    np.testing.assert_allclose(dataset.headings_deg, [90, 0], atol=1e-6)
    np.testing.assert_allclose(dataset.altitudes_m, [3, 6], atol=1e-7)
    np.testing.assert_allclose(np.diff(dataset.times_s), 0.05, atol=1e-6)
    np.testing.assert_allclose(dataset.fields_of_view_deg, 90)
    assert dataset.sequence_ids.tolist() == [0, 0]
    assert dataset.frame == "SLAM metres"
    assert all(path.is_file() for path in dataset.paths())


def test_goes_without_intrinsics(flight):
    dataset = read_euroc(flight(**{"cam0/sensor.yaml": SENSOR.split("resolution")[0]}))
    assert np.isnan(dataset.fields_of_view_deg).all()


def test_refuses_or_skips_photos_before_the_ground_truth(flight, refuses, caplog):
    late = "\n".join(STATES.splitlines()[::2])
    root = flight(**{"state_groundtruth_estimate0/data.csv": late})
    with refuses(ValueError, "No pose for 1 of 2 photos.*1403636579763555584.png.*within 0.02 s"):
        read_euroc(root)
    assert len(read_euroc(root, skip_unreadable=True)) == 1
    assert len(read_euroc(f"{root},within_s=0.06")) == 2


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("cam0/data.csv", "#\n", "must name photos"),
        ("cam0/data.csv", "1,../../a.png\n", "stay inside"),
        ("state_groundtruth_estimate0/data.csv", "1,2,3\n", "must hold 8 numbers"),
        ("cam0/sensor.yaml", "T_BS:\n  data: [1, 2]\n", "`T_BS`.*16 numbers.*Received: 2 numbers$"),
        ("cam0/sensor.yaml", SENSOR.replace("-1.0", "-7.0"), "`T_BS`.*a rotation"),
        ("cam0/sensor.yaml", "", "`T_BS`"),
    ],
)
def test_refuses_bad_files(flight, refuses, name, text, match):
    with refuses(ValueError, match):
        read_euroc(flight(**{name: text}))


@pytest.mark.parametrize("name", CONTENT)
def test_refuses_missing_files(flight, refuses, name):
    root = flight()
    (root / "mav0" / name).unlink()
    with refuses(FileNotFoundError, f"{name} does not exist"):
        read_euroc(root)


def counting(text, per_second):
    """Returns a file of nanoseconds with its first cells in another unit, from 10 s on."""
    header, *lines = text.splitlines()
    rows = [line.partition(",") for line in lines]
    seconds = [int(stamp) / 1e9 - 1403636569.763555584 for stamp, _, _ in rows]
    stamps = [f"{s:.6f}" if per_second == 1 else str(round(s * per_second)) for s in seconds]
    return "\n".join([header, *(f"{s},{row[2]}" for s, row in zip(stamps, rows, strict=True))])


@pytest.mark.parametrize("per_second", [1, 1000, 1_000_000, 1_000_000_000])
def test_what_time_stamps_count_is_told_by_their_size(flight, per_second):
    root = flight(**{
        "cam0/data.csv": counting(FRAMES, per_second),
        "state_groundtruth_estimate0/data.csv": counting(STATES, per_second),
    })  # fmt: skip
    dataset = read_euroc(root)
    np.testing.assert_allclose(dataset.times_s, [10, 10.05], atol=1e-3)
    np.testing.assert_allclose(dataset.positions_m, [[1.1, 2], [4, 5.1]], atol=1e-7)


def test_seconds_are_not_taken_for_nanoseconds(flight, refuses):
    late = FRAMES.replace("\n1403636579", "\n1403636589.")
    root = flight(**{
        "cam0/data.csv": late,
        "state_groundtruth_estimate0/data.csv": STATES.replace("1403636579", "1403636579."),
    })  # fmt: skip
    with refuses(
        ValueError, r"No pose for 2 of 2.*photos are of 1403636589.764 to .* of 1403636579"
    ):
        read_euroc(root)


def test_is_recognized(flight):
    root = flight()
    assert recognize_euroc(root) == "cam0/data.csv beside state_groundtruth_estimate0/data.csv"
    assert len(open_places(str(root / "mav0"))) == 2


@given(
    st.sampled_from(sorted(CONTENT)),
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=6),
    st.integers(0, 999),
    st.binary(max_size=60),
)
def test_damaged_files_end_in_one_line(flight, survives, damage, name, edits, length, noise):
    root = flight()
    for content in (damage(CONTENT[name].encode(), edits, length), noise):
        (root / "mav0" / name).write_bytes(content)
        survives(read_euroc, root)


def test_refuses_matrices_in_place_of_quaternions(flight, refuses):
    row = "1403636579763555584,1,0,0,1,0,1,0,2,0,0,1,3\n"
    with refuses(ValueError, "must hold times, positions and quaternions. Received: 13 numbers"):
        read_euroc(flight(**{"state_groundtruth_estimate0/data.csv": row}))


def test_photos_that_are_not_named_are_counted(flight, photos, caplog):
    caplog.set_level("INFO")
    root = flight()
    photos("mav0/cam0/data/more.png")
    read_euroc(root)
    assert "1 photo beside those of" in caplog.text and "(first: more.png)" in caplog.text
