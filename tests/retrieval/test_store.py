import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from placevec.retrieval import DescriptorStore
from placevec.retrieval.manifest import read_manifest

pytestmark = pytest.mark.one_backend


def vectors(count, dim=4, seed=0):
    made = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def filled(folder):
    """A store of five photos in two shards."""
    with DescriptorStore.create(folder, model_id="m") as store:
        store.append(["a", "b", "c"], vectors(3), [[1, 2], [3, 4], [np.nan, np.nan]], [7, 8, 9])
        store.append(["d", "e"], vectors(2, seed=1))
    return folder


def test_gives_back_what_was_appended(filled):
    store = DescriptorStore.open(filled)
    assert len(store) == store.num_rows == 5
    np.testing.assert_array_equal(
        np.concatenate(store.descriptors), np.concatenate([vectors(3), vectors(2, seed=1)])
    )
    assert all(isinstance(each, np.memmap) and not each.flags.writeable
               for each in store.descriptors)  # fmt: skip
    table = store.table()
    assert isinstance(table, pd.DataFrame)
    assert table.name.tolist() == list("abcde")
    assert table.east_m.tolist()[:2] == [1, 3] and table.north_m.tolist()[:2] == [2, 4]
    assert table.east_m.isna().tolist() == [False, False, True, True, True]
    assert table.time_s.tolist()[:3] == [7, 8, 9] and table.time_s.isna().sum() == 2


def test_its_files_are_read_without_it(filled):
    assert sorted(path.name for path in filled.iterdir()) == [
        "000000.npy", "000000.parquet", "000001.npy", "000001.parquet", "lock", "manifest.json",
    ]  # fmt: skip
    assert np.load(filled / "000001.npy", mmap_mode="r").shape == (2, 4)
    assert pd.read_parquet(filled / "000001.parquet").name.tolist() == ["d", "e"]


def test_half_precision_takes_half_the_bytes(folder):
    with DescriptorStore.create(folder, model_id="m", dtype="float16") as store:
        store.append(["a", "b"], vectors(2))
    store = DescriptorStore.open(folder)
    assert store.descriptors[0].dtype == np.float16
    np.testing.assert_allclose(store.take([1]), vectors(2)[1:], atol=1e-3)
    assert store.take([1]).dtype == np.float32
    with DescriptorStore.open(folder, writable=True) as store:
        with pytest.raises(ValueError, match="finite as float16"):
            store.append(["c"], np.full((1, 4), 1e6))


def test_takes_rows_of_all_shards_in_the_order_asked_for(filled):
    every = np.concatenate(DescriptorStore.open(filled).descriptors)
    np.testing.assert_array_equal(
        DescriptorStore.open(filled).take([4, 0, 3, 0]), every[[4, 0, 3, 0]]
    )
    with pytest.raises(IndexError, match="Rows must be 0 to 4. Received: 5"):
        DescriptorStore.open(filled).take([5])


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_blocks_are_all_rows_in_pieces(filled, monkeypatch, most):
    monkeypatch.setattr("placevec.retrieval.store._BLOCK_BYTES", 4 * 4 * most)
    store = DescriptorStore.open(filled)
    every = np.concatenate(store.descriptors)
    for start in range(6):
        pieces = list(store.blocks(start))
        firsts = [first for first, _ in pieces]
        sizes = [len(piece) for _, piece in pieces]
        assert firsts == [start + sum(sizes[:place]) for place in range(len(sizes))]
        assert max(sizes, default=0) <= most
        joined = np.concatenate([np.empty((0, 4)), *(piece for _, piece in pieces)])
        np.testing.assert_array_equal(joined, every[start:])


def test_removed_photos_are_gone_and_may_come_again(filled):
    with DescriptorStore.open(filled, writable=True) as store:
        store.remove(["b", "d"])
        assert "b" not in store and "a" in store
        store.append(["b"], vectors(1, seed=2))
    store = DescriptorStore.open(filled)
    assert store.table().name.tolist() == ["a", "c", "e", "b"]
    assert store.rows.tolist() == store.table().index.tolist() == [0, 2, 4, 5]
    assert (len(store), store.num_rows) == (4, 6)


def test_compacting_keeps_the_photos_and_drops_the_rest(filled, monkeypatch):
    monkeypatch.setattr("placevec.retrieval.store._ROWS_OF_A_SHARD", 2)
    with DescriptorStore.open(filled, writable=True) as store:
        store.remove(["b"])
        before, photos = store.take(store.rows), store.table().reset_index(drop=True)
        store.compact()
        np.testing.assert_array_equal(store.take(store.rows), before)
    store = DescriptorStore.open(filled)
    pd.testing.assert_frame_equal(store.table(), photos)
    assert [len(each) for each in store.descriptors] == [2, 2]
    assert sorted(path.suffix for path in filled.iterdir()) == [
        "", ".json", ".npy", ".npy", ".parquet", ".parquet",
    ]  # fmt: skip


def test_a_reader_keeps_what_it_opened(filled):
    reader = DescriptorStore.open(filled)
    with DescriptorStore.open(filled, writable=True) as store:
        store.append(["f"], vectors(1))
    assert len(reader) == 5 and len(DescriptorStore.open(filled)) == 6


def test_a_reader_keeps_what_was_removed_and_compacted_meanwhile(filled):
    with DescriptorStore.open(filled, writable=True) as store:
        store.remove(["a"])
        reader = DescriptorStore.open(filled)
        store.remove(["b"])
        store.compact()
    assert reader.table().name.tolist() == ["b", "c", "d", "e"] and len(reader) == 4
    every = np.concatenate([vectors(3), vectors(2, seed=1)])
    np.testing.assert_array_equal(reader.take(reader.rows), every[1:])


@pytest.mark.parametrize("change", ["remove", "compact"])
def test_a_reader_that_a_writer_overtakes_reads_again(filled, monkeypatch, change):
    """The store changes after its manifest was read and before its other files are."""
    with DescriptorStore.open(filled, writable=True) as store:
        store.remove(["a"])
        overtaken = [read_manifest(filled)]
        store.remove(["b"]) if change == "remove" else store.compact()

    def read(folder):
        return overtaken.pop() if overtaken else read_manifest(folder)

    monkeypatch.setattr("placevec.retrieval.store.read_manifest", read)
    reader = DescriptorStore.open(filled)
    wanted = ["c", "d", "e"] if change == "remove" else ["b", "c", "d", "e"]
    assert reader.table().name.tolist() == wanted
    assert len(reader.take(reader.rows)) == len(wanted)


def test_says_which_file_is_missing(filled):
    (filled / "000001.npy").unlink()
    with pytest.raises(FileNotFoundError, match="000001.npy"):
        DescriptorStore.open(filled)


def test_an_empty_store_is_a_store(folder):
    DescriptorStore.create(folder, model_id="m").close()
    store = DescriptorStore.open(folder)
    assert len(store) == 0 and store.table().empty and list(store.blocks()) == []
    assert store.table().columns.tolist() == ["name", "east_m", "north_m", "time_s"]


def test_two_writers_are_refused_and_a_dead_one_holds_nothing(filled):
    with DescriptorStore.open(filled, writable=True):
        with pytest.raises(BlockingIOError, match="Another process writes to .*store. Wait"):
            DescriptorStore.open(filled, writable=True)
        DescriptorStore.open(filled)
    DescriptorStore.open(filled, writable=True).close()


@pytest.mark.parametrize(
    ("names", "descriptors", "more", "match"),
    [
        (["x"], vectors(1, 5), {}, "must have 4 numbers. Received: 5"),
        (["x"], vectors(2), {}, r"must be \(n,\) and \(n, D\). Received: \(1,\) and \(2, 4\)"),
        (["x"], np.zeros(4), {}, "must be"),
        (["x"], np.full((1, 4), np.nan), {}, "must be finite as float32"),
        (["x", "x"], vectors(2), {}, "once. Received: 1 names again .first: x"),
        (["x", "c"], vectors(2), {}, "once. Received: 1 names again .first: c"),
        (["x"], vectors(1), {"positions_m": [[1, 2, 3]]}, r"must be \(1, 2\) and \(1,\)"),
        (["x"], vectors(1), {"times_s": [1, 2]}, r"must be \(1, 2\) and \(1,\)"),
    ],
)
def test_refuses_what_does_not_belong_into_it(filled, names, descriptors, more, match):
    with DescriptorStore.open(filled, writable=True) as store:
        with pytest.raises(ValueError, match=match):
            store.append(names, descriptors, **more)
        assert len(store) == 5
    assert len(DescriptorStore.open(filled)) == 5


def test_vectors_of_two_models_or_sizes_never_mix(folder):
    DescriptorStore.create(folder, model_id="m", image_size=(48, 64), frame="UTM 30U").close()
    store = DescriptorStore.open(folder)
    store.require(model_id="m", image_size=(48, 64), frame="UTM 30U")
    with pytest.raises(ValueError, match="two models do not mix: `model_id` must be m in .*: n"):
        store.require(model_id="n")
    with pytest.raises(ValueError, match=r"`image_size` must be \(48, 64\)"):
        store.require(image_size=(64, 48))


def test_removing_what_is_not_there_removes_nothing(filled):
    with DescriptorStore.open(filled, writable=True) as store:
        with pytest.raises(ValueError, match="1 photos are not in .*first: z"):
            store.remove(["a", "z"])
        assert len(store) == 5


def test_a_reader_may_not_write(filled):
    store = DescriptorStore.open(filled)
    for change in (
        lambda: store.append(["x"], vectors(1)),
        lambda: store.remove(["a"]),
        store.compact,
    ):
        with pytest.raises(PermissionError, match="Open it with `writable=True`"):
            change()


def test_creating_replaces_nothing(filled, tmp_path):
    with pytest.raises(FileExistsError, match="is there already"):
        DescriptorStore.create(filled, model_id="m")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        DescriptorStore.create(tmp_path / "gone" / "store", model_id="m")
    with pytest.raises(ValueError, match="`dtype` must be one of float32, float16"):
        DescriptorStore.create(tmp_path / "other", model_id="m", dtype="float64")
    with pytest.raises(FileNotFoundError, match="There is no store of descriptors"):
        DescriptorStore.open(tmp_path)


def damage_manifest(**changes):
    def damage(folder):
        values = json.loads((folder / "manifest.json").read_text())
        for name, value in changes.items():
            values[name] = value
        (folder / "manifest.json").write_text(json.dumps(values))

    return damage


def cut(name, size):
    return lambda folder: os.truncate(folder / name, size)


def link(name):
    def damage(folder):
        (folder / name).rename(folder.parent / name)
        (folder / name).symlink_to(folder.parent / name)

    return damage


def removed(values, size=None):
    def damage(folder):
        damage_manifest(removed=5, next_number=6)(folder)
        np.save(folder / "removed-000005.npy", values)
        if size is not None:
            os.truncate(folder / "removed-000005.npy", size)

    return damage


def removed_by_link(folder):
    removed(np.array([0]))(folder)
    link("removed-000005.npy")(folder)


def pickled(folder):
    np.save(folder / "000000.npy", np.array([{}, {}, {}]), allow_pickle=True)


SHARD = {"number": 0, "count": 3, "sha256": 64 * "0"}


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (cut("manifest.json", 40), "manifest.json cannot be read"),
        (damage_manifest(format="other"), "cannot be read as a store's manifest"),
        (damage_manifest(dtype="object"), "`dtype` must be one of"),
        (damage_manifest(dim=10**9), "`dim` must be 1 to"),
        (damage_manifest(dim=5), r"must hold \(3, 5\) numbers"),
        (damage_manifest(shards=[SHARD | {"number": "../../x"}]), "A shard has a number"),
        (damage_manifest(shards=[SHARD | {"number": -1}]), "A shard has a number"),
        (damage_manifest(shards=[SHARD | {"count": 10**12}]), r"must hold \(1000000000000, 4\)"),
        (damage_manifest(shards=[SHARD, SHARD]), "Numbers must differ"),
        (damage_manifest(shards=[SHARD | {"path": "/etc/passwd"}]), "cannot be read"),
        (damage_manifest(removed="../x"), "Numbers must differ and be below"),
        (cut("000000.npy", 150), "in 150 bytes"),
        (cut("000000.npy", 3), "000000.npy cannot be read as numbers"),
        (
            removed(np.broadcast_to(0, 10**6), 136),
            r"must hold \(1000000,\) numbers .* in 136 bytes",
        ),
        (removed(np.array([5])), "must list rows below 5"),
        (removed(np.array([0.5])), "must hold .* numbers of int64"),
        (removed_by_link, "removed-000005.npy is a link"),
        (pickled, "must hold"),
        (cut("000001.parquet", 100), "000001.parquet cannot be read"),
        (link("000000.npy"), "000000.npy is a link"),
        (link("000000.parquet"), "000000.parquet is a link"),
    ],
)
def test_refuses_files_that_are_damaged_or_lead_elsewhere(filled, damage, match):
    damage(filled)
    with pytest.raises(ValueError, match=match):
        store = DescriptorStore.open(filled)
        len(store.descriptors) + len(store.table())


# Runs without Keras, so that it starts at once: `placevec.retrieval` is a package of no content.
KILLED_AT_EVERY_STEP = """
    import os, signal, sys, types
    import placevec
    package = types.ModuleType("placevec.retrieval")
    package.__path__ = [os.path.join(placevec.__path__[0], "retrieval")]
    sys.modules["placevec.retrieval"] = package
    import numpy as np
    from placevec.retrieval.store import DescriptorStore

    folder, steps = sys.argv[1], 0
    names = [f"{number}.jpg" for number in range(12)]

    def work(kill_at):
        def counted(function):
            def step(*arguments):
                global steps
                steps += 1
                if steps == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments)
            return step
        os.replace, os.fsync, os.unlink = map(counted, (os.replace, os.fsync, os.unlink))
        try:
            store = DescriptorStore.open(folder, writable=True)
        except FileNotFoundError:
            store = DescriptorStore.create(folder, model_id="m")
        if "old.jpg" not in store and not len(store):
            store.append(["old.jpg"], np.zeros((1, 2)))
        while left := [name for name in names if name not in store]:
            store.append(left[:4], [[int(name[:-4]), 1] for name in left[:4]])
        if "old.jpg" in store:
            store.remove(["old.jpg"])
        if store.num_rows > len(store):
            for name in ("index.json", f"index-flat-{16 * '0'}.faiss"):
                open(os.path.join(folder, name), "w").write("{}")
            store.compact()

    for kill_at in range(1, 200):
        child = os.fork()
        if not child:
            try:
                work(kill_at)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            sys.exit(f"failed with kill {kill_at}") if status else None
            break
    print(kill_at)
"""


def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(folder):
    """The process is killed at its first step on disk, the next one at its second, and so on."""
    program = textwrap.dedent(KILLED_AT_EVERY_STEP)
    answer = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    assert 10 < int(answer.stdout) < 100  # as many kills
    store = DescriptorStore.open(folder)
    table = store.table()
    assert sorted(table.name) == sorted(f"{number}.jpg" for number in range(12))
    described = store.take(store.rows)[:, 0].astype(int)
    assert [f"{number}.jpg" for number in described] == table.name.tolist()
    DescriptorStore.open(folder, writable=True).close()  # deletes what the last kill left
    assert not list(folder.glob("index*"))  # of rows that there are no more
    named = len(store.manifest.shards)
    assert len(list(folder.glob("*.npy"))) == len(list(folder.glob("*.parquet"))) == named
    assert not list(folder.glob(".unfinished*"))


def test_positions_and_times_are_columns_that_pandas_and_arrow_read(filled):
    table = pq.read_table(filled / "000000.parquet")
    assert table.column_names == ["name", "east_m", "north_m", "time_s"]
    assert table["east_m"].null_count == 1
