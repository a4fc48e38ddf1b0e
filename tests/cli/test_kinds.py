"""Each verb, given something else than it needs, says what that is and what to do with it."""

import h5py
import numpy as np
import pytest

from placevec.retrieval import describe_to

PHOTOS = {
    "describe": "describe {} --out {new}",
    "loops": "loops {}",
    "group": "group {}",
    "search": "search {store} {}",
    "evaluate": "evaluate {}",
    "calibrate": "calibrate {}",
    "check": "check {} --out {new}",
    "split": "split {}",
    "train": "train {} --validation {folder}",
    "train --validation": "train {folder} --validation {}",
    "whiten --places": "whiten {model} --places {} --dim 2 --out {new}.keras",
}
MODELS = {
    "describe": "describe {folder} --model {} --out {new}",
    "search": "search {store} {folder} --model {}",
    "evaluate": "evaluate {folder} --model {}",
    "loops": "loops {folder} --model {}",
    "group": "group {folder} --model {}",
    "calibrate": "calibrate {folder} --model {} --sequence 1",
    "split": "split {folder} --model {}",
    "whiten": "whiten {} --places {folder} --dim 2 --out {new}.keras",
    "crop": "crop {} --dim 2 --out {new}.keras",
    "export": "export {} --format savedmodel --out {new}",
    "info": "info {}",
    "demo": "demo --model {} --out {new}",
}
STORES = {
    "search": "search {} {folder}",
    "index": "index {}",
    "remove": "remove {} a.jpg",
}
WHAT = {
    "folder": "a folder of photos",
    "photo": "a photo",
    "store": "a store of descriptors",
    "model": "a model",
    "tiny": "a model",
    "run": "the folder of a training",
    "npz": "a file of descriptors",
    "h5": "a file of a model or of descriptors",
}
USE = {
    "folder": "`placevec describe {path} --out STORE` makes a store",
    "photo": "`placevec describe {path} --out STORE` makes a store",
    "store": "`placevec search {path} PHOTOS` searches it, and `placevec info {path}` names",
    "model": "`--model {path}` takes it after the photos, and `placevec info {path}` describes it",
    "tiny": "`--model tiny` takes it after the photos",
    "run": "Its model is {path}/model.keras",
    "npz": "`placevec evaluate PLACES --model {path}` measures recall",
    "h5": "`--model {path}` takes it after the photos",
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory, places, model_path):
    """One path of each kind, by its name."""
    home = tmp_path_factory.mktemp("kinds")
    found = {"folder": places, "photo": min(places.iterdir()), "model": model_path, "tiny": "tiny"}
    for name, out in {"store": "store", "npz": "d.npz"}.items():
        found[name] = home / out
        describe_to(home / out, places, model_path, image_size=(32, 48), engine="keras")
    found["run"] = home / "run"
    found["run"].mkdir()
    (found["run"] / "model.keras").write_bytes(model_path.read_bytes())
    found["h5"] = home / "hloc.h5"
    with h5py.File(found["h5"], "w") as file:
        file.create_dataset("a.jpg/global_descriptor", data=np.ones(3, np.float32))
    return found


def cases(verbs, wanted, taken=()):
    """Returns each verb's command with each kind that it does not take.

    Args:
        verbs: dict of verb -> command.
        wanted: Kinds that all of them take.
        taken: (verb, kind) that a verb takes besides.
    """
    return [
        pytest.param(command, kind, id=f"{verb}-{kind}")
        for verb, command in verbs.items()
        for kind in WHAT
        if kind not in wanted and (verb, kind) not in taken
    ]


def refusal_of(command, kind, kinds, tmp_path, refused_in_one_line):
    paths = {**kinds, "new": tmp_path / "new"}
    parts = [str(kinds[kind]) if part == "{}" else part.format(**paths) for part in command.split()]
    return refused_in_one_line(parts)


@pytest.mark.parametrize(
    ("command", "kind"), cases(PHOTOS, ("folder", "photo"), {("check", "store")})
)
def test_what_is_no_photo_is_named(
    command, kind, kinds, tmp_path, monkeypatch, refused_in_one_line
):
    monkeypatch.chdir(tmp_path)
    line = refusal_of(command, kind, kinds, tmp_path, refused_in_one_line)
    assert f"placevec: {kinds[kind]} is {WHAT[kind]}, not photos. " in line
    assert USE[kind].format(path=kinds[kind]) in line


@pytest.mark.parametrize(
    ("command", "kind"),
    cases(MODELS, ("model", "tiny"), {("info", "store"), ("evaluate", "npz"), ("evaluate", "h5")}),
)
def test_what_is_no_model_is_named(
    command, kind, kinds, tmp_path, monkeypatch, refused_in_one_line
):
    monkeypatch.chdir(tmp_path)
    line = refusal_of(command, kind, kinds, tmp_path, refused_in_one_line)
    kind_opened = "npz" if kind == "h5" else kind
    assert f"placevec: {kinds[kind]} is {WHAT[kind_opened]}, not a model. " in line
    assert USE[kind_opened].format(path=kinds[kind]) in line


@pytest.mark.parametrize(("command", "kind"), cases(STORES, ("store",)))
def test_what_is_no_store_is_named(
    command, kind, kinds, tmp_path, monkeypatch, refused_in_one_line
):
    monkeypatch.chdir(tmp_path)
    line = refusal_of(command, kind, kinds, tmp_path, refused_in_one_line)
    assert f"placevec: {kinds[kind]} is {WHAT[kind]}, not a store of descriptors. " in line
    assert USE[kind].format(path=kinds[kind]) in line


@pytest.mark.parametrize("verb", ["describe", "search", "evaluate", "loops", "group"])
def test_models_joined_by_commas_are_several(verb, kinds, tmp_path, refused_in_one_line):
    line = refusal_of(MODELS[verb], "comma", {**kinds, "comma": "tiny,small"}, tmp_path,
                      refused_in_one_line)  # fmt: skip
    assert line == (
        "placevec: `--model` must be one model, or several separated by spaces for `evaluate`: "
        "`--model tiny small`. Received: tiny,small"
    )


def test_descriptors_joined_by_commas_are_several(kinds, tmp_path, refused_in_one_line):
    paths = {**kinds, "comma": f"{kinds['npz']},tiny"}
    line = refusal_of(MODELS["evaluate"], "comma", paths, tmp_path, refused_in_one_line)
    assert f"`--model {kinds['npz']} tiny`. Received: {kinds['npz']},tiny" in line
    paths["comma"] = f"tiny,{kinds['npz']}"
    line = refusal_of(MODELS["evaluate"], "comma", paths, tmp_path, refused_in_one_line)
    assert f"`--model tiny {kinds['npz']}`. Received: tiny,{kinds['npz']}" in line
