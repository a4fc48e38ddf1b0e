import struct
from functools import partial

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from placevec.sources import open_places
from placevec.sources.tracks.fixes import Piece, fixes_of, place_at
from placevec.sources.tracks.track import read_track, recognize_track
from placevec.sources.values.utm import metres_from_degrees

NOON_S = 1714996800.0  # 2024-05-06T12:00:00Z


def gpx(*segments):
    """Returns a GPX file of segments of (second after noon, latitude)."""
    points = "</trkseg><trkseg>".join(
        "".join(
            f'<trkpt lat="{lat}" lon="0.12"><time>2024-05-06T{12 + second // 3600:02}:'
            f"{second // 60 % 60:02}:{second % 60:02}Z</time></trkpt>"
            for second, lat in segment
        )
        for segment in segments
    )
    return f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>"


WALK = gpx([(second, 52.2 + second * 1e-5) for second in range(0, 41, 4)])


@pytest.fixture
def walk(photos):
    """Four photos named by their time, 2 s apart, beside a track with a fix every 4 s."""
    root = photos(*(f"IMG_20240506_1200{second:02}.jpg" for second in (4, 6, 8, 10)))
    (root / "walk.gpx").write_text(WALK)
    return root


def north_of(dataset, *latitudes):
    expected, _ = metres_from_degrees(latitudes, [0.12] * len(latitudes))
    np.testing.assert_allclose(dataset.positions_m, expected, atol=0.01)


def test_places_are_on_the_line_between_the_fixes_before_and_after(walk):
    dataset = read_track(walk)
    north_of(dataset, 52.20004, 52.20006, 52.20008, 52.2001)
    assert dataset.times_s.tolist() == [NOON_S + second for second in (4, 6, 8, 10)]
    assert dataset.frame == "UTM 31U" and dataset.altitudes_m is None


def test_a_path_alone_is_known_by_the_track_beside_the_photos(walk):
    assert recognize_track(walk) == "walk.gpx beside photos or videos"
    assert len(open_places(str(walk))) == 4
    (walk / "other.nmea").write_text("")
    assert recognize_track(walk) == ""


@pytest.mark.parametrize("form", ["{0},track={0}/walk.gpx", "{0},track=walk.gpx"])
def test_the_track_may_be_named_from_here_or_from_the_folder(walk, form):
    assert len(open_places("track:" + form.format(walk))) == 4


def test_a_clock_that_is_ahead_of_utc_is_set_right(walk):
    (walk / "walk.gpx").write_text(WALK.replace("T12:", "T10:"))
    dataset = read_track(f"{walk},offset_s=7200")
    north_of(dataset, 52.20004, 52.20006, 52.20008, 52.2001)
    assert dataset.times_s[0] == NOON_S - 7200 + 4


def test_says_when_photos_and_track_are_of_other_times(walk, refuses, caplog):
    match = (
        "Not on the track .*walk.gpx: 4 of 4 photos .*first: IMG_20240506_120004.jpg; 4 after it "
        "ends; the photos are from 2024-05-06 12:00:04 UTC to 2024-05-06 12:00:10 UTC, the track "
        "is from 2024-05-06 10:00:00 UTC .*offset_s=SECONDS"
    )
    (walk / "walk.gpx").write_text(WALK.replace("T12:", "T10:"))
    with refuses(ValueError, match):
        read_track(walk)
    (walk / "walk.gpx").write_text(gpx([(6, 52.2), (10, 52.3)]))
    with refuses(ValueError, "1 of 4 photos .* 1 before it begins; .* continue without them"):
        read_track(walk)
    assert len(read_track(walk, skip_unreadable=True)) == 3
    assert "left out" in caplog.text


def test_gaps_are_not_bridged_unless_told(walk, refuses, caplog):
    (walk / "walk.gpx").write_text(gpx([(0, 52.2), (5, 52.2001)], [(30, 52.21), (40, 52.22)]))
    with refuses(ValueError, "3 of 4 photos .*3 in gaps of more than 10 s"):
        read_track(walk)
    assert "1 gap of more than 10 s (the longest lasts 25 s, from 2024-05-06 12:00:05" in (
        caplog.text
    )
    assert len(read_track(walk, skip_unreadable=True)) == 1
    assert len(read_track(f"{walk},max_gap_s=25")) == 4


def test_a_pause_in_one_place_is_bridged(walk):
    (walk / "walk.gpx").write_text(gpx([(0, 52.2), (4, 52.2001), (300, 52.20011), (304, 52.2)]))
    north_of(read_track(walk), 52.2001, *(52.2001 + 1e-5 * second / 296 for second in (2, 4, 6)))


def piece(*rows):
    numbers = np.array(rows, dtype=float).reshape(-1, 3)
    return Piece(numbers[:, 0], numbers[:, 1:], np.full(len(numbers), np.nan))


def test_two_tracks_one_after_the_other_are_one_in_any_order(tmp_path):
    early, late = piece([0, 52, 0], [9, 52.1, 0]), piece([20, 53, 0], [21, 53.1, 0])
    for pieces in ([early, late], [late, piece(), early]):
        assert fixes_of(pieces, tmp_path).times_s.tolist() == [0, 9, 20, 21]


def test_a_track_that_is_written_backwards_is_turned_around(tmp_path):
    fixes = fixes_of([piece([9, 52.1, 0], [5, 52, 0], [0, 51.9, 0])], tmp_path)
    assert fixes.times_s.tolist() == [0, 5, 9] and (np.diff(fixes.positions_m[:, 1]) > 0).all()


@pytest.mark.parametrize(
    ("pieces", "match"),
    [
        ([[[0, 52, 0], [9, 52, 0]], [[5, 53, 0], [20, 53, 0]]], "must not overlap in time"),
        ([[[0, 52, 0], [9, 52, 0], [5, 52, 0]]], "must rise. Received: 1 that go back .first: fr"),
        ([[[0, 52, 0], [0, 53, 0]]], "one place for a time. Received: places more than 100 m"),
        ([[[0, 91, 0]]], "must be in .-80, 84. degrees north"),
        ([[[0, 5, 181]]], "must be in .* Received: 5, 181 at 1970-01-01 00:00:00 UTC"),
        ([[[0, 0, 0]]], "must hold at least one fix"),
        ([], "must hold at least one fix"),
    ],
)
def test_refuses_tracks_that_contradict_themselves(tmp_path, refuses, pieces, match):
    with refuses(ValueError, match):
        fixes_of([piece(*rows) for rows in pieces], tmp_path)


def test_fixes_at_0_0_are_left_out(tmp_path, caplog):
    fixes = fixes_of([piece([0, 0, 0], [1, 52, 0], [2, 52, 0])], tmp_path)
    assert fixes.times_s.tolist() == [1, 2] and "1 fix at 0, 0: left out" in caplog.text


def test_fixes_of_one_second_are_averaged(tmp_path):
    fixes = fixes_of([piece([0, 52, 0], [0, 52.0002, 0], [1, 52.0001, 0])], tmp_path)
    np.testing.assert_allclose(fixes.positions_m[0], fixes.positions_m[1], atol=1e-4)


def test_places_equal_plain_loops(tmp_path):
    rng = np.random.default_rng(0)
    times_s = np.cumsum(rng.choice([1.0, 5.0, 30.0], 40))
    rows = np.stack([times_s, 52 + np.cumsum(rng.random(40)) * 1e-2, rng.random(40)], axis=1)
    fixes = fixes_of([piece(*rows)], tmp_path)
    asked = np.sort(rng.uniform(times_s[0] - 9, times_s[-1] + 9, 200))
    asked[:20] = times_s[:20]
    placed = place_at(fixes, asked, 10.0)
    for time_s, found in zip(asked, placed.positions_m, strict=True):
        expected = [np.nan, np.nan]
        for i in range(len(times_s)):
            if time_s == times_s[i]:
                expected = fixes.positions_m[i]
            elif i and times_s[i - 1] < time_s < times_s[i] and times_s[i] - times_s[i - 1] <= 10:
                share = (time_s - times_s[i - 1]) / (times_s[i] - times_s[i - 1])
                ends = fixes.positions_m[i - 1], fixes.positions_m[i]
                expected = ends[0] + share * (ends[1] - ends[0])
        np.testing.assert_allclose(found, expected)


def test_a_track_of_one_fix(tmp_path):
    placed = place_at(fixes_of([piece([5, 52, 0])], tmp_path), np.array([4.0, 5, 6]), 10.0)
    assert np.isfinite(placed.positions_m[:, 0]).tolist() == [False, True, False]


def test_exif_tells_the_time_and_where_the_camera_looks(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "2024:05:06 14:00:06",
        ExifTags.Base.OffsetTimeOriginal: "+02:00",
    }
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSImgDirectionRef: "T", ExifTags.GPS.GPSImgDirection: 90.0
    }  # fmt: skip
    Image.new("RGB", (40, 30)).save(tmp_path / "20200101_000000.jpg", exif=exif.tobytes())
    (tmp_path / "walk.gpx").write_text(WALK)
    dataset = read_track(tmp_path)
    north_of(dataset, 52.20006)
    assert dataset.headings_deg.tolist() == [90.0]


def test_photos_without_a_time_are_refused(walk, refuses, photos):
    photos("a.jpg")
    with refuses(ValueError, "No times in the EXIF and names of 1 of 5 photos .*first: a.jpg"):
        read_track(walk)
    assert len(read_track(walk, skip_unreadable=True)) == 4


@pytest.fixture
def video(tmp_path):
    """A video of 21 frames, 10 a second, beside the track."""
    writer = cv2.VideoWriter(
        str(tmp_path / "walk.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (32, 16)
    )
    for _ in range(21):
        writer.write(np.zeros((16, 32, 3), np.uint8))
    writer.release()
    (tmp_path / "walk.GPX").write_text(WALK)
    return tmp_path / "walk.mp4"


def test_frames_of_a_video_are_placed_by_the_time_of_its_start(video, refuses):
    with refuses(ValueError, "does not say when it was recorded.*start="):
        read_track(video)
    dataset = open_places(f"track:{video},start=2024-05-06T14:00:06+02:00,stride=10")
    assert dataset.names.tolist() == [f"walk.mp4#{frame:06d}" for frame in (0, 10, 20)]
    north_of(dataset, 52.20006, 52.20007, 52.20008)
    assert recognize_track(video) == "walk.GPX beside the video"


def test_the_header_of_a_video_tells_its_start(video):
    data = bytearray(video.read_bytes())
    struct.pack_into(">I", data, data.index(b"mvhd") + 8, int(NOON_S) + 6 + 2_082_844_800)
    video.write_bytes(data)
    dataset = read_track(f"{video.parent},stride=20")
    north_of(dataset, 52.20006, 52.20008)
    assert dataset.sequence_ids.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ("offset_s=soon", ValueError, "`offset_s` must be a number of seconds. Received: off"),
        ("offset_s=inf", ValueError, "`offset_s` must be a number of seconds"),
        ("max_gap_s=0", ValueError, "`max_gap_s` must be a positive number"),
        ("track=gone.gpx", FileNotFoundError, "There is no track gone.gpx, here or in"),
        ("track=IMG_20240506_120004.jpg", ValueError, "A track must end in .gpx, .nmea"),
        ("start=2024-05-06", ValueError, "`start` is for videos"),
        ("stride=2", ValueError, "`stride` is for videos"),
        ("speed=2", ValueError, "Received: speed=2"),
    ],
)
def test_refuses_choices_it_does_not_know(walk, refuses, options, error, match):
    with refuses(error, match):
        read_track(f"{walk},{options}")


def test_asks_which_of_several_tracks_is_meant(walk, refuses):
    (walk / "other.nmea").write_text("")
    with refuses(ValueError, "must be one track .*Received: other.nmea, walk.gpx. Name it"):
        read_track(walk)
    for name in ("other.nmea", "walk.gpx"):
        (walk / name).unlink()
    with refuses(ValueError, "must be one track .*Received: none"):
        read_track(walk)


def test_reads_the_track_of_a_tool(shared_data, tmp_path):
    track = shared_data("formats", "gpx", "sf_30km_h.gpx")
    (tmp_path / "20250314_070010.jpg").write_bytes(b"photo")
    dataset = read_track(f"{tmp_path},track={track}")
    assert dataset.frame == "UTM 10S" and dataset.altitudes_m[0] == pytest.approx(90, abs=10)
    assert np.linalg.norm(dataset.positions_m[0] - metres_from_degrees(
        [37.793585], [-122.461396])[0][0]) == pytest.approx(83, abs=10)  # fmt: skip


def test_survives_damage(walk, survives_damage):
    texts = ["<trkpt>", "lat=", "2024-05-06T12:00:08Z", "<!ENTITY", "&lol;"]
    read = partial(read_track, walk, skip_unreadable=True)
    survives_damage(read, walk / "walk.gpx", texts=texts)
