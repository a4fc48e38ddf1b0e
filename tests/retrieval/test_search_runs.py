import numpy as np
import pytest

from placevec.config import SearchConfig
from placevec.places import PlaceDataset
from placevec.retrieval import describe_into, open_for, search_photos
from placevec.retrieval.search_runs import nearest_runs
from placevec.retrieval.sequences import match_sequences
from placevec.store import StoreWriter

SIZE = (32, 48)
COLORS = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
DRAWN = np.random.default_rng(3).integers(0, 3, 20)  # colors that many places share


@pytest.fixture
def walk(write_photos, mean_color, tmp_path):
    """A store of a walk, and the same walk as queries in another folder."""
    paths = write_photos([COLORS[each] for each in DRAWN])
    (tmp_path / "again").mkdir()
    for path in paths:
        (tmp_path / "again" / path.name).write_bytes(path.read_bytes())
    photos = PlaceDataset(tmp_path, [path.name for path in paths])
    store = open_for(tmp_path / "store", "m", None, SIZE, photos)
    describe_into(store, mean_color, photos, image_size=SIZE, batch_size=4)
    return store, mean_color, PlaceDataset(tmp_path / "again", photos.names)


def test_a_run_finds_the_places_that_single_photos_do_not_tell(walk):
    store, model, photos = walk
    share = {}
    for sequence in (1, 8):
        config = SearchConfig(matches=1, sequence=sequence)
        found = search_photos(store, model, photos, config)
        share[sequence] = (found["query"] == found["match"]).to_numpy()[7:].mean()
    assert share[1] < 0.5 and share[8] == 1.0


def test_equals_the_scores_of_runs_and_keeps_to_the_filters(folder_store):
    store, descriptors = folder_store
    photos = PlaceDataset("q", ["x/1.jpg", "x/2.jpg", "y/1.jpg"])
    filters = [(None, None, None)] * 2 + [(None, None, 5.0)]
    neighbors, scores = nearest_runs(store, descriptors, photos, filters, 2, 7)
    stored = np.concatenate([np.asarray(each) for each in store.descriptors])
    similarities = descriptors @ stored.T
    similarities[:, 3] = -np.inf  # it was removed
    similarities[2, 4:] = -np.inf  # later
    order = np.array([1, 0, 3, 2, 4, 5])  # by time in run a, by name in run b
    expected = match_sequences(
        similarities[:, order], np.array([0, 0, 1]), np.array([0, 0, 1, 1, 1, 1]), 2
    )
    for query in range(3):
        by_row = np.empty(6, np.float32)
        by_row[order] = expected[query]
        best = [row for row in np.argsort(-by_row, kind="stable") if np.isfinite(by_row[row])]
        assert neighbors[query].tolist() == best + [-1] * (7 - len(best))
        np.testing.assert_allclose(scores[query, : len(best)], by_row[best], atol=1e-6)


def test_a_small_store_is_adapted_once_for_many_queries(folder_store, unit_vectors, monkeypatch):
    store, _ = folder_store
    blocks, plain = [], store.compared
    monkeypatch.setattr(store, "compared", lambda block: [blocks.append(1), plain(block)][1])
    photos = PlaceDataset("q", [f"{number}.jpg" for number in range(200)])
    nearest_runs(store, unit_vectors(200), photos, [(None, None, None)] * 200, 2, 1)
    assert len(blocks) == 1


@pytest.fixture
def folder_store(tmp_path, unit_vectors):
    """A store of two runs, one row removed, and the descriptors of three queries."""
    store = StoreWriter.create(tmp_path / "store", model_id="m")
    names = ["a/1.jpg", "a/2.jpg", "b/10.jpg", "b/9.jpg"]
    store.append(names, unit_vectors(4), times_s=[2, 1, 3, 4])
    store.append(["b/11.jpg", "b/12.jpg"], unit_vectors(2, seed=1), times_s=[6, np.nan])
    store.remove(["b/9.jpg"])
    return store, unit_vectors(3, seed=2)
