import importlib.util
import runpy
import subprocess
import sys

import cv2
import numpy as np
import pytest

from placevec.config import DescribeConfig, TrainConfig, changed

SIZE = (32, 48)


def load(script, repository):
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def repository(pytestconfig):
    return pytestconfig.rootpath


@pytest.fixture
def training_script(repository):
    return load(repository / "noveou_train_netvlad_v3.py", repository)


def write_photos(folder, seed, east_m):
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for place in range(6):
        texture = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), SIZE[::-1])
        for visit in range(2):
            name = f"@{east_m + 50 * place:.1f}@{visit}.0@.jpg"
            cv2.imwrite(str(folder / name), np.roll(texture, visit, axis=1))


def test_constants_of_the_training_script_are_the_defaults_but_for_what_the_town_needs(
    training_script,
):
    of_the_town = {
        "test": "folder:data/town/test",
        "image_size": (144, 192),
        "cosine_decay": True,
        "epochs": 8,
    }
    assert training_script.config() == changed(TrainConfig(), **of_the_town)


def test_default_photos_are_the_towns(training_script):
    town = training_script.TOWN_DIR
    assert TrainConfig().places == f"folder:{town}/train"
    assert TrainConfig().validation == f"folder:{town}/val"


def test_constants_of_the_describing_script_are_the_defaults(repository):
    script = load(repository / "demo_compute_im_descriptor.py", repository)
    assert script.config() == DescribeConfig(model=script.config().model)


@pytest.fixture
def run_script(monkeypatch, capsys):
    """Returns a function that runs a script in this process, and gives its exit code and output."""

    def run(path, *arguments):
        monkeypatch.setattr(sys, "argv", [str(path), *arguments])
        try:
            runpy.run_path(str(path), run_name="__main__")
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        return code, *capsys.readouterr()

    return run


def test_the_training_script_runs_by_edited_constants_and_by_flags(
    repository, tmp_path, monkeypatch, quick_training, run_script
):
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "train", 1, 0.0)
    write_photos(tmp_path / "val", 2, 5000.0)
    text = (repository / "noveou_train_netvlad_v3.py").read_text()
    edits = {
        'PLACES = f"folder:{TOWN_DIR}/train"': 'PLACES = "folder:train"',
        'VALIDATION = f"folder:{TOWN_DIR}/val"': 'VALIDATION = "folder:val"',
        'CUT_LAYER = "block_9_add"': 'CUT_LAYER = "Conv1_relu"',
        "IMAGE_SIZE = (144, 192)": f"IMAGE_SIZE = {SIZE}",
        "K = 16": "K = 4",
        "BATCH_SIZE = 24": "BATCH_SIZE = 3",
        "STEPS_PER_EPOCH = 25": "STEPS_PER_EPOCH = 2",
    }
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "edited.py").write_text(text)
    code, out, err = run_script("edited.py", "--epochs", "1")
    assert code == 0, err
    assert "after:  recall@1" in out
    history = (tmp_path / "runs" / "town" / "history.csv").read_text()
    assert len(history.splitlines()) == 2
    code, _, err = run_script("edited.py", "--epochs", "1")
    assert code == 2
    assert "Traceback" not in err
    assert "--overwrite" in err.splitlines()[-1]

    # The other script: once in this process, once as a user starts it.
    demo = repository / "demo_compute_im_descriptor.py"
    text = demo.read_text().replace('PHOTOS = "data/town/val"', 'PHOTOS = "val"')
    (tmp_path / "demo.py").write_text(text)
    size = ["--image-size", *map(str, SIZE), "--engine", "keras"]
    code, _, err = run_script("demo.py", "train", "--out", "train.npz", *size)
    assert code == 0, err
    described = subprocess.run(
        [sys.executable, "demo.py", *size], capture_output=True, text=True, check=False
    )
    assert described.returncode == 0, described.stderr[-2000:]
    with np.load(tmp_path / "train.npz") as arrays:
        assert sorted(arrays["names"])[0] == "@0.0@0.0@.jpg"
    with np.load(tmp_path / "descriptors.npz") as arrays:
        assert arrays["names"].shape == (12,)
        assert arrays["descriptors"].shape == (12, 4 * 32)
        np.testing.assert_allclose(np.linalg.norm(arrays["descriptors"], axis=1), 1, atol=1e-5)
