import json

import numpy as np
import pytest

from placevec.kinds import is_store
from placevec.store import StoreIndex, StoreWriter, check_store


def test_says_nothing_of_a_good_store(filled, tmp_path):
    with StoreWriter.open(filled) as store:
        store.remove(["b"])
        StoreIndex.build(store, "sq8").save()
    report = check_store(filled)
    assert report.findings == () and "findings: none" in str(report)
    assert "5 in 2 shards" in str(report) and "sq8" in str(report)
    assert is_store(filled) and not is_store(tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no store"):
        check_store(tmp_path)


def test_names_every_damaged_file(filled):
    with StoreWriter.open(filled) as store:
        store.remove(["b"])
        StoreIndex.build(store, "sq8").save()
    before = {path: path.read_bytes() for path in filled.iterdir()}
    for path, data in before.items():
        if path.name in ("lock", "manifest.json"):
            continue
        for damaged in (data[:-3] + bytes([data[-3] ^ 1]) + data[-2:], data[:-1], b""):
            path.write_bytes(damaged)
            (finding, *_) = check_store(filled).findings
            assert path.name in finding
        path.unlink()
        assert any(path.name in finding for finding in check_store(filled).findings)
        path.write_bytes(data)
    assert check_store(filled).findings == ()


def test_each_fault_costs_only_itself(filled):
    for name in ("000000.npy", "000001.parquet"):
        (filled / name).write_bytes(b"damaged")
    (filled / "000007.npy").write_bytes(b"")
    (filled / "set-aside").mkdir()
    report = str(check_store(filled))
    for words in ("000000.npy cannot be read", "000001.parquet is damaged", "000007.npy): a killed",
                  "0 files in"):  # fmt: skip
        assert words in report


def test_finds_descriptors_of_another_length_that_are_signed(filled):
    """As an earlier version let them in."""
    numbers = np.load(filled / "000001.npy")
    numbers[1] = 0
    np.save(filled / "000001.npy", numbers)
    values = json.loads((filled / "manifest.json").read_text())
    from placevec.store.files.shards import digest_of

    values["shards"][1] = {"number": 1, "count": 2, "sha256": digest_of(numbers)}
    values["shards"][0].pop("photos_sha256")
    for name in ("digest", "index"):
        del values[name]
    (filled / "manifest.json").write_text(json.dumps(values | {"format": "placevec descriptors 1"}))
    report = check_store(filled)
    assert "1 of 2 that are not (first: row 1, of length 0)" in report.findings[0]
    assert "without digests" in str(report)


def test_local_features_are_checked_too(folder, unit_vectors):
    with StoreWriter.create(folder, model_id="m") as store:
        store.append(["a", "b"], unit_vectors(2), features=np.ones((2, 2, 3, 4), np.float16))
    report = check_store(folder)
    assert report.findings == ()
    assert "2x3x4 float16, 48 bytes a photo" in str(report)
    path = folder / "features-000000.npy"
    data = path.read_bytes()
    for damaged in (data[:-1] + bytes([data[-1] ^ 1]), data[:-1], b""):
        path.write_bytes(damaged)
        (finding,) = check_store(folder).findings
        assert "features-000000.npy" in finding
    path.unlink()
    assert any(path.name in finding for finding in check_store(folder).findings)
