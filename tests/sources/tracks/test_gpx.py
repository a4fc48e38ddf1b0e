import numpy as np
import pytest

from placevec.sources.tracks.gpx import read_gpx

POINT = '<trkpt lat="{}" lon="{}"><ele>{}</ele><time>{}</time></trkpt>'


def write(tmp_path, inside, root="gpx"):
    path = tmp_path / "walk.gpx"
    path.write_text(f"<?xml version='1.0'?><{root}><!-- a comment -->{inside}</{root.split()[0]}>")
    return path


def track(*points):
    return f"<trk><name>a</name><trkseg>{''.join(points)}</trkseg></trk>"


ONE = POINT.format(52.2, 0.12, 14.5, "2024-05-06T12:30:15Z")


@pytest.mark.parametrize(
    "root", ["gpx", 'gpx xmlns="http://www.topografix.com/GPX/1/0"', 'gpx xmlns="urn:any"']
)
def test_reads_tracks_of_any_namespace(tmp_path, root):
    later = POINT.format("-33.5", " 151 ", "", "2024-05-06T14:30:16.5+02:00")
    first, second = read_gpx(write(tmp_path, track(ONE) + track(later), root))
    assert (first.times_s, first.degrees.tolist()) == ([1714998615], [[52.2, 0.12]])
    assert first.altitudes_m.tolist() == [14.5]
    assert (second.times_s, second.degrees.tolist()) == ([1714998616.5], [[-33.5, 151]])
    assert np.isnan(second.altitudes_m).all()


def test_reads_prefixed_elements_and_no_others(tmp_path):
    text = ONE.replace("</trkpt>", "<x><time>1999-01-01</time></x></trkpt>")
    for tag in ("trkpt", "time>", "ele>"):
        text = text.replace(f"<{tag}", f"<g:{tag}").replace(f"</{tag}", f"</g:{tag}")
    root = 'g:gpx xmlns:g="http://www.topografix.com/GPX/1/1"'
    (piece,) = read_gpx(write(tmp_path, f"<g:trkseg>{text}</g:trkseg>", root))
    assert piece.times_s.tolist() == [1714998615]


def test_points_without_a_time_are_left_out(tmp_path, caplog):
    bare = '<trkpt lat="1" lon="2"/>'
    (piece,) = read_gpx(write(tmp_path, track(bare, ONE, bare)))
    assert len(piece.times_s) == 1 and "2 of 3 points of" in caplog.text


@pytest.mark.parametrize(
    ("inside", "match"),
    [
        (track('<trkpt lat="1" lon="2"/>'), "must have times.* Received: none. A planned track"),
        ("", "must hold a track. Received: no points"),
        ('<wpt lat="1" lon="2"/><rte/>', "must hold a track. Received: routes and waypoints"),
        (track(POINT.format("1,5", 2, 0, "2024-05-06T12:30:15Z")), "must be numbers.*'1,5, 2'"),
        (track(POINT.format(1, "", 0, "2024-05-06T12:30:15Z")), "must be numbers"),
        (track(POINT.format("nan", 1, 0, "2024-05-06T12:30:15Z")), "must be numbers"),
        (track(POINT.format(1, 1, 0, "6 May")), "`time` must be ISO 8601.* Received: '6 May'"),
        ("<trk>", "is not a GPX file"),
    ],
)
def test_refuses_what_is_no_track(tmp_path, refuses, inside, match):
    with refuses(ValueError, match):
        read_gpx(write(tmp_path, inside))


def test_refuses_other_xml(tmp_path, refuses):
    with refuses(ValueError, "is not a GPX file: its first element is 'kml'"):
        read_gpx(write(tmp_path, "", "kml"))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><gpx>&b;</gpx>',
        '<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/passwd">]><gpx>&x;</gpx>',
        '<!DOCTYPE g SYSTEM "http://example.org/g.dtd"><gpx/>',
        "<!<!--DOCTYPE g><gpx/>",
    ],
)
def test_refuses_entities_before_they_are_expanded(tmp_path, refuses, text):
    (tmp_path / "bomb.gpx").write_text(text)
    with refuses(ValueError, "bomb.gpx is not a GPX file: it declares entities"):
        read_gpx(tmp_path / "bomb.gpx")
