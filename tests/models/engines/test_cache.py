import json
import threading

import pytest

from placevec.models.engines.cache import exports_dir, find_export, make_export


@pytest.fixture
def model_path(tmp_path):
    path = tmp_path / "m.keras"
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


def test_is_made_once_and_found_again(model_path, export, made):
    assert find_export(model_path, "openvino") is None
    first = make_export(model_path, "openvino", export, {"channels": 3})
    found = find_export(model_path, "openvino")
    assert found == first
    assert found.facts["channels"] == 3
    assert make_export(model_path, "openvino", export, {}) == first
    assert len(made) == 1
    assert found.folder.parent == model_path.parent / "m.keras.engines" == exports_dir(model_path)
    assert find_export(model_path, "onnx") is None


def test_another_model_in_the_file_takes_another_export(model_path, export):
    old = make_export(model_path, "openvino", export, {})
    kept = make_export(model_path, "onnx", export, {})
    model_path.write_bytes(b"other weights")
    assert find_export(model_path, "openvino") is None
    new = make_export(model_path, "openvino", export, {})
    assert new.folder.exists()
    assert not old.folder.exists()  # nobody would ever ask for it
    assert kept.folder.exists()


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


def garble_the_facts(folder):
    (folder / "export.json").write_text('{"files": 3')


def list_in_place_of_facts(folder):
    (folder / "export.json").write_text("[]")


@pytest.mark.parametrize(
    "damage", [cut_off, flip_a_bit, lose_a_file, garble_the_facts, list_in_place_of_facts]
)
def test_a_damaged_export_is_made_anew(model_path, export, made, damage):
    damage(make_export(model_path, "openvino", export, {}).folder)
    assert find_export(model_path, "openvino") is None
    export = make_export(model_path, "openvino", export, {})
    assert find_export(model_path, "openvino") == export
    assert len(made) == 2


def test_an_error_leaves_nothing_behind(model_path, export):
    def broken(folder):
        export(folder)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        make_export(model_path, "openvino", broken, {})
    assert find_export(model_path, "openvino") is None
    assert [each.name for each in exports_dir(model_path).iterdir()] == [".lock"]


def test_what_a_killed_process_leaves_is_no_export_and_removed(model_path, export):
    home = exports_dir(model_path)
    (home / ".unfinished-abc").mkdir(parents=True)
    (home / ".unfinished-abc" / "model.bin").write_bytes(b"0")
    assert find_export(model_path, "openvino") is None
    made = make_export(model_path, "openvino", export, {})
    assert {each.name for each in home.iterdir()} == {".lock", made.folder.name}


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


def test_checks_are_kept_beside_it(model_path, export):
    made = make_export(model_path, "openvino", export, {})
    assert made.check("240x320") is None
    made.keep_check("240x320", {"largest_difference": 1e-6})
    made.keep_check("48x64", {"largest_difference": 2e-6})
    again = find_export(model_path, "openvino")
    assert again.check("240x320") == {"largest_difference": 1e-6}
    assert again.check("48x64") == {"largest_difference": 2e-6}
    assert set(json.loads((made.folder / "checks.json").read_text())) == {"240x320", "48x64"}
    for damaged in ("{", "[]"):
        (made.folder / "checks.json").write_text(damaged)
        assert again.check("240x320") is None


def test_says_that_the_folder_must_be_writable(model_path, export, monkeypatch):
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(OSError, match="must be writable for the export of the model .*Read-only"):
        make_export(model_path, "openvino", export, {})


def refuse(*_, **__):
    raise OSError(30, "Read-only file system")
