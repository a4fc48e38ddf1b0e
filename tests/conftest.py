"""What all tests share."""

import dataclasses
import functools
import importlib
import logging
import os
import sys
import types
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest

import placevec  # noqa: F401 - before Keras, as users import it, for TensorFlow's oneDNN

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("PLACEVEC_DATA", REPOSITORY.parent / "shared" / "data"))

# A profile decides for all property tests: `ci` is the same on each run, `thorough` searches on.
hypothesis.settings.register_profile(
    "ci",
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.function_scoped_fixture,  # each example writes its files again
        hypothesis.HealthCheck.too_slow,  # which a busy machine is
    ],
)
hypothesis.settings.register_profile(
    "thorough", hypothesis.settings.get_profile("ci"), max_examples=500, derandomize=False
)
hypothesis.settings.load_profile("ci")


@pytest.fixture(autouse=True)
def level_of_logs():
    """Gives back the level of logs that a command sets for its process."""
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """Exports of models go to a folder of the tests, not to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLACEVEC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_data():
    """Returns a function from a path inside the development data to its place on disk."""

    def find(*parts: str) -> Path:
        path = SHARED_DATA.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"development data {'/'.join(parts)} is not at {SHARED_DATA}")
        return path

    return find


@pytest.fixture(scope="session")
def shorten_mobilenetv2():
    """Returns a function that lets `mobilenetv2` be built up to `block_2_add` only.

    That is a tenth of its layers and of the time. Weights are random, and others than those of the
    whole network for the same seed.
    """
    import keras

    from placevec.config.choices import BACKBONES

    @functools.cache
    def head(channels):
        photos = keras.Input((None, None, channels))
        with keras.StatelessScope(initialize_variables=False):  # weights that nobody needs
            whole = keras.applications.MobileNetV2(
                weights=None, include_top=False, input_tensor=photos
            )
        return keras.Model(photos, whole.get_layer("block_2_add").output)

    def make(weights, include_top, input_tensor):
        return keras.models.clone_model(head(input_tensor.shape[-1]), input_tensors=input_tensor)

    def shorten(monkeypatch):
        monkeypatch.setitem(sys.modules, "short_mobilenetv2", types.SimpleNamespace(make=make))
        short = dataclasses.replace(BACKBONES["mobilenetv2"], home="short_mobilenetv2:make")
        monkeypatch.setitem(BACKBONES, "mobilenetv2", short)

    head(3)  # or the first network of a seed would have other weights than the next
    return shorten


@pytest.fixture
def write_photos(tmp_path):
    """Returns a function that writes one photo of 32x48 for each (red, green, blue)."""

    def write(colors):
        paths = []
        for number, color in enumerate(colors):
            pixels = np.full((32, 48, 3), color, np.uint8)
            paths.append(tmp_path / f"photo{number:02d}.png")
            cv2.imwrite(str(paths[-1]), pixels[..., ::-1])
        return paths

    return write


@pytest.fixture
def mean_color():
    """Returns a model: a photo's mean color, of unit length."""

    def model(photos):
        means = photos.astype(np.float32).mean(axis=(1, 2)) + 1e-3
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    return model


@pytest.fixture
def unit_vectors():
    """Returns a function that makes (count, dim) float32 of unit length."""

    def make(count, dim=4, seed=0):
        made = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    return make


@pytest.fixture
def short_mobilenetv2(monkeypatch, shorten_mobilenetv2):
    """Lets `mobilenetv2` be short for one test."""
    shorten_mobilenetv2(monkeypatch)


@pytest.fixture
def quick_training(monkeypatch, short_mobilenetv2):
    """Makes trainings quick: a short backbone, and no pictures."""
    for module, picture in (
        ("training_run", "draw_matches"),
        ("training_run", "draw_recall"),
        ("report", "_draw_history"),
    ):
        home = importlib.import_module(f"placevec.training.run.{module}")
        monkeypatch.setattr(home, picture, lambda *_, **__: None)
