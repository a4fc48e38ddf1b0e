import csv
import dataclasses
import logging

import cv2
import numpy as np
import pytest

from placevec.loops import find_loops
from placevec.loops.relative_pose import RelativePose


@pytest.fixture
def written(two_laps, engine, tmp_path):
    """Returns a function from a data set to the folder that its loops were written to."""

    def write(dataset=two_laps, **settings):
        out = tmp_path / "loops"
        find_loops(dataset, engine, threshold=0.5, sequence=1, out=out, **settings)
        return out

    return write


def lines(path):
    return path.read_text().splitlines()


def test_writes_a_table_of_all_matches(written):
    with (written() / "loops.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    accepted = [row for row in rows if row["accepted"] == "True"]
    assert len(rows) > len(accepted) == 40
    assert (accepted[0]["query"], accepted[0]["match"]) == ("40.png", "0.png")
    assert accepted[0]["inliers"] == ""  # not asked for


def test_writes_pairs_of_names(written):
    out = written()
    assert lines(out / "pairs.txt")[0] == "40.png 0.png"
    kapture = lines(out / "kapture_pairs.txt")
    assert kapture[:2] == ["# kapture format: 1.0", "# query_image, map_image, score"]
    assert kapture[2].split(", ")[:2] == ["40.png", "0.png"] and len(kapture) == 42


def test_writes_pairs_of_times(written):
    times = [line.split() for line in lines(written() / "tum_pairs.txt")[1:]]
    assert all(float(one) - float(other) == 40 for one, other, _ in times) and len(times) == 40


def test_writes_a_pose_graph(written):
    """The second lap runs over the first: each loop's relative pose is none at all."""
    rows = [line.split() for line in lines(written() / "loops.g2o")]
    vertices = [row for row in rows if row[0] == "VERTEX_SE3:QUAT"]
    edges = [row for row in rows if row[0] == "EDGE_SE3:QUAT"]
    assert len(vertices) == 80 and len(edges) == 79 + 40
    assert all(len(row) == 9 for row in vertices) and all(len(row) == 31 for row in edges)
    loops = np.array([row[3:10] for row in edges if row[1:3] == ["5", "45"]], float)
    np.testing.assert_allclose(np.abs(loops), [[0, 0, 0, 0, 0, 0, 1]], atol=1e-6)
    information = [float(value) for value in edges[0][10:]]
    upper = np.zeros((6, 6))
    upper[np.triu_indices(6)] = information
    assert (upper == np.eye(6)).all()


def test_an_edge_moves_one_pose_onto_the_other(written):
    rows = [line.split() for line in lines(written() / "loops.g2o")]
    poses = {row[1]: np.array(row[2:], float) for row in rows if row[0].startswith("VERTEX")}
    edge = next(row for row in rows if row[:3] == ["EDGE_SE3:QUAT", "3", "4"])
    x, y, *_, sine, cosine = poses["3"]
    turn = 2 * np.arctan2(sine, cosine)
    step = np.array(edge[3:5], float)
    east = x + np.cos(turn) * step[0] - np.sin(turn) * step[1]
    north = y + np.sin(turn) * step[0] + np.cos(turn) * step[1]
    np.testing.assert_allclose([east, north], poses["4"][:2], atol=1e-5)
    assert step[0] > 4.9, "x points the way that the camera looks"


def test_vertices_have_the_altitudes(written, two_laps):
    up_m = np.linspace(0, 8, 80)
    dataset = dataclasses.replace(two_laps, altitudes_m=up_m)
    rows = [line.split() for line in lines(written(dataset) / "loops.g2o")]
    found = [float(row[4]) for row in rows if row[0].startswith("VERTEX")]
    np.testing.assert_allclose(found, up_m, atol=1e-6)
    (loop,) = [row for row in rows if row[:3] == ["EDGE_SE3:QUAT", "5", "45"]]
    assert float(loop[5]) == pytest.approx(up_m[45] - up_m[5])


def test_edges_may_be_what_photos_tell(written, two_laps, monkeypatch, caplog):
    """Without known poses all vertices are at the origin, and only loops are edges."""
    asked = []

    def told(one, other, fovs_deg):
        asked.append((one.name, other.name, fovs_deg))
        turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        return RelativePose(turn, np.array([0.0, 1, 0]), 30) if other.name != "41.png" else None

    monkeypatch.setattr("placevec.loops.pose_graph.relative_pose", told)
    bare = dataclasses.replace(two_laps, positions_m=None, headings_deg=None)
    with caplog.at_level(logging.WARNING):
        out = written(bare, g2o="essential", fov_deg=70.0)
    rows = [line.split() for line in lines(out / "loops.g2o")]
    assert asked[0] == ("0.png", "40.png", (70.0, 70.0)) and len(asked) == 40
    edges = [row for row in rows if row[0] == "EDGE_SE3:QUAT"]
    assert len(edges) == 39 and len(rows) == 80 + 39 and edges[0][1:3] == ["0", "40"]
    np.testing.assert_allclose(
        np.array(edges[0][3:10], float), [0, 1, 0, 0, 0, 0.5**0.5, 0.5**0.5], atol=1e-6
    )
    upper = np.zeros((6, 6))
    upper[np.triu_indices(6)] = np.array(edges[0][10:], float)
    np.testing.assert_allclose(np.diag(upper)[:3], 0.01)
    np.testing.assert_allclose(np.diag(upper)[3:], np.radians(5) ** -2, rtol=1e-4)
    assert "loops.g2o leaves out 1 loop with too few points" in caplog.text


def test_draws_pictures(written):
    out = written()
    for name in ("similarity.png", "trajectory.png"):
        assert cv2.imread(str(out / name)).std() > 10


def test_leaves_out_what_is_not_known_and_says_so(written, two_laps, caplog):
    bare = dataclasses.replace(two_laps, positions_m=None, headings_deg=None, times_s=None)
    with caplog.at_level(logging.WARNING):
        out = written(bare)
    assert "loops.g2o is left out: positions and headings are not all known" in caplog.text
    assert "tum_pairs.txt is left out: times are not known" in caplog.text
    assert "trajectory.png is left out" in caplog.text
    names = {path.name for path in out.iterdir()}
    assert names == {"loops.csv", "similarity.png", "pairs.txt", "kapture_pairs.txt"}


def test_files_of_an_earlier_run_do_not_stay(written, two_laps):
    written()
    bare = dataclasses.replace(two_laps, positions_m=None, headings_deg=None, times_s=None)
    assert not (written(bare, overwrite=True) / "loops.g2o").exists()


def test_a_file_of_yours_stays_unless_it_may_be_replaced(written, tmp_path):
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "pairs.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="already has pairs.txt. .*`--overwrite`"):
        written()
    assert [path.name for path in (tmp_path / "loops").iterdir()] == ["pairs.txt"]
    assert (tmp_path / "loops" / "pairs.txt").read_text() == "mine"
    (tmp_path / "loops" / "notes.txt").write_text("mine")
    assert lines(written(overwrite=True) / "pairs.txt")[0] == "40.png 0.png"
    assert (tmp_path / "loops" / "notes.txt").read_text() == "mine"


def test_names_with_blanks_and_commas_are_left_out(written, two_laps, caplog):
    (two_laps.root / "40.png").rename(two_laps.root / "4, 0.png")
    names = two_laps.names.astype(object)
    names[40] = "4, 0.png"
    with caplog.at_level(logging.WARNING):
        out = written(dataclasses.replace(two_laps, names=names.astype(str)))
    assert "pairs.txt is left out: its format does not allow blanks in names (first: 4, 0.png)" in (
        caplog.text
    )
    assert not (out / "kapture_pairs.txt").exists() and (out / "tum_pairs.txt").exists()


def test_a_run_without_loops_writes_empty_files(written, two_laps):
    out = written(two_laps.take(np.arange(40)))
    assert lines(out / "pairs.txt") == []
    assert "True" not in (out / "loops.csv").read_text()


def test_names_that_are_not_utf8_keep_their_bytes(written, two_laps):
    name = "4\udce90.png"  # as Python shows the byte E9
    (two_laps.root / "40.png").rename(two_laps.root / name)
    names = two_laps.names.astype(object)
    names[40] = name
    out = written(dataclasses.replace(two_laps, names=names.astype(str)))
    assert b"4\xe90.png" in (out / "loops.csv").read_bytes()
    assert b"4\xe90.png 0.png" in (out / "pairs.txt").read_bytes()
