import dataclasses
import json

import numpy as np
import pytest

from placevec.loops import calibrate, find_loops
from placevec.loops.calibrate import best_and_gaps


@pytest.fixture
def laps_apart(two_laps):
    """The second lap is looked up in the first."""
    is_query = np.arange(80) >= 40
    return dataclasses.replace(two_laps, is_query=is_query, is_database=~is_query)


def test_learns_a_threshold_that_other_runs_take(laps_apart, two_laps, engine, tmp_path):
    out = tmp_path / "threshold.json"
    found = calibrate(laps_apart, engine, out=out, precision=0.9, radius_m=8.0)
    assert found.threshold.num_accepted == 40 and found.threshold.num_wrong == 0
    kept = json.loads(out.read_text())
    assert kept["model_id"] == "by-pixels" and kept["num_queries"] == 40
    loops = find_loops(two_laps, engine, threshold=out)
    assert loops.threshold == found.threshold.score and len(loops.accepted) > 30


def test_gaps_equal_plain_loops(laps_apart, unit_vectors):
    descriptors = unit_vectors(80, dim=16)
    best, gaps = best_and_gaps(laps_apart, descriptors, 12.0)
    queries, database = descriptors[40:], descriptors[:40]
    queries, database = queries - queries.mean(0), database - database.mean(0)
    for row in range(40):
        cosines = [
            queries[row] @ other / np.linalg.norm(queries[row]) / np.linalg.norm(other)
            for other in database
        ]
        top = int(np.argmax(cosines))
        places_m = laps_apart.positions_m[:40]
        elsewhere = [
            cosine
            for cosine, place in zip(cosines, places_m, strict=True)
            if np.hypot(*(place - places_m[top])) > 12
        ]
        assert best[row] == top
        assert gaps[row] == pytest.approx(cosines[top] - max(elsewhere), abs=1e-5)


def test_refuses_a_precision_that_the_photos_do_not_carry(laps_apart, engine, tmp_path):
    with pytest.raises(ValueError, match="needs 299 right matches without an error. Received: 40"):
        calibrate(laps_apart, engine, out=tmp_path / "t.json", precision=0.99, radius_m=8.0)
    assert not (tmp_path / "t.json").exists()


def test_refuses_the_threshold_of_another_model(laps_apart, two_laps, engine, tmp_path):
    out = tmp_path / "threshold.json"
    calibrate(laps_apart, engine, out=out, precision=0.9, radius_m=8.0)
    other = dataclasses.replace(engine, model_id="other")
    with pytest.raises(ValueError, match="is that of another model .*Received: model other"):
        find_loops(two_laps, other, threshold=out)


def test_refuses_files_that_are_no_threshold(two_laps, engine, tmp_path):
    (tmp_path / "t.json").write_text('{"score": 0.5}')
    with pytest.raises(ValueError, match="is no threshold"):
        find_loops(two_laps, engine, threshold=tmp_path / "t.json")
    with pytest.raises(FileNotFoundError):
        find_loops(two_laps, engine, threshold=tmp_path / "missing.json")


def test_refuses_photos_without_positions(two_laps, engine, tmp_path):
    identities = dataclasses.replace(two_laps, positions_m=None, place_ids=np.arange(80) % 40)
    with pytest.raises(ValueError, match="is learned from positions"):
        calibrate(identities, engine, out=tmp_path / "t.json")
