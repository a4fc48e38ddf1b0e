import hashlib
import json
import os

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from placevec.store import DescriptorStore, StoreWriter
from placevec.store.files.manifest import read_manifest


def test_gives_back_what_was_appended(filled, unit_vectors):
    store = DescriptorStore.open(filled)
    assert len(store) == store.num_rows == 5
    np.testing.assert_array_equal(
        np.concatenate(store.descriptors),
        np.concatenate([unit_vectors(3), unit_vectors(2, seed=1)]),
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


def test_half_precision_takes_half_the_bytes(folder, unit_vectors):
    with StoreWriter.create(folder, model_id="m", dtype="float16") as store:
        store.append(["a", "b"], unit_vectors(2))
    store = DescriptorStore.open(folder)
    assert store.descriptors[0].dtype == np.float16
    np.testing.assert_allclose(store.take([1]), unit_vectors(2)[1:], atol=1e-3)
    assert store.take([1]).dtype == np.float32
    with StoreWriter.open(folder) as store:
        store.append(["c"], np.full((1, 4), 1e6))  # scaled before it is rounded
        np.testing.assert_allclose(store.take([2]), 0.5)


def test_takes_rows_of_all_shards_in_the_order_asked_for(filled):
    every = np.concatenate(DescriptorStore.open(filled).descriptors)
    np.testing.assert_array_equal(
        DescriptorStore.open(filled).take([4, 0, 3, 0]), every[[4, 0, 3, 0]]
    )
    with pytest.raises(IndexError, match="Rows must be 0 to 4. Received: 5"):
        DescriptorStore.open(filled).take([5])


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_blocks_are_all_rows_in_pieces(filled, monkeypatch, most):
    monkeypatch.setattr("placevec.store.store._BLOCK_BYTES", 4 * 4 * most)
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


def test_a_reader_keeps_what_it_opened(filled, unit_vectors):
    reader = DescriptorStore.open(filled)
    with StoreWriter.open(filled) as store:
        store.append(["f"], unit_vectors(1))
    assert len(reader) == 5 and len(DescriptorStore.open(filled)) == 6


def test_a_reader_keeps_what_was_removed_and_compacted_meanwhile(filled, unit_vectors):
    with StoreWriter.open(filled) as store:
        store.remove(["a"])
        reader = DescriptorStore.open(filled)
        store.remove(["b"])
        store.compact()
    assert reader.table().name.tolist() == ["b", "c", "d", "e"] and len(reader) == 4
    every = np.concatenate([unit_vectors(3), unit_vectors(2, seed=1)])
    np.testing.assert_array_equal(reader.take(reader.rows), every[1:])


@pytest.mark.parametrize("change", ["remove", "compact"])
def test_a_reader_that_a_writer_overtakes_reads_again(filled, monkeypatch, change):
    """The store changes after its manifest was read and before its other files are."""
    with StoreWriter.open(filled) as store:
        store.remove(["a"])
        overtaken = [read_manifest(filled)]
        store.remove(["b"]) if change == "remove" else store.compact()

    def read(folder):
        return overtaken.pop() if overtaken else read_manifest(folder)

    monkeypatch.setattr("placevec.store.store.read_manifest", read)
    reader = DescriptorStore.open(filled)
    wanted = ["c", "d", "e"] if change == "remove" else ["b", "c", "d", "e"]
    assert reader.table().name.tolist() == wanted
    assert len(reader.take(reader.rows)) == len(wanted)


def test_says_which_file_is_missing(filled):
    (filled / "000001.npy").unlink()
    with pytest.raises(FileNotFoundError, match="000001.npy"):
        DescriptorStore.open(filled)


def test_an_empty_store_is_a_store(folder):
    StoreWriter.create(folder, model_id="m").close()
    store = DescriptorStore.open(folder)
    assert len(store) == 0 and store.table().empty and list(store.blocks()) == []
    assert store.table().columns.tolist() == ["name", "east_m", "north_m", "time_s"]


def test_vectors_of_two_models_or_sizes_never_mix(folder):
    StoreWriter.create(folder, model_id="m", image_size=(48, 64), frame="UTM 30U").close()
    store = DescriptorStore.open(folder)
    store.require(model_id="m", image_size=(48, 64), frame="UTM 30U")
    store.require(frame="UTM 30T")  # the metres of one zone
    for frame in ("UTM 31U", "UTM 30K", "local", None):
        with pytest.raises(ValueError, match="positions in one frame"):
            store.require(frame=frame)
    with pytest.raises(ValueError, match="vectors of one model: `model_id` must be m in .*: n"):
        store.require(model_id="n")
    with pytest.raises(ValueError, match=r"`image_size` must be \(48, 64\)"):
        store.require(image_size=(64, 48))


def test_a_store_begun_without_positions_says_so(folder):
    StoreWriter.create(folder, model_id="m").close()
    with pytest.raises(ValueError, match="was begun without `frame`. Received: frames. Take"):
        DescriptorStore.open(folder).require(frame="frames")


def damage_manifest(**changes):
    """Changes what a manifest says, and signs it again as whoever attacks a store would."""

    def damage(folder):
        values = json.loads((folder / "manifest.json").read_text()) | changes
        del values["digest"]
        digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(values | {"digest": digest}))

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
        damage_manifest(removed={"number": 5}, next_number=6)(folder)
        np.save(folder / "removed-000005.npy", values)
        if size is not None:
            os.truncate(folder / "removed-000005.npy", size)

    return damage


def removed_by_link(folder):
    removed(np.array([0]))(folder)
    link("removed-000005.npy")(folder)


def pickled(folder):
    np.save(folder / "000000.npy", np.array([{}, {}, {}]), allow_pickle=True)


def bad_header(folder):
    size = (folder / "000000.npy").stat().st_size
    (folder / "000000.npy").write_bytes((b"\x93NUMPY\x01\x00v\x00" + b"((((" * 99)[:size])


def fifo(name):
    def damage(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


def unsigned_photos(content):
    """As an earlier version wrote them, without a digest."""

    def damage(folder):
        shards = json.loads((folder / "manifest.json").read_text())["shards"]
        damage_manifest(shards=[shard | {"photos_sha256": None} for shard in shards])(folder)
        (folder / "000001.parquet").write_bytes(content)

    return damage


SHARD = {"number": 0, "count": 3, "sha256": 64 * "0"}


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (cut("manifest.json", 40), "manifest.json cannot be read"),
        (damage_manifest(format="other"), "cannot be read as a store's manifest"),
        (damage_manifest(dtype="object"), "`dtype` must be one of"),
        (damage_manifest(dim=10**9), "`dim` must be 1 to"),
        (damage_manifest(dim=5), r"must hold \(3, 5\) numbers"),
        (damage_manifest(shards=[SHARD | {"number": "../../x"}]), "A shard must have a number"),
        (damage_manifest(shards=[SHARD | {"number": -1}]), "A shard must have a number"),
        (damage_manifest(shards=[SHARD | {"count": 10**12}]), r"must hold \(1000000000000, 4\)"),
        (damage_manifest(shards=[SHARD, SHARD]), "Numbers of files must differ"),
        (damage_manifest(shards=[SHARD | {"path": "/etc/passwd"}]), "cannot be read"),
        (damage_manifest(shards=[], next_number="9"), "`next_number` must be a whole number"),
        (damage_manifest(next_number=9.5), "`next_number` must be a whole number"),
        (damage_manifest(shards=[], next_number=-3), "`next_number` must be a whole number"),
        (damage_manifest(next_number=2**50), "`next_number` must be a whole number"),
        (damage_manifest(image_size=[-1, 10]), "`image_size` must be two whole numbers, 1 to"),
        (damage_manifest(image_size=[10, 10**12]), "`image_size` must be two whole numbers, 1 to"),
        (damage_manifest(removed={"number": "../x"}), "Numbers of files must differ and be below"),
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
        (cut("000001.parquet", 100), "000001.parquet is damaged: its SHA-256"),
        (bad_header, "000000.npy cannot be read as numbers"),
        (fifo("000000.npy"), "000000.npy must be a regular file. Received: a pipe"),
        (unsigned_photos(b"x" * 200), "000001.parquet cannot be read"),
        (unsigned_photos(b"x" * 2**21), "000001.parquet must have at most"),
        (link("000000.npy"), "000000.npy is a link"),
        (link("000000.parquet"), "000000.parquet is a link"),
    ],
)
def test_refuses_files_that_are_damaged_or_lead_elsewhere(filled, damage, match):
    damage(filled)
    with pytest.raises(ValueError, match=match):
        store = DescriptorStore.open(filled)
        len(store.descriptors) + len(store.table())


def test_a_manifest_that_holds_no_values_by_name_is_refused(filled):
    (filled / "manifest.json").write_text("[]")
    with pytest.raises(ValueError, match="it must hold values by name. Received: list"):
        read_manifest(filled)


def test_positions_and_times_are_columns_that_pandas_and_arrow_read(filled):
    table = pq.read_table(filled / "000000.parquet")
    assert table.column_names == ["name", "east_m", "north_m", "time_s"]
    assert table["east_m"].null_count == 1


def test_a_manifest_with_one_digit_flipped_is_refused(filled):
    before = (filled / "manifest.json").read_text()
    digits = [place for place, letter in enumerate(before) if letter.isdigit()]
    for place in digits:
        flipped = before[:place] + str((int(before[place]) + 1) % 10) + before[place + 1 :]
        (filled / "manifest.json").write_text(flipped)
        with pytest.raises(ValueError, match="manifest.json cannot be read as a store's manifest"):
            read_manifest(filled)


def flip(path, place):
    """Flips the highest bit of an exponent."""
    data = bytearray(path.read_bytes())
    data[place] ^= 0x40
    path.write_bytes(data)


def test_a_flipped_bit_is_refused_by_whatever_passes_all_bytes(filled):
    flip(filled / "000001.npy", -1)
    store = DescriptorStore.open(filled)
    with pytest.raises(ValueError, match=r"000001.npy is damaged: its SHA-256 must be \w{12}"):
        store.verify()
    with pytest.raises(ValueError, match="finite and of unit length in .*store.*first: e, of"):
        list(store.blocks())
    with pytest.raises(ValueError, match="first: e, of length"):
        store.take([0, 4])
    np.testing.assert_allclose(np.linalg.norm(store.take([0, 3]), axis=1), 1, atol=1e-6)


def test_reads_what_an_earlier_version_wrote(filled, unit_vectors):
    with StoreWriter.open(filled) as store:
        store.remove(["b"])
    write_as_version_one(filled)
    store = DescriptorStore.open(filled)
    assert store.table().name.tolist() == ["a", "c", "d", "e"] and not store.manifest.is_signed
    (filled / "000007.npy").write_bytes(b"left by a killed writer, or good")
    with StoreWriter.open(filled) as store:
        assert (filled / "set-aside" / "000007.npy").is_file()
        store.append(["f"], unit_vectors(1))
        store.compact()
    store = DescriptorStore.open(filled)
    assert store.table().name.tolist() == ["a", "c", "d", "e", "f"] and store.manifest.is_signed


def write_as_version_one(folder):
    """Writes the manifest as versions without digests did."""
    values = json.loads((folder / "manifest.json").read_text())
    for name in ("digest", "index", "model_path"):
        del values[name]
    values["format"] = "placevec descriptors 1"
    values["removed"] = values["removed"] and values["removed"]["number"]
    for shard in values["shards"]:
        del shard["photos_sha256"]
    (folder / "manifest.json").write_text(json.dumps(values))
