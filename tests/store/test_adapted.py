import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from placevec.config.choices import INDEX_KINDS
from placevec.store import (
    AdaptedStore,
    DescriptorStore,
    StoreIndex,
    StoreWriter,
    Where,
    check_store,
    describe_facts,
    nearest_in_store,
    store_facts,
)
from placevec.store.files.manifest import read_manifest
from placevec.store.map_statistics import ADAPTATION

DIM = 16


def alike(count, seed=0):
    """Unit descriptors that have much in common."""
    vectors = np.random.default_rng(seed).normal(size=(count, DIM)) + 2 * np.eye(DIM)[0]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def make(folder, count=120, dtype="float32"):
    store = StoreWriter.create(folder, model_id="m", dtype=dtype)
    store.append([f"{row}.jpg" for row in range(count)], alike(count))
    return store


def plain_loops(store, queries, count):
    """The most similar photos by adapting and comparing them one by one."""
    statistics, found = store.statistics, []
    projection = statistics.projection.astype(np.float64)

    def adapted(vector):
        vector, mean = vector.astype(np.float64), statistics.mean.astype(np.float64)
        contained = min(max(vector @ mean / (mean @ mean), 0), 1)
        moved = (vector - contained * mean) @ projection
        return moved / np.linalg.norm(moved)

    raw = {row: DescriptorStore.take(store._store, [row])[0] for row in store.rows.tolist()}
    for query in queries:
        similarity = {row: adapted(query) @ adapted(each) for row, each in raw.items()}
        found.append(sorted(similarity, key=similarity.get, reverse=True)[:count])
    return found


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_every_kind_of_index_finds_what_plain_loops_find(folder, kind, dtype):
    store = make(folder, dtype=dtype)
    StoreIndex.build(AdaptedStore.fit(store), kind).save()
    index = StoreIndex.load(DescriptorStore.open(folder))
    assert index.settings.kind == kind and isinstance(index.store, AdaptedStore)
    queries = alike(9, seed=1)
    neighbors, similarities = index.search(index.store.statistics.adapt(queries), 3)
    assert neighbors.tolist() == plain_loops(index.store, queries, 3)
    assert (np.diff(similarities, axis=1) <= 0).all()
    np.testing.assert_array_equal(neighbors, nearest_in_store(
        index.store, index.store.statistics.adapt(queries), 3
    )[0])  # fmt: skip


@pytest.fixture(scope="module", params=["float32", "float16"])
def town(request, tmp_path_factory):
    """2,400 photos on a line of 2.4 km, one a second; every eleventh has no position and time.

    Photos were added and removed after the statistics were fitted, and indexes built, of the first
    2,000. An index of each kind, and all adapted descriptors in plain arrays.
    """
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(60, DIM))[rng.integers(60, size=2400)] + 3 * np.eye(DIM)[0]
    vectors += 0.4 * rng.normal(size=vectors.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    along = np.arange(2400.0)
    along[::11] = np.nan
    positions_m = np.stack([along, 0 * along], axis=1)
    store = StoreWriter.create(
        tmp_path_factory.mktemp("town") / "s", model_id="m", dtype=request.param
    )
    names = [f"{row}.jpg" for row in range(2400)]
    for part in (slice(0, 1200), slice(1200, 2000)):
        store.append(names[part], vectors[part], positions_m[part], along[part])
    adapted = AdaptedStore.fit(store)
    indexes = {kind: StoreIndex.build(adapted, kind) for kind in INDEX_KINDS}
    indexes["flat"].save()
    store.append(names[2000:], vectors[2000:], positions_m[2000:], along[2000:])
    store.remove(names[5:2300:5])
    store.close()
    changed = StoreIndex.load(DescriptorStore.open(store.folder)).store
    indexes = {
        kind: StoreIndex(changed, each.settings, each.index) for kind, each in indexes.items()
    }
    stored = vectors.astype(request.param).astype(np.float64)
    mean = adapted.statistics.mean.astype(np.float64)
    contained = (stored @ mean / (mean @ mean)).clip(0, 1)
    moved = (stored - np.outer(contained, mean)) @ adapted.statistics.projection.astype(np.float64)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    is_removed = np.zeros(2400, bool)
    is_removed[5:2300:5] = True
    return changed, indexes, moved, along, is_removed


FILTERS = [
    {},
    {"before_s": 1500.0},
    {"before_s": 90.0},
    {"within_m": 700.0, "of": (1900.0, 10.0)},
    {"within_m": 50.0, "of": (2200.0, 0.0), "before_s": 2230.0},
    {"within_m": 3.0, "of": (-900.0, 0.0)},
]


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_filters_on_a_map_that_changed_find_what_plain_arrays_find(town, kind, filters):
    """Exactly, but for the photos that a graph or lists miss: at most a tenth."""
    store, indexes, moved, along, is_removed = town
    passes = ~is_removed
    if "before_s" in filters:
        passes &= np.nan_to_num(along, nan=np.inf) < filters["before_s"]
    if "within_m" in filters:
        apart = np.hypot(along - filters["of"][0], filters["of"][1])
        passes &= np.nan_to_num(apart, nan=np.inf) <= filters["within_m"]
    queries = moved[7:2400:200].astype(np.float32)
    exact = np.where(passes, queries.astype(np.float64) @ moved.T, -np.inf)
    best = np.argsort(-exact, axis=1, kind="stable")[:, :10]
    best[~passes[best]] = -1
    index = indexes[kind]
    index = index.with_effort(2 * index.settings.effort)
    found, similarities = index.search(queries, 10, is_allowed=Where(store).rows(**filters))
    shares = [np.isin(right, row).mean() for row, right in zip(found, best, strict=True)]
    if kind in ("flat", "sq8"):
        np.testing.assert_array_equal(found, best)
    assert np.mean(shares) >= 0.9 and ((found >= 0) == (best >= 0)).all()
    there = found >= 0
    rows, columns = np.nonzero(there)
    np.testing.assert_allclose(similarities[there], exact[rows, found[there]], atol=1e-5)
    assert columns.size == 12 * min(10, passes.sum())


def test_adapts_to_fewer_dimensions(folder):
    StoreIndex.build(AdaptedStore.fit(make(folder), 5), "hnsw").save()
    index = StoreIndex.load(DescriptorStore.open(folder))
    assert index.store.dim == index.index.d == 5
    assert index.store.statistics.is_reduced
    assert not AdaptedStore.fit(index.store).statistics.is_reduced
    queries = index.store.statistics.adapt(alike(2, seed=1))
    assert index.search(queries, 4)[0].shape == (2, 4)
    with pytest.raises(ValueError, match=r"`queries` must be \(Q, 5\)"):
        index.search(alike(2), 1)


def test_photos_that_may_not_be_found_are_not(folder):
    index = StoreIndex.build(AdaptedStore.fit(make(folder)), "sq8")
    allowed = np.arange(120) % 7 == 3
    queries = alike(4, seed=1)
    neighbors, _ = index.search(index.store.statistics.adapt(queries), 5, is_allowed=allowed)
    assert (neighbors % 7 == 3).all()


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_photos_added_later_are_adapted_too_and_it_is_said(folder, kind, caplog):
    store = make(folder)
    StoreIndex.build(AdaptedStore.fit(store), kind).save()
    store.append(["new.jpg"], alike(1, seed=8))
    store.remove(["3.jpg", "4.jpg"])
    assert store.manifest.statistics.num_changed == 3
    index = StoreIndex.load(DescriptorStore.open(folder))
    assert "are stale: 3 photos were added or removed since they were fitted on 120" in caplog.text
    assert "stale, 3 photos were" in describe_facts(store_facts(index.store))
    queries = np.concatenate([alike(1, seed=8), alike(3, seed=1)])
    neighbors, similarities = index.search(index.store.statistics.adapt(queries), 2)
    assert neighbors.tolist() == plain_loops(index.store, queries, 2)
    assert neighbors[0, 0] == 120 and similarities[0, 0] == pytest.approx(1)


def test_statistics_outlive_compacting_and_the_index_does_not(folder, caplog):
    store = make(folder)
    StoreIndex.build(AdaptedStore.fit(store), "sq8").save()
    store.remove(["3.jpg"])
    store.compact()
    assert store.manifest.index is None and store.manifest.statistics.num_changed == 1
    index = StoreIndex.load(DescriptorStore.open(folder))
    assert index.settings.kind == "flat" and isinstance(index.store, AdaptedStore)
    assert "are stale: 1 photo was added or removed" in caplog.text


def test_a_new_index_replaces_statistics_and_a_plain_one_drops_them(folder, caplog):
    store = make(folder)
    StoreIndex.build(AdaptedStore.fit(store), "sq8").save()
    first = store.manifest.statistics
    StoreIndex.build(AdaptedStore.fit(store, 6)).save()
    assert (store.manifest.statistics.dim, store.manifest.index) == (6, None)
    assert not first.path(folder).exists()
    StoreIndex.build(store, "sq8").save()
    assert store.manifest.statistics is None and not list(folder.glob("map-*"))
    with pytest.raises(
        ValueError, match="no statistics of the map in .* Fit them: `placevec index"
    ):
        StoreIndex.load(store, is_adapted=True)
    assert StoreIndex.load(store).settings.kind == "sq8"


def test_descriptors_as_they_are_can_be_compared_beside_an_adapted_index(folder, caplog):
    store = make(folder)
    StoreIndex.build(AdaptedStore.fit(store), "hnsw").save()
    index = StoreIndex.load(store, is_adapted=False)
    assert index.settings.kind == "flat" and index.store is store
    assert "is of adapted descriptors: all photos are compared" in caplog.text
    assert f"`placevec index {folder} --kind hnsw --no-statistics` builds" in caplog.text
    queries = alike(3, seed=1)
    np.testing.assert_array_equal(
        index.search(queries, 4)[0], nearest_in_store(store, queries, 4)[0]
    )


@pytest.mark.parametrize("kind", ["hnsw", "sq8"])
def test_an_index_that_another_version_adapted_is_refused_until_it_is_built_again(
    folder, kind, caplog
):
    """The statistics in it are the same; only how they are applied changed."""
    store = make(folder)
    StoreIndex.build(AdaptedStore.fit(store, 12), kind).save()
    store.close()
    manifest = read_manifest(folder)
    assert (manifest.index.adaptation, manifest.index.is_outdated) == (ADAPTATION, False)
    values = json.loads((folder / "manifest.json").read_text())
    del values["index"]["adaptation"], values["digest"]
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**values, "digest": digest}))
    store, again = DescriptorStore.open(folder), f"placevec index {folder} --kind {kind} --dim 12"
    for is_adapted in (None, True):
        with pytest.raises(ValueError, match=f"adapted in another way. Build it again: `{again}`"):
            StoreIndex.load(store, is_adapted=is_adapted)
    assert f"another version of placevec. Build it again: `{again}`" in describe_facts(
        store_facts(store)
    )
    assert any("adapted in another way" in finding for finding in check_store(folder).findings)
    assert StoreIndex.load(store, is_adapted=False).store is store
    assert "all photos are compared" in caplog.text
    StoreIndex.build(AdaptedStore.fit(store), kind).save()
    assert isinstance(StoreIndex.load(DescriptorStore.open(folder)).store, AdaptedStore)
    assert not any("adapted in another" in each for each in check_store(folder).findings)


def test_an_index_of_unchanged_descriptors_has_no_rule_to_differ(folder):
    store = make(folder)
    StoreIndex.build(store, "hnsw").save()
    earlier = replace(read_manifest(folder).index, adaptation=ADAPTATION - 1)
    assert not earlier.is_outdated and replace(earlier, statistics=3).is_outdated


def test_a_map_of_few_photos_is_not_adapted_to_unless_asked(folder):
    store = make(folder, 10)
    StoreIndex.build(AdaptedStore.fit(store)).save()
    assert StoreIndex.load(store).store is store
    assert isinstance(StoreIndex.load(store, is_adapted=True).store, AdaptedStore)


def test_a_damaged_file_of_statistics_is_a_finding(folder):
    store = make(folder)
    StoreIndex.build(AdaptedStore.fit(store)).save()
    store.close()
    path = store.manifest.statistics.path(folder)
    path.write_bytes(path.read_bytes()[:-1])
    (finding,) = check_store(folder).findings
    assert path.name in finding


def test_a_full_disk_leaves_the_store_as_it_was(folder, disk_full_after):
    store = make(folder)
    before = store.manifest
    index = StoreIndex.build(AdaptedStore.fit(store), "sq8")
    with disk_full_after(1800), pytest.raises(OSError, match="index-000002.faiss could not be"):
        index.save()
    assert DescriptorStore.open(folder).manifest == before and not list(folder.glob("map-*"))


def test_a_writer_goes_on_after_its_index_was_saved(folder):
    store = make(folder)
    StoreIndex.build(AdaptedStore.fit(store), "sq8").save()
    store.append(["new.jpg"], alike(1, seed=8))
    manifest = DescriptorStore.open(folder).manifest
    assert manifest.index is not None and manifest.statistics.num_changed == 1


def test_equal_photos_come_in_the_order_of_their_rows(folder):
    store = StoreWriter.create(folder, model_id="m")
    photos = alike(40)
    store.append([f"{row}.jpg" for row in range(80)], np.concatenate([photos, photos]))
    adapted = AdaptedStore.fit(store)
    queries = adapted.statistics.adapt(photos)
    for count in (1, len(photos)):
        neighbors, _ = nearest_in_store(adapted, queries[:count], 2)
        assert neighbors.tolist() == [[row, row + 40] for row in range(count)]


def test_refuses_an_empty_store(folder):
    with pytest.raises(ValueError, match="no photos in .* Describe some first"):
        AdaptedStore.fit(StoreWriter.create(folder, model_id="m"))
