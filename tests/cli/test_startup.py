"""A verb answers soon if it imports little: one process runs them and says what is imported."""

import json
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest

from placevec.cli import main
from placevec.config.choices import ENGINES
from placevec.models.engines.accelerator import has_accelerator

RUN = """
import json, sys
from placevec.cli import main

imported = {}
for name, arguments in json.loads(sys.argv[1]).items():
    code = 0
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code
    imported[name] = [code, [each for each in sys.argv[2].split() if each in sys.modules]]
print(json.dumps(imported))
"""
BACKENDS = ("keras", "tensorflow", "jax", "torch")
SLOW = (*BACKENDS, "numpy", "matplotlib")


@pytest.fixture
def places(tmp_path):
    """Twelve photos of six places, which `split` may write beside."""
    folder = tmp_path / "places"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        photo = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (64, 48))
        cv2.imwrite(str(folder / f"@{100 * (number // 2) + number % 2}@0@.jpg"), photo)
    return folder


@pytest.fixture
def cached(model_path, places, tmp_path, monkeypatch):
    """A folder with a store, once all that verbs keep of the model is in the cache."""
    if ENGINES["openvino"].missing(exporting=True) or keras.backend.backend() != "tensorflow":
        pytest.skip("needs openvino, and Keras on TensorFlow for the export")
    main(["describe", str(places), "--model", str(model_path), "--out", str(tmp_path / "store")])
    main(["info", str(model_path)])
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "keras")  # as in a process that has to ask it
        assert not has_accelerator()
    return tmp_path


def test_verbs_import_no_keras_unless_they_compute_with_it(cached, model_path, places, capsys):
    store, photo = str(cached / "store"), str(places / "@0@0@.jpg")
    model = ["--model", str(model_path)]
    verbs = {
        "help": ["--help"],
        "info": ["info", store],
        "info of a model": ["info", str(model_path)],
        "check": ["check", store],
        "index": ["index", store],
        "search": ["search", store, photo],
        "remove": ["remove", store, "@0@0@.jpg"],
        "describe": ["describe", photo, *model, "--out", str(cached / "one.npz")],
        "evaluate": ["evaluate", f"folder:{places}", "--radius-m", "10", *model],
        "split": ["split", f"folder:{places}", *model, "--max-similarity", "1"],
    }
    answer = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(verbs), " ".join(SLOW)],
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    imported = json.loads(answer.stdout.splitlines()[-1])
    assert imported["help"] == [0, []]
    for name in (
        "info",
        "info of a model",
        "check",
        "index",
        "search",
        "remove",
        "describe",
        "evaluate",
    ):
        assert imported[name] == [0, ["numpy"]], (name, answer.stderr[-2000:])
    assert imported["split"] == [0, ["numpy", "matplotlib"]]
    assert "openvino runs the model" in answer.stderr
    assert answer.stderr.count("exported") == 0
