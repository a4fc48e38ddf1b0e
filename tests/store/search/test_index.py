import hashlib
import json
import os

import numpy as np
import pytest

from placevec.config.choices import INDEX_KINDS
from placevec.store import DescriptorStore, StoreIndex, StoreWriter, nearest_in_store
from placevec.store.search.index_kinds import IndexSettings, index_bytes

DIM = 16


def clustered(count, seed=0):
    rng = np.random.default_rng(seed)
    vectors = np.random.default_rng(9).normal(size=(60, DIM))[rng.integers(60, size=count)]
    vectors = vectors + 0.5 * rng.normal(size=(count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A store of 900 photos in two shards, with an index of each kind."""
    store = StoreWriter.create(tmp_path_factory.mktemp("store") / "s", model_id="m")
    for start in (0, 500):
        count = min(500, 900 - start)
        names = [f"{row}.jpg" for row in range(start, start + count)]
        store.append(names, clustered(count, start))
    return store, {kind: StoreIndex.build(store, kind) for kind in INDEX_KINDS}


@pytest.fixture
def changing(tmp_path):
    store = StoreWriter.create(tmp_path / "store", model_id="m")
    store.append([f"{row}.jpg" for row in range(300)], clustered(300))
    return store


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_finds_nearly_what_the_exact_search_finds(built, kind):
    """And what it finds has its exact similarity."""
    store, indexes = built
    queries = clustered(30, seed=1)
    index = indexes[kind].with_effort(0 if kind in ("flat", "sq8") else 16)
    neighbors, similarities = index.search(queries, 10)
    exact, _ = nearest_in_store(store, queries, 10)
    shares = [np.isin(right, row).mean() for row, right in zip(neighbors, exact, strict=True)]
    assert np.mean(shares) > (0.999 if kind == "flat" else 0.9)
    for query, rows, values in zip(queries, neighbors, similarities, strict=True):
        np.testing.assert_allclose(values, store.take(rows) @ query, atol=1e-5)
    assert (np.diff(similarities, axis=1) <= 0).all()


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_one_by_one_finds_what_a_batch_finds(built, kind, monkeypatch):
    _, indexes = built
    queries = clustered(7, seed=2)
    together, _ = indexes[kind].search(queries, 5)
    for row, query in enumerate(queries):
        np.testing.assert_array_equal(indexes[kind].search(query[None], 5)[0][0], together[row])
    monkeypatch.setattr("placevec.store.search.index._MAX_CANDIDATE_VALUES", 1)
    np.testing.assert_array_equal(indexes[kind].search(queries, 5)[0], together)


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_equal_photos_are_ordered_by_row_as_by_the_exact_search(tmp_path, kind):
    vectors = clustered(700)
    vectors[np.arange(0, 700, 14)] = vectors[350]
    store = StoreWriter.create(tmp_path / "equal", model_id="m")
    store.append([f"{row}.jpg" for row in range(700)], vectors)
    index = StoreIndex.build(store, kind)
    store.append(["copy.jpg", "other.jpg"], vectors[[350, 1]])
    is_allowed = np.arange(702) % 3 > 0
    for filters in ({}, {"is_allowed": is_allowed}):
        exact = nearest_in_store(store, vectors[350:351], 60, **filters)[0]
        for num_queries in (1, 9):
            queries = np.repeat(vectors[350:351], num_queries, axis=0)
            for k in (1, 3, 10, 30):
                found = index.search(queries, k, **filters)[0]
                np.testing.assert_array_equal(found, np.repeat(exact[:, :k], num_queries, axis=0))


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_a_shorter_answer_is_the_beginning_of_a_longer_one(built, kind):
    index, queries = built[1][kind], clustered(12, seed=6)
    longest = index.search(queries, 32)[0]
    for k in (1, 2, 5, 10, 31):
        np.testing.assert_array_equal(index.search(queries, k)[0], longest[:, :k])


@pytest.mark.parametrize("kind", INDEX_KINDS)
@pytest.mark.parametrize("share", [0.5, 0.01, 0.0])
def test_finds_only_what_is_allowed(built, kind, share):
    """Where few are, each of them is compared, so that none is missed."""
    store, indexes = built
    is_allowed = np.random.default_rng(0).random(store.num_rows) < share
    queries = clustered(5, seed=3)
    neighbors, _ = indexes[kind].search(queries, 8, is_allowed=is_allowed)
    assert is_allowed[neighbors[neighbors >= 0]].all()
    assert (neighbors >= 0).sum() == 5 * min(8, is_allowed.sum())
    if share == 0.01:
        exact, _ = nearest_in_store(store, queries, 8, is_allowed=is_allowed)
        np.testing.assert_array_equal(neighbors, exact)


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    """A store of 6,000 photos of 60 places, row by row the place `row % 60`; graph and lists."""
    rng = np.random.default_rng(0)
    vectors = np.repeat(rng.normal(size=(1, 60, DIM)), 100, axis=0).reshape(6000, DIM)
    vectors += 0.3 * rng.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = StoreWriter.create(tmp_path_factory.mktemp("towns") / "s", model_id="m")
    store.append([f"{row}.jpg" for row in range(6000)], vectors)
    return store, {kind: StoreIndex.build(store, kind) for kind in ("hnsw", "ivf_pq")}


@pytest.mark.parametrize("kind", ["hnsw", "ivf_pq"])
@pytest.mark.parametrize("num_places", [2, 4, 12])
def test_a_filter_far_from_the_query_hides_no_photo(towns, kind, num_places):
    """Only photos of some places are allowed, and queries are of all places."""
    store, indexes = towns
    is_allowed = np.arange(6000) % 60 < num_places
    queries = store.take(np.arange(60))
    index = indexes[kind].with_effort({"hnsw": 16, "ivf_pq": 4}[kind])
    neighbors, similarities = index.search(queries, 10, is_allowed=is_allowed)
    exact, values = nearest_in_store(store, queries, 10, is_allowed=is_allowed)
    assert (neighbors >= 0).all() and is_allowed[neighbors].all()
    shares = [np.isin(right, row).mean() for row, right in zip(neighbors, exact, strict=True)]
    assert np.mean(shares) > 0.9
    assert np.mean(similarities[:, 0] > values[:, 0] - 1e-5) > 0.9


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_is_saved_with_the_store(changing, kind):
    StoreIndex.build(changing, "sq8").save()
    index = StoreIndex.build(changing, kind).with_effort(3)
    index.save()
    assert len(list(changing.folder.glob("*.faiss"))) == (kind != "flat")
    again = StoreIndex.load(DescriptorStore.open(changing.folder))
    assert again.settings == (IndexSettings() if kind == "flat" else IndexSettings(kind, 3))
    queries = clustered(4, seed=4)
    np.testing.assert_array_equal(again.search(queries, 5)[0], index.search(queries, 5)[0])


def test_without_an_index_the_search_is_exact(changing):
    index = StoreIndex.load(changing)
    assert index.settings.kind == "flat"
    found = index.search(clustered(3, seed=5), 4)
    exact = nearest_in_store(changing, clustered(3, seed=5), 4)
    np.testing.assert_array_equal(found[0], exact[0])


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_photos_added_or_removed_later_are_found_or_not(changing, kind):
    StoreIndex.build(changing, kind).save()
    new = clustered(2, seed=77)
    changing.append(["new.jpg", "other.jpg"], new)
    index = StoreIndex.load(changing)
    best, similarity = index.search(new, 1)
    assert best[:, 0].tolist() == [300, 301]
    np.testing.assert_allclose(similarity[:, 0], 1, atol=1e-5)
    changing.remove(["new.jpg", "5.jpg"])
    index = StoreIndex.load(changing)
    assert index.search(new[:1], 1)[0][0, 0] != 300
    assert index.search(changing.take([5]), 1)[0][0, 0] != 5


def test_compacting_deletes_the_index(changing):
    StoreIndex.build(changing, "sq8").save()
    changing.remove(["0.jpg"])
    changing.compact()
    assert not [path for path in changing.folder.iterdir() if "index" in path.name]
    assert StoreIndex.load(changing).settings.kind == "flat"


def test_an_index_is_saved_under_the_lock_of_the_store(changing):
    reader = DescriptorStore.open(changing.folder)
    index = StoreIndex.build(reader, "sq8")
    with pytest.raises(BlockingIOError, match="Another process writes to"):
        index.save()
    changing.remove(["0.jpg"])
    changing.close()
    index.save()
    with StoreWriter.open(changing.folder) as store:  # saving let go of the lock
        assert StoreIndex.load(store).settings.kind == "sq8"
        store.compact()
    with pytest.raises(
        ValueError, match="are others by now. Build the index again: `placevec index"
    ):
        index.save()
    assert not list(changing.folder.glob("index*"))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"kind": "tree"}, "`kind` must be one of"),
        ({"effort": -1}, "Effort, rows, bytes and rule of an index must be counts"),
        ({"adaptation": "2"}, "must be counts"),
        ({"effort": 2**30}, "`effort` must be"),
        ({"num_rows": 10**9}, "must index 300 photos at most"),
        ({"num_rows": 299}, "must index 299 photos of 16 dimensions. Received: 300 of 16"),
        ({"num_rows": "300"}, "must be counts"),
        ({"num_bytes": 7}, "must be a file of 7 bytes"),
        ({"num_bytes": 2**40}, "must have at most"),
        ({"sha256": 64 * "0"}, "is damaged: it does not fit its SHA-256. Build it again"),
        ({"number": 1 << 50}, "Numbers of files must differ and be below"),
        ({"path": "../x"}, "cannot be read as a store's manifest"),
    ],
)
def test_refuses_an_index_that_is_not_what_the_manifest_says(changing, changes, match):
    StoreIndex.build(changing, "sq8").save()
    path = changing.folder / "manifest.json"
    values = json.loads(path.read_text())
    del values["digest"]
    values["index"] |= changes
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(values | {"digest": digest}))
    with pytest.raises(ValueError, match=match):
        StoreIndex.load(DescriptorStore.open(changing.folder))


def test_faiss_never_sees_a_damaged_index(changing, monkeypatch):
    StoreIndex.build(changing, "sq8").save()
    (path,) = changing.folder.glob("*.faiss")
    monkeypatch.setattr("faiss.read_index", lambda path: pytest.fail("FAISS read it"))
    before = path.read_bytes()
    for damaged in (before[:-1] + b"x", before[:-1], before + b"x", os.urandom(len(before))):
        path.write_bytes(damaged)
        with pytest.raises(
            ValueError, match="Build it again: `placevec index .* --kind sq8 --no-statistics`"
        ):
            StoreIndex.load(changing)
    path.unlink()
    with pytest.raises(ValueError, match="must be a file of .* bytes. Build it again"):
        StoreIndex.load(changing)
    os.mkfifo(path)
    with pytest.raises(ValueError, match="must be a file of .* bytes. Build it again"):
        StoreIndex.load(changing)


def test_an_index_without_a_digest_is_not_used_and_it_is_said(changing, caplog):
    """As an earlier version left it."""
    (changing.folder / "index.json").write_text("{}")
    values = json.loads((changing.folder / "manifest.json").read_text())
    for name in ("digest", "index"):
        del values[name]
    for shard in values["shards"]:
        del shard["photos_sha256"]
    values["format"] = "placevec descriptors 1"
    (changing.folder / "manifest.json").write_text(json.dumps(values))
    assert StoreIndex.load(DescriptorStore.open(changing.folder)).settings.kind == "flat"
    assert "of an earlier version, without a digest, and not used" in caplog.text


def test_a_reader_takes_the_index_that_was_built_meanwhile(changing):
    StoreIndex.build(changing, "sq8").save()
    reader = DescriptorStore.open(changing.folder)
    StoreIndex.build(changing, "hnsw").save()
    assert StoreIndex.load(reader).settings.kind == "hnsw"
    changing.remove(["0.jpg"])
    changing.compact()
    StoreIndex.build(changing, "sq8").save()
    with pytest.raises(ValueError, match="is of other photos. Build it again"):
        StoreIndex.load(reader)


def test_a_damaged_store_is_not_indexed(changing):
    path = changing.folder / "000000.npy"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="000000.npy is damaged"):
        StoreIndex.build(DescriptorStore.open(changing.folder), "sq8")


def test_a_full_disk_while_indexing_is_one_line_with_the_file(changing, disk_full_after):
    index, before = StoreIndex.build(changing, "sq8"), os.listdir(changing.folder)
    with disk_full_after(3000):
        with pytest.raises(OSError, match="index-000001.faiss could not be written") as caught:
            index.save()
    assert "\n" not in str(caught.value) and os.listdir(changing.folder) == before
    index.save()
    assert StoreIndex.load(changing).settings.kind == "sq8"


def test_a_disk_that_is_full_at_the_last_byte_of_an_index_is_told(changing, disk_full_after):
    index = StoreIndex.build(changing, "sq8")
    index.save()
    (path,) = changing.folder.glob("*.faiss")
    with disk_full_after(path.stat().st_size - 1):
        with pytest.raises(OSError, match="faiss could not be written"):
            index.save()
    assert StoreIndex.load(changing).settings.kind == "sq8"


def test_saving_gives_no_number_of_a_good_shard_away(changing):
    """A reader saves an index, and an older manifest was put back."""
    older = (changing.folder / "manifest.json").read_bytes()
    changing.append(["new.jpg"], clustered(1))
    good = (changing.folder / "000001.npy").read_bytes()
    changing.close()
    (changing.folder / "manifest.json").write_bytes(older)
    StoreIndex.build(DescriptorStore.open(changing.folder), "sq8").save()
    StoreWriter.open(changing.folder).close()
    assert (changing.folder / "set-aside" / "000001.npy").read_bytes() == good


def test_knows_how_much_memory_an_index_takes(built, tmp_path):
    store, indexes = built
    for kind in ("sq8", "hnsw", "ivf_pq"):
        indexes[kind].save()
        (path,) = store.folder.glob("*.faiss")
        expected = index_bytes(kind, DIM, 900, 4)
        assert 0.7 < path.stat().st_size / expected < 1.4, kind
    assert index_bytes("flat", DIM, 900, 2) == 900 * DIM * 2


def test_refuses_what_cannot_be_searched(built, tmp_path):
    _, indexes = built
    with pytest.raises(ValueError, match="`num_neighbors` must be at least 1"):
        indexes["flat"].search(clustered(1), 0)
    with pytest.raises(ValueError, match=r"`is_allowed` must be \(900,\). Received: \(3,\)"):
        indexes["flat"].search(clustered(1), 1, is_allowed=np.ones(3, bool))
    with pytest.raises(ValueError, match="`kind` must be one of flat, sq8, hnsw, ivf_pq"):
        StoreIndex.build(built[0], "tree")
    empty = StoreWriter.create(tmp_path / "empty", model_id="m")
    with pytest.raises(ValueError, match="There are no photos in"):
        StoreIndex.build(empty, "flat")
