import errno
import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from placevec.folder_lock import take_lock
from placevec.store import DescriptorStore, StoreWriter


def test_removed_photos_are_gone_and_may_come_again(filled, unit_vectors):
    with StoreWriter.open(filled) as store:
        store.remove(["b", "d"])
        assert "b" not in store and "a" in store
        store.append(["b"], unit_vectors(1, seed=2))
    store = DescriptorStore.open(filled)
    assert store.table().name.tolist() == ["a", "c", "e", "b"]
    assert store.rows.tolist() == store.table().index.tolist() == [0, 2, 4, 5]
    assert (len(store), store.num_rows) == (4, 6)


def test_compacting_keeps_the_photos_and_drops_the_rest(filled, monkeypatch):
    monkeypatch.setattr("placevec.store.store_writer._COMPACT_ROWS_PER_SHARD", 2)
    with StoreWriter.open(filled) as store:
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


def test_two_writers_are_refused_and_a_dead_one_holds_nothing(filled):
    with StoreWriter.open(filled):
        with pytest.raises(BlockingIOError, match="Another process writes to .*store, or another"):
            StoreWriter.open(filled)
        DescriptorStore.open(filled)
    StoreWriter.open(filled).close()


@pytest.mark.parametrize(
    ("names", "descriptors", "more", "match"),
    [
        (["x"], np.ones((1, 5)), {}, "must have 4 dimensions. Received: 5"),
        (["x"], np.ones((2, 4)), {}, r"must be \(n,\) and \(n, D\). Received: \(1,\) and \(2, 4\)"),
        (["x"], np.zeros(4), {}, "must be"),
        (["x"], np.full((1, 4), np.nan), {}, "1 of 1 that are not .first: x, of length nan"),
        (["x"], np.zeros((1, 4)), {}, "first: x, of length 0"),
        (
            ["\udce4"],
            np.ones((1, 4)),
            {},
            "must be UTF-8, of 4096 bytes",
        ),
        (["x", "x"], np.ones((2, 4)), {}, "once. Received: 1 name again .first: x"),
        (["x", "c"], np.ones((2, 4)), {}, "once. Received: 1 name again .first: c"),
        (["x"], np.ones((1, 4)), {"positions_m": [[1, 2, 3]]}, r"must be \(1, 2\) and \(1,\)"),
        (["x"], np.ones((1, 4)), {"times_s": [1, 2]}, r"must be \(1, 2\) and \(1,\)"),
    ],
)
def test_refuses_what_does_not_belong_into_it(filled, names, descriptors, more, match):
    with StoreWriter.open(filled) as store:
        with pytest.raises(ValueError, match=match):
            store.append(names, descriptors, **more)
        assert len(store) == 5
    assert len(DescriptorStore.open(filled)) == 5


def test_a_path_may_be_a_text(filled):
    with StoreWriter.open(str(filled)) as store:
        store.remove(["a"])
    assert "a" not in DescriptorStore.open(str(filled))


def test_a_folder_that_is_no_store_gets_no_lock(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no store of descriptors"):
        StoreWriter.open(tmp_path)
    assert not list(tmp_path.iterdir())


def test_removing_what_is_not_there_removes_nothing(filled):
    with StoreWriter.open(filled) as store:
        with pytest.raises(ValueError, match="1 photo is not in .*first: z"):
            store.remove(["a", "z"])
        with pytest.raises(ValueError, match="must be a list of names. Received: 'a'"):
            store.remove("a")
        assert len(store) == 5


def test_a_closed_writer_changes_nothing(filled, unit_vectors):
    store = StoreWriter.open(filled)
    store.close()
    for change in (
        lambda: store.append(["x"], unit_vectors(1)),
        lambda: store.remove(["a"]),
        store.compact,
        lambda: store.move(root="elsewhere"),
    ):
        with pytest.raises(PermissionError, match="The writer of .* is closed"):
            change()


def test_creating_replaces_nothing(filled, tmp_path):
    with pytest.raises(FileExistsError, match="already exists"):
        StoreWriter.create(filled, model_id="m")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        StoreWriter.create(tmp_path / "gone" / "store", model_id="m")
    with pytest.raises(ValueError, match="`dtype` must be one of float32, float16"):
        StoreWriter.create(tmp_path / "other", model_id="m", dtype="float64")
    with pytest.raises(
        FileNotFoundError, match="no store of descriptors in .* --out FOLDER` makes"
    ):
        DescriptorStore.open(tmp_path)


# Runs without Keras, so that it starts at once: `placevec.store` is a package of no content.
KILLED_AT_EVERY_STEP = """
    import os, signal, sys, types
    import placevec
    package = types.ModuleType("placevec.store")
    package.__path__ = [os.path.join(placevec.__path__[0], "store")]
    sys.modules["placevec.store"] = package
    import numpy as np
    from placevec.store.store import DescriptorStore
    from placevec.store.store_writer import StoreWriter

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
            store = StoreWriter.open(folder)
        except FileNotFoundError:
            store = StoreWriter.create(folder, model_id="m")
        if "old.jpg" not in store and not len(store):
            store.append(["old.jpg"], [[1, 0]])
        while left := [name for name in names if name not in store]:
            angles = [0.1 * int(name[:-4]) for name in left[:4]]
            store.append(left[:4], np.stack([np.cos(angles), np.sin(angles)], axis=1))
        if "old.jpg" in store:
            store.remove(["old.jpg"])
        if store.num_rows > len(store):
            for name in ("index.json", f"index-flat-{16 * '0'}.faiss"):  # of an earlier version
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
    described = np.arctan2(*store.take(store.rows).T[::-1]) / 0.1
    assert [f"{round(number)}.jpg" for number in described.tolist()] == table.name.tolist()
    StoreWriter.open(folder).close()  # deletes what the last kill left
    assert not list(folder.glob("index*"))  # of rows that there are no more
    named = len(store.manifest.shards)
    assert len(list(folder.glob("*.npy"))) == len(list(folder.glob("*.parquet"))) == named
    assert not list(folder.glob(".unfinished*"))


def test_descriptors_of_another_length_are_scaled_and_it_is_said(folder, unit_vectors, caplog):
    with StoreWriter.create(folder, model_id="m") as store:
        store.append(["a", "b"], unit_vectors(2) * [[1.0], [7.0]])
        np.testing.assert_allclose(store.take([0, 1]), unit_vectors(2), atol=1e-6)
    assert "store: scaled 1 of 2 descriptors to unit length, from lengths of 7 to 7" in caplog.text


def test_one_name_twice_among_many_is_named_at_once(filled):
    """It took the square of the number of names."""
    names = [f"{number}.jpg" for number in range(40_000)] + ["7.jpg"]
    with StoreWriter.open(filled) as store, pytest.raises(ValueError, match="first: 7.jpg"):
        store.append(names, np.broadcast_to(np.eye(1, 4, dtype=np.float32), (40_001, 4)))


def copy_of(folder, files):
    """Writes back what `contents` returned."""
    for name, data in files.items():
        (folder / name).write_bytes(data)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_an_older_manifest_put_back_costs_no_shard(filled, unit_vectors):
    older = (filled / "manifest.json").read_bytes()
    with StoreWriter.open(filled) as store:
        store.append(["f"], unit_vectors(1, seed=2))
    newer = contents(filled)
    (filled / "manifest.json").write_bytes(older)
    with StoreWriter.open(filled) as store:
        store.append(["g"], unit_vectors(1, seed=3))
    for name in ("000002.npy", "000002.parquet"):
        assert (filled / "set-aside" / name).read_bytes() == newer[name]
    (filled / "manifest.json").write_bytes(older)  # again: nothing set aside is replaced
    StoreWriter.open(filled).close()
    assert (filled / "set-aside" / "000002.npy").read_bytes() == newer["000002.npy"]
    assert (filled / "set-aside" / "000002-1.npy").is_file()


@pytest.mark.parametrize("name", ["000000.npy", "000001.parquet", "removed-000002.npy"])
@pytest.mark.parametrize("change", ["missing", "damaged"])
def test_nothing_is_touched_unless_every_named_file_is_there_and_fits(filled, name, change):
    with StoreWriter.open(filled) as store:
        store.remove(["a"])
    (filled / "000001-good.npy").write_bytes(b"")
    (filled / "000009.npy").write_bytes(b"in doubt")
    path = filled / name
    path.unlink() if change == "missing" else path.write_bytes(path.read_bytes()[:-1])
    before = contents(filled)
    with pytest.raises((ValueError, FileNotFoundError), match=name):
        StoreWriter.open(filled)
    assert contents(filled) == before


def test_superseded_files_go_and_foreign_ones_stay(filled):
    with StoreWriter.open(filled) as store:
        store.remove(["a"])
        older = {n: data for n, data in contents(filled).items() if n[0] in "0r"}
        store.compact()
    copy_of(filled, older)  # as if it had been killed before it deleted them
    for name in ("mine.npy", "notes-000001.parquet", ".unfinished-manifest.json", "12.npy"):
        (filled / name).write_text("keep")
    StoreWriter.open(filled).close()
    assert sorted(contents(filled)) == [
        ".unfinished-manifest.json", "000003.npy", "000003.parquet", "12.npy", "lock",
        "manifest.json", "mine.npy", "notes-000001.parquet",
    ]  # fmt: skip
    assert not (filled / "set-aside").exists()


def test_sets_nothing_aside_through_a_link(filled, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (filled / "set-aside").symlink_to(tmp_path / "elsewhere")
    (filled / "000009.npy").write_bytes(b"in doubt")
    with pytest.raises(ValueError, match="set-aside must be a folder. Received: a link"):
        StoreWriter.open(filled)
    assert (filled / "000009.npy").is_file()


def test_compacting_does_not_sign_damage(filled):
    data = bytearray((filled / "000001.npy").read_bytes())
    data[-20] ^= 1  # hardly changes a length
    (filled / "000001.npy").write_bytes(data)
    before = contents(filled)
    with (
        StoreWriter.open(filled) as store,
        pytest.raises(ValueError, match="000001.npy is damaged"),
    ):
        store.compact()
    assert contents(filled) == before


def test_a_full_disk_names_the_file_and_leaves_nothing_of_a_shard(
    filled, unit_vectors, monkeypatch
):
    def full_disk(path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(filled)
    with StoreWriter.open(filled) as store:
        store.remove(["a"])
        with monkeypatch.context() as patch:
            patch.setattr("pathlib.Path.write_bytes", full_disk)
            for change in (lambda: store.append(["x"], unit_vectors(1)), store.compact):
                with pytest.raises(OSError, match=r"\d.parquet could not be written .No space"):
                    change()
        assert set(contents(filled)) - set(before) == {"removed-000002.npy"}
        store.append(["x"], unit_vectors(1))
    assert len(DescriptorStore.open(filled)) == 5


def test_one_that_was_made_a_moment_ago_is_not_replaced(folder, unit_vectors, monkeypatch):
    def take_late(path):
        monkeypatch.undo()
        with StoreWriter.create(folder, model_id="first") as store:
            store.append(["a"], unit_vectors(1))
        return take_lock(path)

    monkeypatch.setattr("placevec.store.store_writer.take_lock", take_late)
    with pytest.raises(FileExistsError, match="already exists"):
        StoreWriter.create(folder, model_id="second")
    assert len(DescriptorStore.open(folder)) == 1


def features_of(count, seed=0, shape=(2, 3, 4)):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float16)


def test_local_features_are_kept_beside_the_descriptors(folder, unit_vectors):
    first, second = features_of(3), features_of(2, seed=1)
    with StoreWriter.create(folder, model_id="m") as store:
        store.append(["a", "b", "c"], unit_vectors(3), features=first)
        store.append(["d", "e"], unit_vectors(2, seed=1), features=second.astype(np.float32))
    store = DescriptorStore.open(folder)
    assert store.manifest.feature_shape == (2, 3, 4) and store.manifest.feature_bytes == 48
    assert all(isinstance(each, np.memmap) for each in store.features)
    whole = np.concatenate([first, second])
    rows = np.array([4, 0, 3, 0])
    np.testing.assert_array_equal(store.take_features(rows), whole[rows])
    assert store.take_features(rows).dtype == np.float16
    store.verify()
    with pytest.raises(IndexError, match="0 to 4"):
        store.take_features(np.array([5]))


def test_compacting_keeps_the_features_of_what_stays(folder, unit_vectors, monkeypatch):
    monkeypatch.setattr("placevec.store.store_writer._FEATURES_PER_READ", 2)
    features = features_of(5)
    with StoreWriter.create(folder, model_id="m") as store:
        store.append(list("abc"), unit_vectors(3), features=features[:3])
        store.append(list("de"), unit_vectors(2, seed=1), features=features[3:])
        store.remove(["b"])
        store.compact()
    store = DescriptorStore.open(folder)
    np.testing.assert_array_equal(store.take_features(np.arange(4)), features[[0, 2, 3, 4]])
    assert len(list(folder.glob("features-*.npy"))) == 1
    store.verify()


def test_features_of_a_killed_writer_are_set_aside(folder, unit_vectors):
    with StoreWriter.create(folder, model_id="m") as store:
        store.append(["a"], unit_vectors(1), features=features_of(1))
    (folder / "features-000007.npy").write_bytes(b"unfinished")
    StoreWriter.open(folder).close()
    assert (folder / "set-aside" / "features-000007.npy").exists()


def test_refuses_features_of_some_photos_only(folder, unit_vectors):
    with StoreWriter.create(folder, model_id="m") as store:
        store.append(["a"], unit_vectors(1), features=features_of(1))
        for features in (None, features_of(1, shape=(2, 3, 5))):
            with pytest.raises(ValueError, match="must keep local features of all photos, in one"):
                store.append(["b"], unit_vectors(1), features=features)
        with pytest.raises(ValueError, match=r"must be \(1, rows, columns, D\)"):
            store.append(["b"], unit_vectors(1), features=features_of(2))
        assert len(store) == 1


def test_refuses_to_take_features_that_are_not_kept(filled):
    with pytest.raises(ValueError, match="keeps no local features.*--keep-features"):
        DescriptorStore.open(filled).take_features(np.array([0]))
