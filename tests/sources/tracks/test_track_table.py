import numpy as np
import pytest

from placevec.sources.tables.rows.rows import read_rows
from placevec.sources.tracks.fixes import fixes_of
from placevec.sources.tracks.track import read_track
from placevec.sources.tracks.track_table import read_track_table

NOON_S = 1714996800.0  # 2024-05-06T12:00:00Z


@pytest.fixture
def track(tmp_path):
    def write(text):
        (tmp_path / "gps.csv").write_text(text)
        return tmp_path / "gps.csv"

    return write


def test_reads_fixes_in_any_order_of_columns(track, caplog):
    text = "lat,altitude_m,time,lon,speed\n52.2,3,2024-05-06T12:00:00Z,0.12,1\n52.3,,,0.12,1\n"
    (piece,) = read_track_table(track(f"{text}52.2,,{NOON_S + 4},0.13,1\n"))
    assert piece.times_s.tolist() == [NOON_S, NOON_S + 4]
    assert piece.degrees.tolist() == [[52.2, 0.12], [52.2, 0.13]]
    np.testing.assert_array_equal(piece.altitudes_m, [3, np.nan])
    assert "1 of 3 rows" in caplog.text


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("timestamp,lat,lon\n1,2,3\n", "columns time, lat, lon. Received: timestamp, lat, lon"),
        ("time,lat,lon\n0,52,4\n11,52,4\n", "must state their day. Received: 0 s"),
        ("time,lat,lon\n1714996800000,52,4\n", "milliseconds"),
        ('time,lat,lon\n1714996800,"52,1",4\n', "decimal point.*row 1"),
    ],
)
def test_refuses_what_is_no_track(track, refuses, text, match):
    with refuses(ValueError, match):
        read_track_table(track(text))


def test_a_table_without_photos_is_told_to_be_a_track(track, refuses):
    with refuses(ValueError, "No column `file` .*track:PATH,track=.*gps.csv"):
        read_rows(track("time,lat,lon\n1714996800,52,4\n"))


def test_a_table_is_the_track_only_if_it_is_named(photos, refuses, track):
    root = photos("IMG_20240506_120002.jpg")
    path = track(f"time,lat,lon\n{NOON_S},52.2,0.12\n{NOON_S + 4},52.2001,0.12\n")
    assert read_track(f"{root},track={path.name}").times_s.tolist() == [NOON_S + 2]
    with refuses(ValueError, "must be one track .*Received: none"):
        read_track(root)


def test_reads_the_track_of_a_walk_with_a_phone(shared_data):
    path = shared_data("formats", "phone_walk", "gps.csv")
    fixes = fixes_of(read_track_table(path), path)
    assert (len(fixes.times_s), fixes.frame) == (7, "UTM 43S")
    assert np.diff(fixes.times_s).tolist() == [11, 11, 10, 9, 10, 9]
    speeds_m_s = np.linalg.norm(np.diff(fixes.positions_m, axis=0), axis=1) / np.diff(fixes.times_s)
    assert (speeds_m_s < 2).all()
