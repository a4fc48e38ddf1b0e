import json
import math

import numpy as np
import pytest

from placevec.sources import open_places
from placevec.sources.reconstructions.opensfm import read_opensfm, recognize_opensfm
from placevec.sources.values.utm import metres_from_degrees

# Level cameras in a world with z up at (10, 20, 2): the first looks north, the second east.
NORTH = {"rotation": [math.pi / 2, 0, 0], "translation": [-10, 2, -20], "camera": "c"}
EAST = {
    "rotation": [2 * math.pi / 3 / 3**0.5, -2 * math.pi / 3 / 3**0.5, 2 * math.pi / 3 / 3**0.5],
    "translation": [20, 2, -10],
    "camera": "c",
    "capture_time": 1.6e9,
}
CAMERAS = {"c": {"projection_type": "brown", "width": 400, "height": 200, "focal_x": 0.5}}
SHOTS = {"b.jpg": NORTH, "a/a.jpg": EAST}
BERLIN = {"latitude": 52.5, "longitude": 13.4, "altitude": 30}


@pytest.fixture
def model(photos):
    def write(shots=SHOTS, cameras=CAMERAS, **more):
        root = photos("images/b.jpg", "images/a/a.jpg")
        text = json.dumps([{"shots": shots, "cameras": cameras, "points": {}} | more])
        (root / "reconstruction.json").write_text(text)
        return root

    return write


@pytest.mark.parametrize("inside", ["", "reconstruction.json"])
def test_reads_a_model_without_a_place_on_earth(model, inside):
    dataset = read_opensfm(model() / inside)
    assert dataset.names.tolist() == ["a/a.jpg", "b.jpg"]
    np.testing.assert_allclose(dataset.positions_m, [[10, 20], [10, 20]], atol=1e-9)
    np.testing.assert_allclose(dataset.headings_deg, [90, 0], atol=1e-9)
    np.testing.assert_allclose(dataset.altitudes_m, [2, 2], atol=1e-9)
    np.testing.assert_allclose(dataset.fields_of_view_deg, [90, 90])
    np.testing.assert_array_equal(dataset.times_s, [1.6e9, np.nan])
    assert dataset.frame == "SLAM units"
    assert all(path.is_file() for path in dataset.paths())


@pytest.mark.parametrize("is_beside", [False, True])
def test_a_reference_puts_it_on_the_utm_grid(model, is_beside):
    root = model(**({} if is_beside else {"reference_lla": BERLIN}))
    if is_beside:
        (root / "reference_lla.json").write_text(json.dumps(BERLIN))
    dataset = read_opensfm(root)
    assert dataset.frame == "UTM 33U"
    # North of the grid is turned by 1.3 degrees there.
    origin, _ = metres_from_degrees([BERLIN["latitude"]], [BERLIN["longitude"]])
    np.testing.assert_allclose(dataset.positions_m[0] - origin[0], [10, 20], atol=0.6)
    np.testing.assert_allclose(dataset.altitudes_m, [32, 32], atol=1e-3)
    np.testing.assert_allclose(dataset.headings_deg, [90, 0], atol=1e-9)


def test_a_reference_of_0_0_is_none(model):
    nowhere = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}
    assert read_opensfm(model(reference_lla=nowhere)).frame == "SLAM units"


def test_a_photo_that_is_turned_has_the_angle_of_its_shorter_side(model):
    cameras = {"c": CAMERAS["c"] | {"focal_x": 0.25}, "s": {"projection_type": "spherical"}}
    shots = {"b.jpg": NORTH | {"orientation": 6}, "a/a.jpg": EAST | {"camera": "s"}}
    np.testing.assert_allclose(read_opensfm(model(shots, cameras)).fields_of_view_deg, [360, 90])
    fisheye = {"c": CAMERAS["c"] | {"projection_type": "fisheye_opencv"}}
    dataset = read_opensfm(model(SHOTS, fisheye))
    np.testing.assert_allclose(dataset.fields_of_view_deg, math.degrees(2.0))


def test_several_reconstructions_are_named_by_number(model, refuses):
    root = model()
    path = root / "reconstruction.json"
    (one,) = json.loads(path.read_text())
    path.write_text(json.dumps([one, one | {"shots": {"b.jpg": NORTH}}]))
    with refuses(
        ValueError, "must name one of them: PATH,model=0. Received: 2, of 2 photos, 1 photo"
    ):
        read_opensfm(root)
    assert read_opensfm(f"{root},model=1").names.tolist() == ["b.jpg"]
    with refuses(ValueError, "Received: model=2; it has 2, counted from 0"):
        read_opensfm(f"{root},model=2")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "must be JSON"),
        ("{}", "must hold a list of reconstructions"),
        ("[]", "Received: model=0; it has 0"),
        ("[1]", "must hold a list of reconstructions"),
        ('[{"shots": []}]', "must hold objects in `shots`"),
        ('[{"shots": {"a": 1}}]', "must hold objects in `shots`"),
        ('[{"shots": {}}]', "`shots` of .* must not be empty"),
        ("[" * 200 + "]" * 200, "must nest at most 100 levels"),
    ],
)
def test_refuses_what_is_no_reconstruction(model, refuses, text, match):
    root = model()
    (root / "reconstruction.json").write_text(text)
    with refuses(ValueError, match):
        read_opensfm(root)


@pytest.mark.parametrize(
    ("shot", "match"),
    [
        ({"rotation": [0, 0]}, "`rotation` of b.jpg in .* must be 3 numbers. Received: \\[0, 0\\]"),
        ({"translation": None}, "`translation` of b.jpg"),
        ({"translation": [0, "1", 2]}, "`translation` of b.jpg"),
        ({"translation": [0, 1e12, 2]}, r"No pose for 1 of 2.*a coordinate beyond 1e\+09"),
    ],
)
def test_refuses_a_bad_shot(model, refuses, shot, match):
    with refuses(ValueError, match):
        read_opensfm(model(SHOTS | {"b.jpg": NORTH | shot}))


def test_refuses_names_that_lead_out_and_missing_photos(model, refuses):
    with refuses(ValueError, "stay inside"):
        read_opensfm(model({"../b.jpg": NORTH}))
    with refuses(FileNotFoundError, "Missing or empty: 1 of 2 .*c.jpg"):
        read_opensfm(model({"b.jpg": NORTH, "c.jpg": NORTH}))
    assert len(read_opensfm(model({"b.jpg": NORTH, "c.jpg": NORTH}), skip_unreadable=True)) == 1


def test_is_recognized(model):
    root = model()
    assert recognize_opensfm(root) == "reconstruction.json"
    assert len(open_places(str(root))) == 2


def test_damaged_files_end_in_one_line(model, survives_damage):
    root = model(reference_lla=BERLIN)
    survives_damage(lambda: read_opensfm(root), root / "reconstruction.json")


def test_equals_the_gps_of_the_photos_that_it_was_made_from(shared_data):
    folder = shared_data("formats", "opensfm_berlin")
    placed, taken = open_places(str(folder)), open_places(f"exif:{folder}/images")
    assert placed.frame == taken.frame == "UTM 33U"
    np.testing.assert_allclose(placed.positions_m, taken.positions_m, atol=5)


def test_capture_times_in_milliseconds_are_told_by_their_size(model):
    shots = {"b.jpg": NORTH | {"capture_time": 1.6e12}, "a/a.jpg": EAST | {"capture_time": 0}}
    np.testing.assert_array_equal(read_opensfm(model(shots)).times_s, [np.nan, 1.6e9])


def test_a_bad_reference_names_the_file_that_holds_it(model, refuses):
    with refuses(ValueError, r"`reference_lla` in .*reconstruction.json must be 3 .*: \[52, 13\]"):
        read_opensfm(model(reference_lla=[52, 13]))


def test_photos_that_are_not_named_are_counted(model, photos, caplog):
    caplog.set_level("INFO")
    root = model()
    photos("images/more.jpg")
    read_opensfm(root)
    assert "1 photo beside those of" in caplog.text and "(first: more.jpg)" in caplog.text


def test_an_origin_at_zero_is_said_to_be_unknown(model, caplog):
    lla = {"latitude": 0, "longitude": 1e-9, "altitude": 0}
    assert read_opensfm(model(reference_lla=lla)).frame == "SLAM units"
    assert "is 0, 0: read as unknown" in caplog.text
