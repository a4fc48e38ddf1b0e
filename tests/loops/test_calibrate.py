import dataclasses
import json

import numpy as np
import pytest

from placevec.config import CalibrateConfig
from placevec.loops import LoopDetector, calibrate, find_loops
from placevec.loops.calibrate import learn
from placevec.loops.run import describe_run


@pytest.fixture
def laps_apart(two_laps):
    """The second lap is looked up in the first."""
    is_query = np.arange(80) >= 40
    return dataclasses.replace(two_laps, is_query=is_query, is_database=~is_query)


def test_learns_a_threshold_that_other_runs_take(laps_apart, two_laps, engine, tmp_path):
    out = tmp_path / "threshold.json"
    found = calibrate(laps_apart, engine, out=out, precision=0.9, radius_m=8.0)
    assert found.threshold.num_accepted >= 35 and found.threshold.num_wrong == 0
    kept = json.loads(out.read_text())
    (learned,) = kept["calibrations"]
    assert kept["model_id"] == "by-pixels"
    assert 35 <= learned["num_right"] <= learned["num_matches"] == found.num_matches
    loops = find_loops(two_laps, engine, threshold=out, precision=0.9)
    assert loops.threshold == found.threshold.score and len(loops.accepted) > 30
    assert f"for a precision of 90 % on 80 photos of {two_laps.root.name}" in str(loops)


def test_matches_are_those_of_find_loops_judged_by_their_positions(two_laps, engine, tmp_path):
    settings = CalibrateConfig(sequence=3)
    run = describe_run(two_laps, engine, settings, image_size=None, batch_size=None)
    judged = learn([run], 0.8, radius_m=8.0, wrong_beyond_m=20.0)
    loops = find_loops(two_laps, engine, sequence=3, threshold=judged.threshold(0.8).score).loops
    places_m = two_laps.positions_m
    for row, loop in enumerate(loops):
        apart_m = np.hypot(*(places_m[loop.query] - places_m[loop.match]))
        assert judged.gaps[row] == loop.gap
        assert judged.is_right[row] == (apart_m <= 8)
        assert judged.is_ignored[row] == (8 < apart_m <= 20)
        assert judged.has_answer[row] == (loop.query >= 39)  # a photo every 5 m
    assert len(judged.gaps) == len(loops)


def test_matches_have_the_confidence_of_their_file(two_laps, engine, tmp_path):
    out = tmp_path / "threshold.json"
    calibrate(two_laps, engine, out=out, precision=0.9, radius_m=8.0)
    table = find_loops(two_laps, engine, threshold=out, precision=0.9).to_frame()
    assert table.sort_values("gap")["confidence"].is_monotonic_increasing
    assert table["confidence"][table["accepted"]].min() > 0.5
    assert table["confidence"].between(0, 1, inclusive="neither").all()
    assert find_loops(two_laps, engine, threshold=0.3).to_frame()["confidence"].isna().all()


def test_a_detector_says_the_same_confidence(two_laps, engine, tmp_path):
    out = tmp_path / "threshold.json"
    calibrate(two_laps, engine, out=out, precision=0.9, radius_m=8.0)
    whole = find_loops(two_laps, engine, threshold=out, precision=0.9, exclusion_frames=10)
    detector = LoopDetector(engine, threshold=out, precision=0.9, exclusion=10)
    found = [loop for path in two_laps.paths() for loop in detector.add(path)]
    assert found == whole.accepted and found[0].confidence > 0.5


def test_a_file_is_for_its_settings_and_precisions(two_laps, engine, tmp_path):
    out = tmp_path / "threshold.json"
    calibrate(two_laps, engine, out=out, precision=0.9, radius_m=8.0, sequence=3)
    match = "was learned with `--of loops.* --sequence 3`. Received: `--of loops.* --sequence 5`"
    with pytest.raises(ValueError, match=match):
        find_loops(two_laps, engine, threshold=out, precision=0.9)
    with pytest.raises(ValueError, match="was learned with .*Received: .*--hubness csls"):
        find_loops(two_laps, engine, threshold=out, precision=0.9, sequence=3, hubness="csls")
    with pytest.raises(ValueError, match="precision=0.99, and a file for 0.8, 0.9"):
        find_loops(two_laps, engine, threshold=out, precision=0.99, sequence=3)


def test_refuses_a_precision_that_the_photos_do_not_carry(laps_apart, engine, tmp_path):
    with pytest.raises(ValueError, match="needs 299 right matches without an error. Received: "):
        calibrate(laps_apart, engine, out=tmp_path / "t.json", precision=0.99, radius_m=8.0)
    assert not (tmp_path / "t.json").exists()


def test_refuses_the_threshold_of_another_model(laps_apart, two_laps, engine, tmp_path):
    out = tmp_path / "threshold.json"
    calibrate(laps_apart, engine, out=out, precision=0.9, radius_m=8.0)
    other = dataclasses.replace(engine, model_id="other")
    with pytest.raises(ValueError, match="is for another model .*Received: model other"):
        find_loops(two_laps, other, threshold=out, precision=0.9)


def test_refuses_files_that_are_no_threshold(two_laps, engine, tmp_path):
    (tmp_path / "t.json").write_text('{"score": 0.5}')
    with pytest.raises(ValueError, match="is not a threshold"):
        find_loops(two_laps, engine, threshold=tmp_path / "t.json")
    with pytest.raises(FileNotFoundError):
        find_loops(two_laps, engine, threshold=tmp_path / "missing.json")


def test_refuses_photos_without_positions(two_laps, engine, tmp_path):
    identities = dataclasses.replace(two_laps, positions_m=None, place_ids=np.arange(80) % 40)
    with pytest.raises(ValueError, match="is learned from positions"):
        calibrate(identities, engine, out=tmp_path / "t.json")
