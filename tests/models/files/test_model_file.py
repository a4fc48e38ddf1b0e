from pathlib import Path

import pytest

import placevec
from placevec.models.files.model_file import find_model_file, lasting_name, model_path
from placevec.models.files.shipped import shipped_model

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(
    ("model", "network"), [("tiny", "tiny"), (Path("small"), "small"), (None, "small")]
)
def test_names_of_shipped_networks_are_their_files(model, network):
    assert model_path(model) == shipped_model(network)
    assert find_model_file(model).is_file()


def test_other_paths_stay_as_they_are(tmp_path):
    assert model_path("a/tiny") == Path("a/tiny")
    (tmp_path / "m.keras").touch()
    assert find_model_file(tmp_path / "m.keras") == tmp_path / "m.keras"


@pytest.mark.parametrize("network", ["tiny", "small"])
def test_a_shipped_network_is_kept_by_name_and_another_by_its_absolute_path(network, monkeypatch):
    assert lasting_name(shipped_model(network)) == network
    monkeypatch.chdir(shipped_model(network).parent)
    assert lasting_name(Path("other.keras")) == str(Path.cwd() / "other.keras")
    assert lasting_name(Path("model.keras")) == network


@pytest.mark.parametrize("open_it", [find_model_file, placevec.load_model])
def test_a_misspelled_name_lists_the_networks(open_it):
    match = "no model smal. Did you mean small. Name a .keras file, or a network .*: tiny, small"
    with pytest.raises(FileNotFoundError, match=match):
        open_it("smal")


def test_names_the_model_in_the_folder_of_a_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="is a folder. Name a .keras file"):
        find_model_file(tmp_path)
    (tmp_path / "model.keras").touch()
    match = f"is the folder of a training, not a model. Its model is {tmp_path}/model.keras"
    with pytest.raises(ValueError, match=match):
        find_model_file(tmp_path)
