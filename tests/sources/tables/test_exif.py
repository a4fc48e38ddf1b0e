import logging
import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from placevec.images.metadata.gps import read_gps
from placevec.images.read import read_image
from placevec.sources import open_places
from placevec.sources.tables.exif import NUM_LOOKED_AT, read_exif, recognize_exif
from placevec.sources.values.utm import metres_from_degrees

GPS, CAMERA = 0x8825, 0x8769
CAMBRIDGE = {1: "N", 2: (52.0, 12.0, 18.0), 3: "E", 4: (0.0, 7.0, 12.0)}
SYDNEY = {1: "S", 2: (33.0, 51.0, 0.0), 3: "E", 4: (151.0, 12.0, 0.0)}


@pytest.fixture
def photo(tmp_path):
    def write(name, gps=None, camera=None, orientation=1, size=(40, 30), make=None, **options):
        exif = Image.Exif()
        exif[0x112] = orientation
        if make:
            exif[0x10F] = make
        for folder, tags in ((GPS, gps), (CAMERA, camera)):
            if tags:
                exif[folder] = tags
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(path, exif=exif.tobytes(), **options)
        return path

    return write


def test_reads_positions_and_more(photo, tmp_path):
    more = {
        5: b"\0", 6: IFDRational(3055, 100), 7: (12.0, 30.0, 15.5), 16: "T",
        17: IFDRational(9025, 100), 18: "WGS-84", 29: "2024:05:06",
    }  # fmt: skip
    photo("a.jpg", CAMBRIDGE | more, {0xA405: 28})
    photo("query/b.jpg", CAMBRIDGE, {0x9003: "2024:05:06 14:30:15", 0x9011: "+02:00"})
    dataset = open_places(f"exif:{tmp_path}")
    expected, zone = metres_from_degrees([52.205] * 2, [0.12] * 2)
    np.testing.assert_allclose(dataset.positions_m, expected, atol=0.01)
    assert dataset.frame == f"UTM {zone}" == "UTM 31U"
    assert dataset.names.tolist() == ["a.jpg", "query/b.jpg"]
    assert dataset.is_database.tolist() == [True, False]
    np.testing.assert_array_equal(dataset.headings_deg, [90.25, np.nan])
    np.testing.assert_array_equal(dataset.altitudes_m, [30.55, np.nan])
    noon = np.datetime64("2024-05-06T12:30:15").astype(float)
    np.testing.assert_array_equal(dataset.times_s, [noon + 0.5, noon])
    # 4:3 on a diagonal of 43.27 mm is 34.61 mm wide.
    expected_deg = np.degrees(2 * np.arctan(34.61 / 2 / 28))
    np.testing.assert_allclose(dataset.fields_of_view_deg, [expected_deg, np.nan], atol=0.01)


def test_reads_the_south_the_west_and_below_the_sea(photo):
    read = read_gps(photo("a.jpg", SYDNEY | {5: b"\1", 6: 4.0}))
    assert (read.lat_deg, read.lon_deg, read.altitude_m) == (-33.85, 151.2, -4.0)
    read = read_gps(photo("b.jpg", CAMBRIDGE | {3: "W"}))
    np.testing.assert_allclose(read.lon_deg, -0.12)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_reads_every_format_that_carries_exif(photo, suffix):
    np.testing.assert_allclose(read_gps(photo(f"a{suffix}", CAMBRIDGE)).lat_deg, 52.205)


def test_a_turned_photo_sees_as_far_as_its_short_side(photo):
    upright = read_gps(photo("a.jpg", camera={0xA405: 26}, size=(30, 40)))
    turned = read_gps(photo("b.jpg", camera={0xA405: 26}, size=(40, 30), orientation=6))
    assert upright.field_of_view_deg == turned.field_of_view_deg
    assert read_gps(photo("c.jpg", camera={0xA405: 0})).field_of_view_deg != 0


def test_decodes_no_pixel(photo, monkeypatch):
    path = photo("a.jpg", CAMBRIDGE, size=(3000, 2000))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])  # its pixels are not there
    without = photo("b.png")
    monkeypatch.setattr(Image.Image, "load", None)
    assert read_gps(path).lat_deg > 52
    assert np.isnan(read_gps(without).lat_deg)


@pytest.mark.parametrize(
    "change",
    [
        {1: ""}, {1: "Q"}, {2: (91.0, 0.0, 0.0)}, {2: (52.0, 12.0)}, {4: (181.0, 0.0, 0.0)},
        {2: (IFDRational(52, 0), 12.0, 18.0)}, {2: (IFDRational(0, 0), 12.0, 18.0)},
        {2: (89.0, 0.0, 0.0)}, {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
    ],
    ids=str,
)  # fmt: skip
def test_a_position_that_makes_no_sense_is_none(photo, tmp_path, refuses, change, caplog):
    photo("good.jpg", CAMBRIDGE)
    photo("bad.jpg", CAMBRIDGE | change)
    with refuses(ValueError, r"No positions in the EXIF of 1 of 2 .*\(first: bad.jpg\)"):
        read_exif(tmp_path)
    assert read_exif(tmp_path, skip_unreadable=True).names.tolist() == ["good.jpg"]
    assert "left out" in caplog.text


def test_goes_on_without_photos_that_have_none(photo, tmp_path, refuses):
    photo("a.jpg")
    with refuses(ValueError, "No positions in the EXIF of 1 of 1 photo in"):
        read_exif(tmp_path, skip_unreadable=True)
    photo("b.jpg", CAMBRIDGE)
    (tmp_path / "c.jpg").write_bytes(b"no photo")
    (tmp_path / "d.jpg").write_bytes(b"")
    with refuses(FileNotFoundError, "Missing or empty: 1 of 4"):
        read_exif(tmp_path)
    assert read_exif(tmp_path, skip_unreadable=True).names.tolist() == ["b.jpg"]


def test_other_damage_leaves_the_position(photo, tmp_path):
    photo("a.jpg", CAMBRIDGE | {6: IFDRational(1, 0), 17: 400.0, 7: (30.0, 0.0, 0.0),
                                29: "0000:00:00"}, {0x9003: "0000:00:00 00:00:00"})  # fmt: skip
    dataset = read_exif(tmp_path)
    assert len(dataset) == 1
    for field in (dataset.altitudes_m, dataset.headings_deg, dataset.times_s):
        assert field is None


def test_a_bad_date_of_the_satellites_leaves_that_of_the_camera(photo, tmp_path, caplog):
    photo("a.jpg", CAMBRIDGE | {7: (10.0, 0.0, 0.0), 29: "0000:00:00"},
          {0x9003: "2024:05:01 12:00:00", 0x9011: "+02:00"})  # fmt: skip
    photo("b.jpg", CAMBRIDGE, {0x9003: "0000:00:00 00:00:00"})
    dataset = read_exif(tmp_path)
    assert dataset.times_s[0] == datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp()
    assert np.isnan(dataset.times_s[1])
    assert "Times of" not in caplog.text  # none without an offset


def test_says_once_what_the_numbers_are_counted_from(photo, tmp_path, caplog):
    for name in "ab":
        photo(f"{name}.jpg", CAMBRIDGE | {16: "M", 17: 10.0, 18: "TOKYO"},
              {0x9003: "2024:05:06 14:30:15"})  # fmt: skip
    with caplog.at_level(logging.WARNING):
        dataset = read_exif(tmp_path)
    assert dataset.headings_deg.tolist() == [10, 10]
    assert [record.message.split(" in ")[0] for record in caplog.records] == [
        "Photos", "Headings of 2 of 2 photos", "Times of 2 of 2 photos"
    ]  # fmt: skip
    assert "datum 'TOKYO'" in caplog.text and "magnetic north" in caplog.text


def test_keeps_one_zone_where_photos_lie_on_both_sides_of_its_edge(photo, tmp_path):
    photo("a.jpg", CAMBRIDGE | {3: "W", 4: (0.0, 0.0, 1.0)})
    photo("b.jpg", CAMBRIDGE | {3: "E", 4: (0.0, 0.0, 1.0)})
    dataset = read_exif(tmp_path)
    apart_m = np.linalg.norm(np.diff(dataset.positions_m, axis=0))
    assert 37 < apart_m < 39  # two seconds of longitude


def test_recognizes_photos_with_positions(photo, tmp_path):
    photo("database/a.jpg")
    assert recognize_exif(tmp_path) == ""
    photo("query/b.jpg", CAMBRIDGE)
    assert recognize_exif(tmp_path) == "positions in the EXIF, such as that of query/b.jpg"


def test_recognizes_all_photos_if_it_is_told_to(photo, tmp_path):
    for number in range(NUM_LOOKED_AT):
        photo(f"a/{number:03d}.jpg")
    photo("b/last.jpg", CAMBRIDGE)
    assert recognize_exif(tmp_path) == ""
    found = "positions in the EXIF, such as that of b/last.jpg"
    assert recognize_exif(tmp_path, whole=True) == found
    assert recognize_exif(tmp_path / "b" / "last.jpg", whole=True) == ""


def test_survives_damage(photo, tmp_path, survives_damage):
    gps = CAMBRIDGE | {6: 30.5, 7: (12.0, 30.0, 15.5), 16: "T", 17: 90.25, 29: "2024:05:06"}
    paths = [photo(f"a{suffix}", gps, {0xA405: 28}, size=(2, 2)) for suffix in (".jpg", ".tif")]
    survives_damage(lambda: read_exif(tmp_path, skip_unreadable=True), *paths)
    paths = [photo(f"b{suffix}", gps, {0xA405: 28}, size=(2, 2)) for suffix in (".png", ".webp")]
    survives_damage(lambda: read_exif(tmp_path, skip_unreadable=True), *paths)


@pytest.mark.parametrize(
    ("altitude", "ref", "altitude_m"),
    [(12.5, 0, 12.5), (12.5, 1, -12.5), (-12.5, 1, -12.5), (-12.5, 0, -12.5), (-12.5, 2, -12.5),
     (12.5, 3, -12.5), (-12.5, 3, -12.5)],
)  # fmt: skip
def test_a_sign_of_the_altitude_counts_once(photo, altitude, ref, altitude_m):
    path = photo("a.jpg", {5: bytes([ref]), 6: IFDRational(25, 2)})
    if altitude < 0:
        make_negative(path, 6, 25, 2)
    assert read_gps(path).altitude_m == altitude_m


def test_an_altitude_out_of_range_is_unknown(photo):
    assert np.isnan(read_gps(photo("a.jpg", {6: IFDRational(2**32 - 125, 10)})).altitude_m)


def test_a_sign_of_the_latitude_counts_once(photo):
    south = photo("a.jpg", SYDNEY)
    make_negative(south, 2, 33, 1, count=3)
    assert read_gps(south).lat_deg == -33.85
    west = photo("b.jpg", CAMBRIDGE | {3: "W"})
    make_negative(west, 4, 7, 1, count=3)
    assert read_gps(west).lon_deg == pytest.approx(-0.12)
    contradiction = photo("c.jpg", CAMBRIDGE)
    make_negative(contradiction, 2, 52, 1, count=3)
    assert np.isnan(read_gps(contradiction).lat_deg)


def make_negative(path, tag, numerator, denominator, count=1):
    """Turns an unsigned fraction of the EXIF (type 5) into a signed one (type 10)."""
    data = path.read_bytes()
    for old, new in (
        (struct.pack(">HHL", tag, 5, count), struct.pack(">HHL", tag, 10, count)),
        (struct.pack(">2L", numerator, denominator), struct.pack(">2l", -numerator, denominator)),
    ):
        assert data.count(old) == 1
        data = data.replace(old, new)
    path.write_bytes(data)


NOON = datetime(2024, 5, 6, 12, 30, 15, tzinfo=UTC).timestamp()
LOCAL = {0x9003: "2024:05:06 14:30:15"}


@pytest.mark.parametrize(
    ("gps", "camera", "time_s"),
    [
        ({}, LOCAL | {0x9011: "+02:00", 0x9291: "25"}, NOON + 0.25),
        ({}, LOCAL | {0x9010: "+02:00", 0x9291: "0" * 8 + "5"}, NOON + 5e-9),
        ({}, LOCAL | {0x9011: "   :  ", 0x9012: "+0200", 0x9291: "x"}, NOON),
        ({}, {0x9003: "2024:05:06 07:00:15", 0x9011: "-05:30"}, NOON),
        ({7: (12.0, 30.0, 15.0), 29: "2024:05:06"}, LOCAL | {0x9291: "908"}, NOON + 0.908),
        ({7: (12.0, 30.0, 17.0), 29: "2024:05:06"}, LOCAL | {0x9291: "908"}, NOON + 2),
    ],
)
def test_fractions_and_offsets_of_the_cameras_clock_count(photo, gps, camera, time_s):
    read = read_gps(photo("a.jpg", gps, camera))
    assert (read.time_s, read.without_offset) == (pytest.approx(time_s, abs=1e-6), False)


def test_a_clock_that_is_wrong_tells_no_offset(photo):
    stamp = {7: (14.0, 27.0, 7.24), 29: "2008:10:23"}  # of a Nikon set a day and a half wrong
    read = read_gps(photo("a.jpg", stamp, {0x9003: "2008:10:22 16:28:39"}))
    assert np.isnan(read.offset_s)
    read = read_gps(photo("b.jpg", stamp, {0x9003: "2008:10:23 19:56:40"}))
    assert read.offset_s == 5.5 * 3600


@pytest.mark.parametrize(
    "told", [(None, {0x9011: "+02:00"}), ({7: (12.0, 30.0, 15.0), 29: "2024:05:06"}, {})], ids=str
)
def test_one_offset_of_a_camera_holds_for_all_its_photos(photo, tmp_path, caplog, told):
    gps, camera = told
    photo("a.jpg", CAMBRIDGE | (gps or {}), LOCAL | camera, make="A")
    for second in (16, 17):
        photo(f"b{second}.jpg", CAMBRIDGE, {0x9003: f"2024:05:06 14:30:{second}"}, make="A")
    photo("c.jpg", CAMBRIDGE, LOCAL, make="another")
    times_s = read_exif(tmp_path).times_s
    assert (times_s - NOON).tolist() == [0, 1, 2, 7200]
    assert "Times of 2 of 4 photos" in caplog.text and "the same camera" in caplog.text
    assert "Times of 1 of 4 photos" in caplog.text and "UTC: read as UTC" in caplog.text


def test_says_that_offsets_of_a_camera_are_mixed(photo, tmp_path, caplog):
    photo("a.jpg", CAMBRIDGE, LOCAL | {0x9011: "+02:00"})
    photo("b.jpg", CAMBRIDGE, {0x9003: "2024:05:06 13:30:16", 0x9011: "+01:00"})
    photo("c.jpg", CAMBRIDGE, {0x9003: "2024:05:06 12:30:17"})
    assert (read_exif(tmp_path).times_s - NOON).tolist() == [0, 1, 2]
    assert "Times of 1 of 3 photos" in caplog.text and "different ones" in caplog.text


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description
 xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" {}</rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.mark.parametrize(
    ("xmp", "heading_deg"),
    [
        ('drone-dji:GimbalYawDegree="+12.30">', 12.3),
        ("drone-dji:GimbalYawDegree = '-90.0'>", 270),
        ("><drone-dji:GimbalYawDegree>-0.5</drone-dji:GimbalYawDegree>", 359.5),
        ('drone-dji:FlightYawDegree="5" drone-dji:GimbalYawDegree="180">', 180),
        ('drone-dji:GimbalPitchDegree="-45" drone-dji:GimbalYawDegree="7">', 7),
        ('drone-dji:GimbalPitchDegree="-89.9" drone-dji:GimbalYawDegree="7">', np.nan),
        ('drone-dji:GimbalYawDegree="nan">', np.nan),
        ('drone-dji:GimbalYawDegree="999">', np.nan),
        ('drone-dji:FlightYawDegree="5">', np.nan),
    ],
)
def test_a_gimbal_tells_the_heading_that_exif_does_not(photo, xmp, heading_deg):
    packet = XMP.format(xmp).encode()
    for name in ("a.jpg", "a.webp", "a.tif"):
        options = {"tiffinfo": {700: packet}} if name == "a.tif" else {"xmp": packet}
        path = photo(name, CAMBRIDGE, **options)
        np.testing.assert_allclose(read_gps(path).heading_deg, heading_deg)
    magnetic = photo("b.jpg", CAMBRIDGE | {16: "M", 17: 33.0}, xmp=packet)
    assert (read_gps(magnetic).heading_deg, read_gps(magnetic).from_magnetic_north) == (33, True)
    assert not read_gps(photo("c.jpg", CAMBRIDGE | {16: "M"}, xmp=packet)).from_magnetic_north


def test_reads_the_photos_of_four_makers(shared_data):
    apple, nikon, samsung, sony = (
        read_gps(path) for path in sorted(shared_data("formats", "exif_photos").glob("*.jpg"))
    )
    assert apple.camera == "Apple iPhone 13"
    assert apple.time_s == datetime(2024, 9, 23, 20, 23, 55, 908000, tzinfo=UTC).timestamp()
    assert (round(apple.lat_deg, 6), round(apple.lon_deg, 6)) == (39.952325, -75.191581)
    assert round(apple.heading_deg, 1) == 260.9 and not apple.from_magnetic_north
    assert nikon.time_s == datetime(2008, 10, 23, 14, 27, 7, 240000, tzinfo=UTC).timestamp()
    assert np.isnan([nikon.heading_deg, nikon.altitude_m, nikon.offset_s]).all()
    assert (samsung.heading_deg, samsung.from_magnetic_north) == (291.39, True)
    assert samsung.altitude_m == 340 and np.isnan(samsung.time_s)
    assert sony.time_s == datetime(2018, 6, 8, 20, 24, 11, tzinfo=UTC).timestamp()
    assert (sony.offset_s, sony.altitude_m) == (-7 * 3600, 70.3)


def test_all_orientations_of_a_photo_show_the_same(shared_data):
    folder = shared_data("formats", "exif_orientation")
    photos = [read_image(folder / f"landscape_{i}.jpg").astype(float) for i in range(1, 9)]
    for turned in photos[1:]:
        assert turned.shape == photos[0].shape
        assert np.abs(turned - photos[0]).mean() < 20  # one turned wrongly is 65 away
