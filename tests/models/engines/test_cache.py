import os
import shutil
import threading
import time

import pytest

from placevec.models.engines.cache import find_export, make_export
from placevec.models.engines.cache_folder import cache_folder, write_record

pytestmark = pytest.mark.one_backend


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))
    return cache_folder()


@pytest.fixture
def model_path(tmp_path):
    path = tmp_path / "models" / "m.keras"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def made():
    """Folders that an export was written to."""
    return []


@pytest.fixture
def export(made):
    def write(folder):
        made.append(folder)
        (folder / "model.bin").write_bytes(b"0123456789" * 100)

    return write


def test_is_made_once_and_found_again(model_path, export, made, cache):
    assert find_export(model_path, "openvino") is None
    first = make_export(model_path, "openvino", export, {"channels": 3})
    found = find_export(model_path, "openvino")
    assert found == first
    assert found.facts["channels"] == 3
    assert make_export(model_path, "openvino", export, {}) == first
    assert len(made) == 1
    assert found.folder.parent == cache
    assert [each.name for each in model_path.parent.iterdir()] == ["m.keras"]
    assert find_export(model_path, "onnx") is None


def test_another_model_in_the_file_takes_another_export(model_path, export, tmp_path, made):
    old = make_export(model_path, "openvino", export, {})
    copied = shutil.copy(model_path, tmp_path / "copy.keras")
    model_path.write_bytes(b"other weights")
    assert find_export(model_path, "openvino") is None
    assert make_export(model_path, "openvino", export, {}).folder != old.folder
    # A copy of a model has the export of the model, wherever it lies.
    assert find_export(copied, "openvino") == old
    assert len(made) == 2


def test_what_was_not_used_for_half_a_year_goes(model_path, export, cache):
    old = make_export(model_path, "openvino", export, {})
    used = make_export(model_path, "onnx", export, {})
    long_ago = time.time() - 200 * 24 * 3600
    for each in (old, used):
        os.utime(f"{each.folder}.json", (long_ago, long_ago))
    assert find_export(model_path, "onnx") == used  # used again
    make_export(model_path, "litert", export, {})
    assert find_export(model_path, "onnx") == used
    assert find_export(model_path, "openvino") is None
    assert not old.folder.exists()


def test_other_versions_take_another_export(model_path, export, monkeypatch):
    make_export(model_path, "openvino", export, {})
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    assert find_export(model_path, "openvino") is None


def cut_off(folder):
    (folder / "model.bin").write_bytes(b"0123456789")


def flip_a_bit(folder):
    data = bytearray((folder / "model.bin").read_bytes())
    data[500] ^= 1
    (folder / "model.bin").write_bytes(data)


def lose_a_file(folder):
    (folder / "model.bin").unlink()


def garble_the_record(folder):
    record_of(folder).write_text('{"values": 3')


def list_in_place_of_the_record(folder):
    record_of(folder).write_text("[]")


def record_of_other_names(folder):
    write_record(record_of(folder), {"facts": {}, "folder": "/"})


def lose_the_record(folder):
    record_of(folder).unlink()


def let_others_write_the_record(folder):
    record_of(folder).chmod(0o666)


def let_others_write_the_folder(folder):
    folder.chmod(0o777)


def plant_a_file(folder):
    (folder / "more.bin").write_bytes(b"x")


def link_the_file(folder):
    shutil.move(folder / "model.bin", folder.parent.parent / "moved.bin")
    (folder / "model.bin").symlink_to(folder.parent.parent / "moved.bin")


def link_the_folder(folder):
    shutil.move(folder, folder.parent.parent / "moved")
    folder.symlink_to(folder.parent.parent / "moved")


def link_the_record(folder):
    shutil.move(record_of(folder), folder.parent.parent / "moved.json")
    record_of(folder).symlink_to(folder.parent.parent / "moved.json")


def record_of(folder):
    return folder.with_name(f"{folder.name}.json")


@pytest.mark.parametrize(
    "damage",
    [
        cut_off, flip_a_bit, lose_a_file, garble_the_record, list_in_place_of_the_record,
        record_of_other_names, lose_the_record, let_others_write_the_record,
        let_others_write_the_folder, plant_a_file, link_the_file, link_the_folder, link_the_record,
    ],
)  # fmt: skip
def test_a_changed_export_is_made_again(model_path, export, made, damage, cache):
    damage(make_export(model_path, "openvino", export, {}).folder)
    moved = {path: path.read_bytes() for path in cache.parent.glob("moved*/*")}
    moved |= {path: path.read_bytes() for path in cache.parent.glob("moved.*")}
    assert find_export(model_path, "openvino") is None
    export = make_export(model_path, "openvino", export, {})
    assert find_export(model_path, "openvino") == export
    assert len(made) == 2
    assert {path: path.read_bytes() for path in moved} == moved  # no link was followed


def test_an_error_leaves_nothing_behind(model_path, export, cache):
    def broken(folder):
        export(folder)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        make_export(model_path, "openvino", broken, {})
    assert find_export(model_path, "openvino") is None
    assert [each.name for each in cache.iterdir()] == ["lock"]


def test_what_a_killed_process_leaves_is_no_export_and_removed(model_path, export, cache):
    for name in (".unfinished-abc", "onnx-0123456789abcdef"):  # the record comes last
        (cache / name).mkdir()
        (cache / name / "model.bin").write_bytes(b"0")
    assert find_export(model_path, "openvino") is None
    name = make_export(model_path, "openvino", export, {}).folder.name
    assert {each.name for each in cache.iterdir()} == {"lock", name, f"{name}.json"}


def test_a_planted_link_gets_nothing_of_its_target_deleted(model_path, export, cache, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.txt").write_text("keep")
    (cache / ".unfinished-x").symlink_to(mine)
    (cache / "onnx-0123456789abcdef").symlink_to(mine)
    make_export(model_path, "openvino", export, {})
    assert (mine / "a.txt").read_text() == "keep"
    (cache / "lock").unlink()
    (cache / "lock").symlink_to(mine / "a.txt")
    with pytest.raises(OSError):
        make_export(model_path, "onnx", export, {})
    assert (mine / "a.txt").read_text() == "keep"


def test_two_at_once_make_one(model_path, export, made):
    start = threading.Barrier(2)
    found = []

    def work():
        start.wait()
        found.append(make_export(model_path, "openvino", export, {}))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found[0] == found[1]
    assert len(made) == 1


def test_checks_are_kept_with_it(model_path, export):
    made = make_export(model_path, "openvino", export, {})
    assert made.checks == {}
    made.keep_check("240x320", {"largest_difference": 1e-6})
    made.keep_check("48x64", {"largest_difference": 2e-6})
    checks = find_export(model_path, "openvino").checks
    assert checks == {
        "240x320": {"largest_difference": 1e-6},
        "48x64": {"largest_difference": 2e-6},
    }


def test_what_lies_beside_the_model_is_never_looked_at(model_path, export):
    """Earlier versions kept exports in `MODEL.engines`."""
    made = make_export(model_path, "openvino", export, {})
    beside = model_path.with_name("m.keras.engines")
    shutil.copytree(made.folder, beside / made.folder.name)
    shutil.rmtree(made.folder)
    assert find_export(model_path, "openvino") is None
