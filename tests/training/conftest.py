import dataclasses
import shutil

import cv2
import numpy as np
import pytest

from placevec.config import ModelConfig, TrainConfig, from_dict
from placevec.training import train

SIZE = (32, 48)


def write_places(folder, *, num_places, visits, seed, east=0.0):
    """Writes photos of made places, 50 m apart: each visit shifts and dims the same texture."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for place in range(num_places):
        texture = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), SIZE[::-1])
        for visit in range(visits):
            photo = np.roll(texture, visit, axis=1) * (1 - 0.1 * visit)
            name = f"@{east + 50.0 * place:.2f}@{float(visit):.2f}@@@@@{visit}@.jpg"
            cv2.imwrite(str(folder / name), photo.astype(np.uint8))
    return folder


@pytest.fixture(autouse=True)
def quick(request):
    """Makes trainings quick, unless a test asks for the whole of it."""
    if "whole_training" not in request.fixturenames:
        request.getfixturevalue("quick_training")


@pytest.fixture
def whole_training():
    """Asks for the whole backbone and for pictures, as a process that a test starts has them."""


@pytest.fixture(scope="session")
def made_places(tmp_path_factory):
    """Returns the folder of a small data set: `train` and `val` share no place."""
    root = tmp_path_factory.mktemp("places")
    write_places(root / "train", num_places=8, visits=3, seed=1)
    write_places(root / "val", num_places=6, visits=3, seed=2, east=5000.0)
    return root


def small_settings(folder, run_dir, **changes):
    """Returns the settings of a training of seconds."""
    settings = {
        "places": f"folder:{folder / 'train'}",
        "validation": f"folder:{folder / 'val'}",
        "out": run_dir,
        "model": ModelConfig(cut_layer="Conv1_relu", num_clusters=4),
        "image_size": SIZE,
        "loss": "allpair_hinge",
        "learning_rate": 1e-3,
        "num_positives": 1,
        "num_negatives": 2,
        "batch_size": 2,
        "steps_per_epoch": 3,
        "epochs": 2,
        "validate_every": 1,
    }
    return from_dict(TrainConfig, settings | changes)


@pytest.fixture
def small_config(made_places, tmp_path):
    """Returns a function that makes the settings of a training of seconds."""

    def make(**changes):
        run_dir = changes.pop("out", tmp_path / "run")
        return small_settings(made_places, run_dir, **changes)

    return make


@pytest.fixture(scope="session")
def trained(made_places, tmp_path_factory, shorten_mobilenetv2):
    """Returns the settings and the outcome of one small training, its pictures drawn.

    Tests share its folder: one that goes on from it copies it, see `copy_of_trained`.
    """
    run_dir = tmp_path_factory.mktemp("trained") / "run"
    config = small_settings(made_places, run_dir, test=f"folder:{made_places / 'train'}")
    with pytest.MonkeyPatch.context() as patch:
        shorten_mobilenetv2(patch)
        return config, train(config)


@pytest.fixture
def copy_of_trained(trained, tmp_path):
    """Returns the settings of the small training, in a folder of the test's own."""
    config = dataclasses.replace(trained[0], out=tmp_path / "copy")
    shutil.copytree(trained[0].out, config.out)
    return config
