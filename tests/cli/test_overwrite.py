"""No verb replaces what is at `--out` without `--overwrite`."""

import pytest

from placevec.cli import main
from placevec.retrieval import describe_to

# Verb -> command, and the file that it would replace.
VERBS = {
    "describe": ("describe {photos} --out {new}.npz", "new.npz"),
    "search .html": ("search {store} {photos} --out {new}.html", "new.html"),
    "search .csv": ("search {store} {photos} --out {new}.csv", "new.csv"),
    "search .jpg": ("search {store} {photos} --out {new}.jpg", "new.jpg"),
    "evaluate": ("evaluate {photos} --out {new}", "new/report.html"),
    "evaluate of two": ("evaluate {photos} --model tiny small --out {new}", "new/metrics.json"),
    "loops": ("loops {photos} --out {new}", "new/loops.csv"),
    "calibrate": ("calibrate {photos} --out {new}.json", "new.json"),
    "calibrate, by default": ("calibrate {photos}", "threshold.json"),
    "group": ("group {photos} --out {new}", "new/groups.csv"),
    "export": ("export {model} --format onnx --out {new}", "new/model.onnx"),
    "whiten": ("whiten {model} --places {photos} --dim 2 --out {new}.keras", "new.keras"),
    "whiten, by default": ("whiten {model} --places {photos} --dim 2", "whitened.keras"),
    "crop": ("crop {model} --dim 2 --out {new}.keras", "new.keras"),
    "check": ("check {photos} --out {new}.html", "new.html"),
    "train": ("train {photos} --validation {photos} --out {new}", "new/config.json"),
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory, places, model_path):
    store = tmp_path_factory.mktemp("overwrite") / "store"
    describe_to(store, places, model_path, image_size=(32, 48), engine="keras")
    return {"photos": places, "model": model_path, "store": store}


@pytest.mark.parametrize("verb", VERBS)
def test_refuses_to_replace_a_file(verb, paths, tmp_path, monkeypatch, refused_in_one_line):
    monkeypatch.chdir(tmp_path)
    command, name = VERBS[verb]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    line = refused_in_one_line(command.format(**paths, new=tmp_path / "new").split())
    assert "already" in line and "with `--overwrite`" in line and "--out`" in line
    assert path.read_text() == "mine"


def test_replaces_a_file_with_overwrite(paths, tmp_path, capsys):
    for command, name in (
        ("describe {photos} --model {model} --engine keras --out {new}.npz --overwrite", "new.npz"),
        ("search {store} {photos} --out {new}.csv --overwrite", "new.csv"),
        ("whiten {model} --places {photos} --dim 2 --out {new}.keras --overwrite", "new.keras"),
        ("crop {new}.keras --dim 1 --out {new}.keras --overwrite", "new.keras"),
    ):
        path = tmp_path / name
        if not path.exists():
            path.write_text("mine")
        before = path.read_bytes()
        main(command.format(**paths, new=tmp_path / "new").split())
        assert path.read_bytes() != before
    assert "descriptors of 1 dimension in" in capsys.readouterr().out


@pytest.mark.parametrize(
    "verb",
    ["describe x", "evaluate x", "loops x", "group x", "check x", "export m.keras", "train x"]
    + ["render town", "demo", "collect streetview", "search x y", "whiten m.keras --places x"],
)
def test_standard_output_is_no_place_for_results(verb, refused_in_one_line):
    line = refused_in_one_line([*verb.split(), "--out", "-"])
    assert "`out` must be" in line and "Received: out=-" in line


def test_a_store_grows_and_is_not_replaced(paths, refused_in_one_line):
    line = refused_in_one_line(
        ["describe", paths["photos"], "--out", paths["store"], "--overwrite"]
    )
    assert "`overwrite` must be left out unless `out` ends in .npz: stores only grow" in line
