import sys

import pytest

from placevec.models.engines import accelerator
from placevec.models.engines.accelerator import backend_name, has_accelerator
from placevec.models.engines.cache_folder import cache_folder, write_record

pytestmark = pytest.mark.one_backend


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def without_keras(monkeypatch):
    """As in a process that has not imported Keras, on a machine with devices."""
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr(accelerator, "_DEVICES", ("null",))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


@pytest.fixture
def asked(monkeypatch):
    """How often Keras was asked; what it answers is `asked.answer`."""

    class Asked(list):
        answer = False

    asked = Asked()
    monkeypatch.setattr(accelerator, "_ask_keras", lambda: asked.append(1) or asked.answer)
    return asked


def test_a_no_is_kept(without_keras, asked):
    assert not has_accelerator() and not has_accelerator()
    assert len(asked) == 1


def test_a_yes_is_asked_for_again_because_keras_is_needed_then(without_keras, asked):
    asked.answer = True
    assert has_accelerator() and has_accelerator()
    assert len(asked) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name devices otherwise")
def test_without_devices_keras_is_not_needed(without_keras, asked, monkeypatch):
    monkeypatch.setattr(accelerator, "_DEVICES", ("no_such_device*",))
    asked.answer = True
    assert not has_accelerator()
    assert not asked


def test_keras_is_asked_where_it_is_there(asked):
    assert not has_accelerator() and not has_accelerator()
    assert len(asked) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setenv("CUDA_VISIBLE_DEVICES", "0"),
        lambda patch: patch.setenv("KERAS_BACKEND", "jax"),
        lambda patch: patch.setenv("LD_LIBRARY_PATH", "/usr/local/cuda/lib64"),
        lambda patch: patch.setattr(accelerator, "_DEVICES", ("null", "zero")),
        lambda patch: patch.setattr(accelerator, "_changed_ns", lambda _: 1),
    ],
    ids=["hidden devices", "backend", "libraries", "devices", "packages"],
)
def test_what_the_answer_depends_on_asks_again(without_keras, asked, monkeypatch, change):
    has_accelerator()
    change(monkeypatch)
    has_accelerator()
    assert len(asked) == 2


def test_the_order_of_library_folders_is_the_same_machine(without_keras, asked, monkeypatch):
    for folders in ("/a:/b", "/b:/a:/b"):
        monkeypatch.setenv("LD_LIBRARY_PATH", folders)
        has_accelerator()
    assert len(asked) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("{"),
        lambda path: path.write_text('{"values": {"has_accelerator": false}, "sha256": "0"}'),
        lambda path: write_record(path, {"has_accelerator": 0, "more": 1}),
        lambda path: path.chmod(0o666),
    ],
)
def test_a_damaged_record_asks_again(without_keras, asked, damage):
    has_accelerator()
    (path,) = cache_folder().glob("accelerator-*.json")
    damage(path)
    has_accelerator()
    assert len(asked) == 2


def test_the_backend_is_that_of_keras(monkeypatch):
    import keras

    monkeypatch.setenv("KERAS_BACKEND", "other")
    assert backend_name() == keras.backend.backend()


@pytest.mark.parametrize(
    ("variable", "file", "name"),
    [
        ("jax", '{"backend": "torch"}', "jax"),
        ("", '{"backend": "torch"}', "torch"),
        (None, '{"backend": "torch"}', "torch"),
        (None, "[]", "tensorflow"),
        (None, '{"backend": ', "tensorflow"),
        (None, '{"backend": 3}', "tensorflow"),
        (None, None, "tensorflow"),
    ],
)
def test_the_backend_is_told_without_keras(
    without_keras, monkeypatch, tmp_path, variable, file, name
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    if file is not None:
        (tmp_path / "keras.json").write_text(file)
    assert backend_name() == name
