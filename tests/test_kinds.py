import pytest

from placevec.kinds import DESCRIPTORS, HDF5, MODEL, STORE, TRAINING, is_store, kind_of, refuse_kind


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ([], None),
        (["manifest.json"], None),
        (["manifest.json", "lock"], STORE),
        (["model.keras", "config.json"], TRAINING),
        (["a.jpg"], None),
    ],
)
def test_a_folder_is_told_by_its_files(tmp_path, files, kind):
    for name in files:
        (tmp_path / name).touch()
    assert kind_of(tmp_path) == kind
    assert is_store(tmp_path) == (kind == STORE)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("m.keras", MODEL), ("d.npz", DESCRIPTORS), ("d.NPY", DESCRIPTORS), ("m.h5", HDF5),
        ("a.jpg", None),
    ],
)  # fmt: skip
def test_a_file_is_told_by_its_ending(tmp_path, name, kind):
    assert kind_of(tmp_path / name) is None
    (tmp_path / name).touch()
    assert kind_of(str(tmp_path / name)) == kind


def test_the_name_of_a_network_is_a_model_unless_something_else_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert kind_of("tiny") == MODEL
    (tmp_path / "tiny").mkdir()
    assert kind_of("tiny") is None


def test_says_what_it_is_and_what_to_do(tmp_path):
    refuse_kind("a", None, "photos")
    with pytest.raises(ValueError) as caught:
        refuse_kind("runs/a\n", TRAINING, "a model")
    said = "runs/a\\n is the folder of a training, not a model. Its model is runs/a\\n/model.keras"
    assert str(caught.value) == said
