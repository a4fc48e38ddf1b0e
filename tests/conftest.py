"""What all tests share."""

import dataclasses
import functools
import os
from pathlib import Path

import pytest

import placevec  # noqa: F401 - before Keras, as users import it, for TensorFlow's oneDNN

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("PLACEVEC_DATA", REPOSITORY.parent / "shared" / "data"))

RUN_ONCE = (
    "checking", "cli", "collecting", "config", "end_to_end", "images", "places", "recipes",
    "rendering", "retrieval", "sources",
)  # fmt: skip


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

    from placevec.models.backbones import BACKBONES

    @functools.cache
    def head(channels):
        photos = keras.Input((None, None, channels))
        whole = keras.applications.MobileNetV2(weights=None, include_top=False, input_tensor=photos)
        return keras.Model(photos, whole.get_layer("block_2_add").output)

    def make(weights, include_top, input_tensor):
        return keras.models.clone_model(head(input_tensor.shape[-1]), input_tensors=input_tensor)

    def shorten(monkeypatch):
        short = dataclasses.replace(BACKBONES["mobilenetv2"], make=make)
        monkeypatch.setitem(BACKBONES, "mobilenetv2", short)

    return shorten


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What never sees Keras, or only hands it on, is tested once, not once a backend."""
    folders = [REPOSITORY / "tests" / name for name in RUN_ONCE]
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in folders):
            item.add_marker("one_backend")
