import numpy as np
import pytest

from placevec.config.choices import INDEX_KINDS
from placevec.store import StoreIndex, StoreWriter, reach_recall, recommend_index
from placevec.store.search.recommend import Measurement, _choose


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 16))[rng.integers(40, size=600)] + rng.normal(size=(600, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = StoreWriter.create(tmp_path_factory.mktemp("store") / "s", model_id="m")
    store.append([f"{row}" for row in range(600)], vectors)
    return store


def test_measures_every_kind_on_a_sample_and_says_why(store):
    made = recommend_index(store, recall=0.9, num_sampled=400)
    assert [each.kind for each in made.measurements] == list(INDEX_KINDS)
    assert (made.num_sampled, made.num_photos) == (400, 600)
    recalls = {each.kind: each.recall for each in made.measurements}
    assert recalls["flat"] == 1
    assert all(0 <= each <= 1 for each in recalls.values())
    assert made.kind in INDEX_KINDS and recalls[made.kind] >= 0.9
    lines = str(made).splitlines()
    assert lines[0].startswith("measured on 400 of 600 photos")
    assert len(lines) == 7 and lines[-1].startswith(f"recommended: {made.kind}, the fastest")


def test_effort_is_raised_until_the_recall_is_reached(store):
    index = StoreIndex.build(store, "ivf_pq").with_effort(1)
    idle, low, _, _ = reach_recall(index, 0.0)
    assert idle.settings.effort == 1
    busy, high, _, _ = reach_recall(index, 0.99)
    assert busy.settings.effort > 1 and high > low


def test_recall_is_that_of_the_others(store):
    """A query is no answer to itself: an index that finds only it would otherwise seem good."""
    _, reached, _, _ = reach_recall(StoreIndex.build(store, "flat"), 1.0)
    assert reached == 1.0
    two = StoreWriter.create(store.folder.parent / "two", model_id="m")
    two.append(["a", "b"], np.eye(2))
    assert reach_recall(StoreIndex.build(two, "flat"), 1.0)[1] == 1.0


def measured(kind, recall, expected_ms, memory_mb):
    return Measurement(kind, 0, recall, 1.0, 1.0, 1.0, memory_mb, expected_ms)


@pytest.mark.parametrize(
    ("recall", "memory_mb", "kind", "reason"),
    [
        (0.95, None, "hnsw", "the fastest"),
        (0.95, 50.0, "sq8", "the fastest"),
        (0.95, 30.0, "ivf_pq", "whose recall is highest: none in the memory reaches 0.95"),
        (0.90, 30.0, "ivf_pq", "the fastest"),
        (0.95, 3.0, "ivf_pq", "which takes 5 MB: none fits 3 MB"),
    ],
)
def test_recommends_the_fastest_that_is_good_enough(recall, memory_mb, kind, reason):
    found = (
        measured("flat", 1.0, 9.0, 160.0), measured("sq8", 0.99, 6.0, 40.0),
        measured("hnsw", 0.97, 1.0, 90.0), measured("ivf_pq", 0.93, 2.0, 5.0),
    )  # fmt: skip
    chosen, why = _choose(found, recall, memory_mb)
    assert chosen == kind and reason in why


def test_refuses_to_recommend_for_one_photo(tmp_path):
    store = StoreWriter.create(tmp_path / "store", model_id="m")
    store.append(["a"], np.ones((1, 2)))
    with pytest.raises(ValueError, match="needs at least 2 photos. Received: 1"):
        recommend_index(store, recall=0.9)
