import importlib.util
import shutil

import numpy as np
import pytest

from placevec.store import (
    AdaptedStore,
    DescriptorStore,
    StoreIndex,
    StoreWriter,
    Where,
    nearest_in_store,
)
from placevec.store.search.milvus import connect_milvus, search_milvus, upload_store

HAS_CLIENT, HAS_LITE, HAS_SERVER = (
    importlib.util.find_spec(name) is not None for name in ("pymilvus", "milvus_lite", "milvus")
)
pytestmark = pytest.mark.skipif(
    not HAS_CLIENT, reason="pymilvus is not installed: the extra `milvus`"
)


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    if not HAS_LITE:
        pytest.skip("milvus-lite is not installed: the extra `milvus`")
    client = connect_milvus(str(tmp_path_factory.mktemp("milvus") / "lite.db"))
    yield client
    client.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Milvus server in a process of its own, of the package `milvus`."""
    if not HAS_SERVER:
        pytest.skip("no Milvus server is installed: pip install milvus==2.3.5")
    from milvus import default_server

    default_server.set_base_dir(str(tmp_path_factory.mktemp("server")))
    default_server.start()
    client = connect_milvus(f"http://127.0.0.1:{default_server.listen_port}")
    yield client
    client.close()
    default_server.stop()


@pytest.fixture(params=["lite", pytest.param("server", marks=pytest.mark.slow)])
def client(request):
    client = request.getfixturevalue(request.param)
    for collection in client.list_collections():
        client.drop_collection(collection)
    return client


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    positions_m, times_s = rng.uniform(0, 2000, (300, 2)), rng.uniform(0, 100, 300)
    positions_m[3], times_s[4] = np.nan, np.nan
    store = StoreWriter.create(tmp_path / "store", model_id="m")
    store.append([f"{row}.jpg" for row in range(200)], vectors[:200], positions_m[:200],
                 times_s[:200])  # fmt: skip
    store.append([f"{row}.jpg" for row in range(200, 300)], vectors[200:], positions_m[200:],
                 times_s[200:])  # fmt: skip
    store.remove(["7.jpg"])
    return store


FILTERS = [
    {},
    {"within_m": 600.0, "of": (900.0, 1000.0)},
    {"before_s": 30.0},
    {"within_m": 900.0, "of": (1200.0, 300.0), "before_s": 50.0},
    {"within_m": 1e-3, "of": (0.0, 0.0)},
]


def test_finds_what_the_search_in_the_store_finds(client, store):
    assert upload_store(client, store, "town") == 299
    queries = store.take(np.arange(20, 25))
    for filters in FILTERS:
        allowed = Where(store).rows(**filters)
        exact, values = nearest_in_store(store, queries, 6, is_allowed=allowed)
        found, similarities = search_milvus(client, store, "town", queries, 6, **filters)
        assert np.mean(found == exact) > 0.9, filters
        np.testing.assert_array_equal(similarities[found == exact], values[found == exact])
        assert allowed[found[found >= 0]].all()


def test_adapted_descriptors_are_uploaded_and_do_not_mix_with_others(client, store):
    adapted = AdaptedStore.fit(store, 5)
    assert upload_store(client, adapted, "town") == 299
    queries = adapted.statistics.adapt(store.take(np.arange(20, 25)))
    exact, values = nearest_in_store(adapted, queries, 6)
    found, similarities = search_milvus(client, adapted, "town", queries, 6)
    assert np.mean(found == exact) > 0.9
    np.testing.assert_array_equal(similarities[found == exact], values[found == exact])
    others = AdaptedStore.fit(DescriptorStore.open(store.folder), 5)
    assert upload_store(client, others, "town") == 0
    with pytest.raises(ValueError, match="collection town must hold the store"):
        upload_store(client, store, "town")


def test_descriptors_that_another_version_adapted_are_refused(client, store, monkeypatch):
    adapted = AdaptedStore.fit(store, 5)
    with monkeypatch.context() as earlier:
        earlier.setattr("placevec.store.search.milvus.ADAPTATION", 1)
        upload_store(client, adapted, "town")
    queries = adapted.statistics.adapt(store.take(np.arange(2)))
    for work in (
        lambda: upload_store(client, adapted, "town"),
        lambda: search_milvus(client, adapted, "town", queries, 3),
    ):
        with pytest.raises(ValueError, match="adapted or added to otherwise. Upload into another"):
            work()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_filters_find_in_adapted_descriptors_what_the_store_finds(client, store, tmp_path, dtype):
    """Also once photos came and went and the statistics are those of before."""
    table, half = store.table(), StoreWriter.create(tmp_path / "half", model_id="m", dtype=dtype)
    half.append(
        table["name"].tolist(),
        store.take(store.rows),
        table[["east_m", "north_m"]].to_numpy(),
        table["time_s"].to_numpy(),
    )
    StoreIndex.build(AdaptedStore.fit(half)).save()
    upload_store(client, StoreIndex.load(half, is_adapted=True).store, "half")
    half.append(["new.jpg"], store.take([20]), [[900, 1000]], [1])
    half.remove(["20.jpg", "21.jpg"])
    adapted = StoreIndex.load(half, is_adapted=True).store
    assert half.manifest.statistics.num_changed == 3
    assert upload_store(client, adapted, "half") == 1
    queries = adapted.statistics.adapt(store.take(np.arange(20, 25)))
    for filters in FILTERS:
        allowed = Where(adapted).rows(**filters)
        exact, values = nearest_in_store(adapted, queries, 6, is_allowed=allowed)
        found, similarities = search_milvus(client, adapted, "half", queries, 6, **filters)
        assert np.mean(found == exact) > 0.9, filters
        np.testing.assert_array_equal(similarities[found == exact], values[found == exact])
        assert allowed[found[found >= 0]].all()
    assert found[0, 0] == -1  # nothing is there
    found = search_milvus(client, adapted, "half", queries[:1], 1, **FILTERS[1])[0]
    assert found[0, 0] == half.num_rows - 1


def test_equal_photos_are_ordered_by_row(client, tmp_path):
    vectors = np.eye(8)[np.r_[np.zeros(50, int), 1:8]]
    equal = StoreWriter.create(tmp_path / "equal", model_id="m")
    equal.append([f"{row}.jpg" for row in range(57)], vectors)
    upload_store(client, equal, "equal")
    for k in (1, 3, 10):
        for num_queries in (1, 8):
            found, _ = search_milvus(client, equal, "equal", np.eye(1, 8).repeat(num_queries, 0), k)
            assert (found == np.arange(k)).all()


def test_a_collection_is_brought_up_to_date(client, store):
    upload_store(client, store, "town")
    assert upload_store(client, store, "town") == 0
    store.append(["new.jpg"], np.eye(1, 8))
    store.remove(["20.jpg"])
    assert upload_store(client, store, "town") == 1
    assert search_milvus(client, store, "town", np.eye(1, 8), 1)[0].tolist() == [[300]]
    assert search_milvus(client, store, "town", store.take([20]), 1)[0][0, 0] != 20


def test_photos_removed_since_the_upload_are_not_found(client, store):
    upload_store(client, store, "town")
    queries = store.take([30])
    first = search_milvus(client, store, "town", queries, 4)[0][0]
    store.remove([store.photos["name"][int(first[0])].as_py()])
    assert search_milvus(client, store, "town", queries, 3)[0].tolist() == [first[1:].tolist()]


def test_refuses_a_copy_of_the_store_that_went_another_way(client, store, tmp_path):
    shutil.copytree(store.folder, tmp_path / "copy")
    store.append(["a.jpg"], np.eye(1, 8))
    upload_store(client, store, "town")
    with StoreWriter.open(tmp_path / "copy") as copy:
        copy.append(["b.jpg"], np.eye(1, 8, 1))
        with pytest.raises(ValueError, match="added to otherwise"):
            upload_store(client, copy, "town")
        with pytest.raises(ValueError, match="added to otherwise"):
            search_milvus(client, copy, "town", np.eye(1, 8), 1)


def test_asks_for_no_more_rows_than_milvus_answers_with(store):
    """Removed rows between two existing ones do not count: Milvus answers with 16,384 at most."""
    asked, sent = [], []

    class Client:
        def query(self, collection, *, limit, **others):
            asked.append(limit)
            return []

        def insert(self, collection, values):
            sent.extend(value["row"] for value in values)

        def has_collection(self, collection):
            return True

        def ignore(self, *arguments, **others):
            pass

        load_collection = delete = flush = ignore

    store.remove([f"{row}.jpg" for row in range(10, 290)])
    assert upload_store(Client(), store, "town") == 19
    assert sent == [*range(7), 8, 9, *range(290, 300)]
    assert max(asked) == 19


def test_refuses_a_collection_of_other_photos(client, store, tmp_path):
    upload_store(client, store, "town")
    store.compact()
    with pytest.raises(ValueError, match="town must hold the store"):
        upload_store(client, store, "town")
    with pytest.raises(ValueError, match="before it was compacted"):
        search_milvus(client, store, "town", np.eye(1, 8), 3)
    other = StoreWriter.create(tmp_path / "other", model_id="n")
    with pytest.raises(ValueError, match="There are no photos in"):
        upload_store(client, other, "town")
    other.append(["a.jpg"], np.eye(1, 8))
    with pytest.raises(ValueError, match="town must hold the store .*other as it is now"):
        upload_store(client, other, "town")


def test_refuses_filters_that_are_not_whole(lite, store):
    for filters, match in (
        ({"within_m": 5.0}, "`within_m` and `of` go together"),
        ({"before_s": float("nan")}, "must be finite"),
    ):
        with pytest.raises(ValueError, match=match):
            search_milvus(lite, store, "town", store.take([0]), 1, **filters)
