import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from placevec.loops import find_loops
from placevec.loops.route import exclusion_of_run
from placevec.places import PlaceDataset
from placevec.retrieval.calibration import Calibration, loops_score
from tests.loops.conftest import by_pixels


def pairs(found):
    names = found.dataset.names
    return {(str(names[one.query]), str(names[one.match])) for one in found.accepted}


@pytest.fixture
def second_lap():
    """The pairs of a photo of the second lap and that of the first lap at the same place."""
    return {(f"{number}.png", f"{number - 40}.png") for number in range(40, 80)}


def test_finds_the_second_lap(two_laps, engine, second_lap):
    found = find_loops(two_laps, engine, threshold=0.5, sequence=1)
    assert pairs(found) == second_lap
    assert str(found) == (
        "40 loops in 80 photos, between photos at least 10 apart; threshold 0.5, as given"
    )


def test_is_shown_as_its_sentence(two_laps, engine):
    found = find_loops(two_laps, engine, threshold=0.3)
    assert repr(found) == f"LoopsFound({found})" and "array" not in repr(found)


def test_says_in_what_the_exclusion_counts(two_laps, engine):
    for how, said in (({"exclusion_s": 12.5}, "12.5 s"), ({"exclusion_m": 20}, "20 m")):
        found = find_loops(two_laps, engine, threshold=0.5, **how)
        assert f"in 80 photos, between photos at least {said} apart" in str(found)


def test_the_run_learns_a_threshold_from_itself(two_laps, engine, second_lap):
    found = find_loops(two_laps, engine, precision=0.9)
    assert len(pairs(found) & second_lap) >= 38
    assert len(pairs(found) - second_lap) <= 0.1 * len(pairs(found))
    assert "estimated from this run for a precision of 90 %" in str(found)


def test_says_that_a_run_cannot_show_a_high_precision(two_laps, engine):
    found = find_loops(two_laps, engine, precision=0.99)
    assert math.isinf(found.threshold) and not found.accepted
    assert "no loops in 80 photos" in str(found) and "at least 100 loops" in str(found)


def test_a_folder_is_sorted_by_the_numbers_in_its_names(two_laps, engine, second_lap):
    assert pairs(find_loops(two_laps.root, engine, threshold=0.5, sequence=1)) == second_lap


def test_photos_are_sorted_by_time(two_laps, engine, second_lap):
    order = np.random.default_rng(0).permutation(80)
    assert pairs(find_loops(two_laps.take(order), engine, threshold=0.5, sequence=1)) == second_lap


@pytest.mark.parametrize("exclusion", [{"exclusion_s": 41.0}, {"exclusion_m": 210.0}])
def test_the_exclusion_may_be_seconds_or_metres(two_laps, engine, second_lap, exclusion):
    """A lap takes 40 s and 200 m: what lies within more than a lap is not a loop."""
    assert not find_loops(two_laps, engine, threshold=0.5, sequence=1, **exclusion).accepted
    a_third = {name: value / 3 for name, value in exclusion.items()}
    assert pairs(find_loops(two_laps, engine, threshold=0.5, sequence=1, **a_third)) == second_lap


def test_a_run_of_photos_is_matched_together(two_laps, engine, second_lap):
    """The first photos of the second lap follow the end of the first, so they wait."""
    found = pairs(find_loops(two_laps, engine, threshold=0.5))
    assert found < second_lap and len(found) >= 37


def test_photos_of_two_sequences_are_always_compared(two_laps, engine):
    """The last photo lies five photos after its match, but on another drive."""
    rows = np.array([*range(30), 65])
    one = PlaceDataset(two_laps.root, two_laps.names[rows])
    assert not find_loops(one, engine, threshold=0.5, sequence=1).accepted
    two = PlaceDataset(two_laps.root, two_laps.names[rows], sequence_ids=rows // 40)
    assert pairs(find_loops(two, engine, threshold=0.5, sequence=1)) == {("65.png", "25.png")}


def test_the_table_names_both_photos(two_laps, engine):
    table = find_loops(two_laps, engine, threshold=0.5, sequence=1).to_frame()
    row = table[table["query"] == "50.png"].iloc[0]
    assert (row["match"], row["query_number"], row["match_number"]) == ("10.png", 50, 10)
    assert row["accepted"] and row["gap"] > 0.5


def test_one_photo_and_a_video_that_stands_still_have_no_loops(tmp_path, engine):
    cv2.imwrite(str(tmp_path / "0.png"), np.full((32, 48, 3), 200, np.uint8))
    found = find_loops(tmp_path, engine, threshold=0.5, sequence=1)
    assert found.loops == [] and found.to_frame().empty
    for number in range(1, 40):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((32, 48, 3), 200, np.uint8))
    assert not find_loops(tmp_path, engine, threshold=0.5, sequence=1).accepted


def with_cells(photos):
    """The network of `engine`, whose local features are random but for the photo's own pixels."""
    cells = photos.reshape(len(photos), 8, 4, 12, 4, 3).transpose(0, 1, 3, 2, 4, 5)
    cells = cells.reshape(len(photos), 8, 12, -1).astype(np.float32) - 127.5
    return by_pixels(photos), cells / np.linalg.norm(cells, axis=3, keepdims=True)


def test_counts_the_cells_that_both_photos_of_a_match_share(two_laps, engine, second_lap):
    """Photos of one place share all 96 cells; the first lap shows nothing twice."""
    engine = replace(engine, run=with_cells)
    found = find_loops(two_laps, engine, threshold=0, sequence=1, rerank="features", min_inliers=90)
    assert pairs(found) == second_lap
    table = found.to_frame()
    assert (table["inliers"] == [loop.inliers for loop in found.loops]).all()
    assert table["inliers"].max() == 96 and table["inliers"].min() < 30
    counted = find_loops(
        two_laps, engine, threshold=0, sequence=1, rerank="features", min_inliers=0
    )
    assert len(counted.accepted) == len(counted.loops) > 40


def test_counts_points_of_sift(two_laps, engine):
    found = find_loops(two_laps, engine, threshold=0.5, sequence=1, rerank="sift", min_inliers=0)
    assert all(loop.inliers is not None for loop in found.loops)


def test_no_inliers_unless_asked_for(two_laps, engine):
    assert (
        find_loops(two_laps, engine, threshold=0.5, sequence=1).to_frame()["inliers"].isna().all()
    )


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"rerank": "features"}, "needs the file of a model"),
        ({"rerank": "feature"}, "rerank"),
        ({"min_inliers": 5}, "no effect without `rerank`"),
        ({"rerank": "sift", "min_inliers": -1}, "`min_inliers` must be at least 0"),
        ({"sequence": 0}, "`sequence` must be at least 1"),
        ({"fov_deg": 70.0}, "`fov_deg` must be left out without `g2o essential`"),
        ({"g2o": "essential"}, "Received: no `out`"),
        ({"g2o": "essential", "out": "loops"}, "needs the horizontal field of view"),
        ({"g2o": "essential", "out": "loops", "fov_deg": 180.0}, "`fov_deg` must be below 170"),
        ({"exclusion_s": 5.0}, "needs photos whose times are all known"),
        ({"exclusion_m": 5.0}, "needs photos with positions"),
        ({"exclusion_s": 5.0, "exclusion_m": 5.0}, "Choose one of"),
        ({"exclusion_frames": 0}, "`exclusion_frames` must be at least 1"),
        ({"precision": 95}, "`precision` must be below 1"),
        ({"normalize": "map"}, "`normalize` must be running, own or none: a run has no map"),
        ({"hubness": "csls_batch"}, "`hubness` must be csls or none"),
    ],
)
def test_refuses_before_it_describes(two_laps, settings, message):
    def never(photos):
        raise AssertionError("described")

    with pytest.raises(ValueError, match=message):
        find_loops(two_laps.root, never, **settings)


def test_refuses_a_folder_that_cannot_be_made(two_laps, engine, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        find_loops(two_laps, engine, out=tmp_path / "missing" / "loops")
    with pytest.raises(NotADirectoryError, match="must be a folder"):
        find_loops(two_laps, engine, out=tmp_path / "0.png")


@pytest.mark.parametrize("inside", ["", "loops"])
def test_refuses_to_write_pictures_among_the_photos(two_laps, engine, inside):
    before = set(two_laps.root.iterdir())
    with pytest.raises(ValueError, match="must lie outside of the folder of photos"):
        find_loops(two_laps.root, engine, out=two_laps.root / inside)
    assert set(two_laps.root.iterdir()) == before


def test_the_exclusion_is_told_from_how_fast_the_run_changes():
    """Each photo shares `n` of its parts with the one before it, so `n` on nothing is shared."""
    rng = np.random.default_rng(0)
    for overlap in (8, 30):
        parts = rng.normal(size=(300 + overlap, 64))
        run = np.stack([parts[row : row + overlap].sum(0) for row in range(300)])
        run /= np.linalg.norm(run, axis=1, keepdims=True)
        assert overlap <= exclusion_of_run(run) <= 2.2 * overlap
    assert exclusion_of_run(run[:3]) == 10
    assert exclusion_of_run(np.ones((40, 4)) / 2) == 10


@pytest.fixture
def shipped(monkeypatch, engine):
    """What ships with the network of `engine`, for single photos."""
    score = loops_score(engine.image_size, sequence=1, rerank=None, min_inliers=None)
    thresholds = [{"precision": 0.9, "score": 0.5}]
    learned = Calibration(score, "four drives", 60, 50, -2.0, 8.0, 0.0, thresholds)
    monkeypatch.setattr(
        "placevec.loops.threshold.shipped_calibrations",
        lambda model_id: [learned] if model_id == "by-pixels" else [],
    )
    return learned


def test_the_threshold_that_ships_with_a_network_is_taken(two_laps, engine, second_lap, shipped):
    found = find_loops(two_laps, engine, sequence=1, precision=0.9)
    assert pairs(found) == second_lap
    assert str(found).endswith("threshold 0.5, for a precision of 90 % on four drives")
    table = found.to_frame()
    expected = shipped.confidence([loop.gap for loop in found.loops])
    np.testing.assert_allclose(table["confidence"].astype(float), expected, atol=1e-3)


@pytest.mark.parametrize(
    "changed",
    [
        {"sequence": 5},
        {"normalize": "own"},
        {"hubness": "csls"},
        {"precision": 0.8},
        {"image_size": (16, 24)},
        {"model": "other"},
    ],
)
def test_what_ships_is_for_its_network_settings_and_precision(two_laps, engine, shipped, changed):
    if model_id := changed.pop("model", None):
        engine = replace(engine, model_id=model_id)
    size = changed.pop("image_size", None)
    if size is not None:
        engine = replace(engine, image_size=size, descriptor_dim=3 * size[0] * size[1])
    settings = {"sequence": 1, "precision": 0.9} | changed
    assert "estimated from this run" in str(find_loops(two_laps, engine, **settings))


@pytest.mark.parametrize("normalize", ["none", "own"])
def test_the_mean_that_is_taken_off_is_a_choice(two_laps, engine, normalize):
    found = find_loops(two_laps, engine, threshold=0.1, sequence=1, normalize=normalize)
    vectors = found.descriptors
    if normalize == "own":
        mean = vectors.mean(axis=0)
        contained = (vectors @ mean / (mean @ mean)).clip(0, 1)
        vectors = vectors - np.outer(contained, mean)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [vectors[loop.query] @ vectors[loop.match] for loop in found.loops]
    received = [loop.similarity for loop in found.loops]
    np.testing.assert_allclose(received, expected, atol=1e-5)
    assert len(found.accepted) > 30


def test_a_number_keeps_the_confidence_that_ships(two_laps, engine, shipped):
    found = find_loops(two_laps, engine, sequence=1, threshold=0.3)
    assert str(found).endswith("threshold 0.3, as given")
    assert all(loop.confidence is not None for loop in found.loops)
