import dataclasses

import numpy as np
import pytest

from placevec.config import SearchConfig
from placevec.loops import calibrate
from placevec.loops.judge_search import judge_search
from placevec.retrieval import search_photos
from placevec.retrieval.calibration import read_calibrations
from placevec.retrieval.describing.describe_store import describe_into, open_for
from placevec.store import AdaptedStore, StoreIndex
from placevec.store.map_statistics import fit_map_statistics
from tests.loops.conftest import SIZE


@pytest.fixture
def laps_apart(two_laps):
    """The second lap, of 200 m, is looked up in the first."""
    is_query = np.arange(80) >= 40
    return dataclasses.replace(two_laps, is_query=is_query, is_database=~is_query)


def test_equals_plain_loops(laps_apart, unit_vectors):
    descriptors = unit_vectors(80, dim=16)
    judged = judge_search(laps_apart, descriptors, radius_m=8.0, wrong_beyond_m=12.0)
    vectors = fit_map_statistics(descriptors[:40]).adapt(descriptors)
    places_m, rows = laps_apart.positions_m, []
    for query in range(40, 80):
        apart_m = [np.hypot(*(places_m[other] - places_m[query])) for other in range(40)]
        for nearest_m in (0, 32):  # once more without the surroundings
            cosines = {
                other: vectors[query] @ vectors[other]
                for other in range(40)
                if not nearest_m or apart_m[other] > nearest_m
            }
            best = max(cosines, key=cosines.get)
            elsewhere = [
                cosine
                for other, cosine in cosines.items()
                if np.hypot(*(places_m[other] - places_m[best])) > 25
            ]
            rows.append((cosines[best] - max(elsewhere), apart_m[best], nearest_m == 0))
    gaps, apart_m, has_answer = map(np.array, zip(*rows, strict=True))
    np.testing.assert_allclose(judged.gaps, gaps, atol=1e-5)
    assert (judged.is_right == (apart_m <= 8)).all()
    assert (judged.is_ignored == ((apart_m > 8) & (apart_m <= 12))).all()
    assert (judged.has_answer == has_answer).all()


@pytest.fixture
def lap_store(laps_apart, engine, tmp_path):
    """A store of the first lap, with the statistics of its map."""
    lap = laps_apart.take(np.arange(40))
    store = open_for(tmp_path / "store", "by-pixels", "float32", SIZE, lap)
    describe_into(store, engine, lap, image_size=SIZE, batch_size=8)
    StoreIndex.build(AdaptedStore.fit(store)).save()
    return store


def test_searches_have_the_gaps_and_the_confidence_of_their_file(
    laps_apart, lap_store, engine, tmp_path
):
    out = tmp_path / "threshold.json"
    calibrate(laps_apart, engine, out=out, of="search", precision=0.9, radius_m=8.0)
    (learned,) = read_calibrations(out, "by-pixels")
    lap = laps_apart.take(np.arange(40, 80))
    config = SearchConfig(matches=2, calibration=out)
    table = search_photos(lap_store, engine, lap, config)
    judged = judge_search(laps_apart, engine.describe(laps_apart), radius_m=8.0)
    best = table[table["rank"] == 1]
    np.testing.assert_allclose(best["gap"], judged.gaps[::2], atol=1e-4)
    np.testing.assert_allclose(table["confidence"], learned.confidence(table["gap"]), atol=2e-3)
    assert search_photos(lap_store, engine, lap, SearchConfig())["confidence"].isna().all()


@pytest.mark.parametrize("changed", [{"sequence": 3}, {"hubness": "csls"}, {"normalize": "own"}])
def test_a_file_is_for_usual_searches(laps_apart, lap_store, engine, tmp_path, changed):
    out = tmp_path / "threshold.json"
    calibrate(laps_apart, engine, out=out, of="search", precision=0.9, radius_m=8.0)
    with pytest.raises(ValueError, match="without `hubness`, `sequence` and `rerank`"):
        search_photos(lap_store, engine, laps_apart, SearchConfig(calibration=out, **changed))


@pytest.mark.parametrize("dim", [None, 8])
def test_a_file_is_for_a_map_with_statistics_in_all_dimensions(laps_apart, tmp_path, dim):
    def first_pixels(photos):
        vectors = photos.reshape(len(photos), -1)[:, :16] + np.float32(1)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    lap, out = laps_apart.take(np.arange(40)), tmp_path / "threshold.json"
    store = open_for(tmp_path / "store", "pixels", "float32", SIZE, lap)
    describe_into(store, first_pixels, lap, image_size=SIZE, batch_size=8)
    if dim is not None:
        StoreIndex.build(AdaptedStore.fit(store, dim)).save()
    with pytest.raises(
        ValueError, match="statistics of the map with all dimensions. .* `placevec i"
    ):
        search_photos(store, first_pixels, lap, SearchConfig(calibration=out))


def test_a_file_is_for_a_map_with_positions(laps_apart, engine, tmp_path):
    out = tmp_path / "threshold.json"
    calibrate(laps_apart, engine, out=out, of="search", precision=0.9, radius_m=8.0)
    lap = dataclasses.replace(laps_apart, positions_m=None)
    store = open_for(tmp_path / "store", "by-pixels", "float32", SIZE, lap)
    describe_into(store, engine, lap, image_size=SIZE, batch_size=8)
    StoreIndex.build(AdaptedStore.fit(store)).save()
    with pytest.raises(ValueError, match="photos all have positions"):
        search_photos(store, engine, lap, SearchConfig(calibration=out))


def test_refuses_a_map_of_one_place(laps_apart, unit_vectors):
    laps = dataclasses.replace(laps_apart, positions_m=laps_apart.positions_m / 100)
    with pytest.raises(ValueError, match="25 m away. Received: .* photos of only one place"):
        judge_search(laps, unit_vectors(80, dim=16), radius_m=8.0)


def test_refuses_what_has_no_meaning(two_laps, laps_apart, engine, tmp_path):
    out = tmp_path / "threshold.json"
    with pytest.raises(ValueError, match="queries that are not in the database"):
        calibrate(two_laps, engine, out=out, of="search")
    with pytest.raises(ValueError, match="`sequence` must be left out with `of='search'`"):
        calibrate(laps_apart, engine, out=out, of="search", sequence=3)
