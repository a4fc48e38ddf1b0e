import json

import numpy as np
import pytest
import scipy.special

from placevec.config.networks import NETWORKS
from placevec.models.files.shipped import read_card, shipped_model
from placevec.retrieval.calibration import (
    Calibration,
    fit_confidence,
    loops_score,
    of_score,
    read_calibrations,
    search_score,
    shipped_calibrations,
    write_calibrations,
)
from placevec.store.map_statistics import ADAPTATION

pytestmark = pytest.mark.one_backend
SCORE = loops_score((240, 320), sequence=5, rerank=None, min_inliers=None)
LEARNED = Calibration(SCORE, "photos", 9, 8, -2.0, 40.0, 0.0, [{"precision": 0.9, "score": 0.1}])


def test_finds_the_probabilities_that_matches_were_drawn_with():
    rng = np.random.default_rng(0)
    gaps, inliers = rng.exponential(0.1, 20_000), rng.integers(0, 100, 20_000)
    is_right = rng.random(20_000) < scipy.special.expit(-3 + 20 * gaps + 0.04 * inliers)
    offset, per_gap, per_inlier = fit_confidence(gaps, inliers, is_right)
    assert offset == pytest.approx(-3, abs=0.15)
    assert per_gap == pytest.approx(20, abs=1)
    assert per_inlier == pytest.approx(0.04, abs=0.002)


def test_no_match_is_surely_right():
    """Eight right ones and none wrong: nine of ten, as after one more of each."""
    offset, per_gap, per_inlier = fit_confidence(np.arange(8), np.zeros(8), np.ones(8, bool))
    assert scipy.special.expit(offset) == pytest.approx(0.9, abs=1e-4)
    assert (per_gap, per_inlier) == (pytest.approx(0, abs=1e-3), 0)


def test_confidence_rises_with_the_gap_and_is_nan_without_one():
    found = LEARNED.confidence([np.nan, -0.1, 0.05, 0.3])
    assert np.isnan(found[0]) and (np.diff(found[1:]) > 0).all()
    assert found[2] == pytest.approx(0.5)


def test_thresholds_are_those_that_were_learned():
    assert LEARNED.threshold(0.9) == 0.1 and LEARNED.threshold(0.95) is None
    other = loops_score((240, 320), sequence=1, rerank=None, min_inliers=None)
    assert of_score([LEARNED], SCORE) is LEARNED and of_score([LEARNED], other) is None


def test_is_read_as_it_was_written(tmp_path):
    write_calibrations(tmp_path / "t.json", "model", [LEARNED])
    assert read_calibrations(tmp_path / "t.json", "model") == [LEARNED]


@pytest.mark.parametrize("changed", [{"per_gap": "x"}, {"thresholds": [{}]}, {"other": 1}])
def test_refuses_a_damaged_file(tmp_path, changed):
    path = tmp_path / "t.json"
    write_calibrations(path, "model", [LEARNED])
    values = json.loads(path.read_text())
    values["calibrations"][0].update(changed)
    path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match="t.json is damaged. Learn the threshold again"):
        read_calibrations(path, "model")


@pytest.mark.parametrize("rule", [{}, {"adaptation": 1}])
def test_refuses_what_another_version_learned_with_another_rule(tmp_path, rule):
    path = tmp_path / "t.json"
    write_calibrations(path, "model", [LEARNED])
    values = json.loads(path.read_text())
    assert values.pop("adaptation") == ADAPTATION
    path.write_text(json.dumps(values | rule))
    with pytest.raises(ValueError, match="with another version of placevec.* Learn it again with"):
        read_calibrations(path, "model")


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_ship_with_what_was_learned_of_them(network):
    model_id = read_card(shipped_model(network))["facts"]["model_id"]
    found = shipped_calibrations(model_id)
    for score in (SCORE, search_score((240, 320))):
        learned = of_score(found, score)
        assert 0 < learned.threshold(0.95) < 1
        assert learned.confidence(learned.threshold(0.95)) > 0.5
    assert shipped_calibrations("another") == [] == shipped_calibrations(None)
