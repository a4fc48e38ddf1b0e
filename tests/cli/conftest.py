"""A model, photos of three places, a training that is only noted, and commands that are refused."""

import logging

import cv2
import keras
import numpy as np
import pytest

from placevec.cli import main
from placevec.layers import GeM, PixelScaling
from placevec.models import save_model

COLORS = [(250, 0, 0), (240, 10, 0), (0, 250, 0), (0, 240, 10), (0, 0, 250), (10, 0, 240)]


@pytest.fixture(autouse=True)
def keep_logging_as_it_is():
    levels = {
        name: logging.getLogger(name).level
        for name in ("absl", "faiss", "jax", "tensorflow", "tf2onnx")
    }
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="session")
def model_path(tmp_path_factory):
    photos = keras.Input((None, None, 3), dtype="uint8", name="photos")
    x = PixelScaling(scale=1 / 255, name="pixels")(photos)
    path = tmp_path_factory.mktemp("model") / "m.keras"
    save_model(keras.Model(photos, GeM(name="aggregator")(x)), path)
    return path


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """A folder with three places, 100 m apart, of two photos of alike color each."""
    folder = tmp_path_factory.mktemp("places")
    for number, color in enumerate(COLORS):
        pixels = np.full((40, 60, 3), color, np.uint8)
        east = 100 * (number // 2) + number % 2
        cv2.imwrite(str(folder / f"@{east}@0@.jpg"), pixels[..., ::-1])
    return folder


@pytest.fixture
def trained(monkeypatch):
    """Settings that the training was called with, in place of a training."""
    calls = []
    monkeypatch.setattr("placevec.training.train", lambda config, **_: calls.append(config))
    return calls


@pytest.fixture
def refused(capsys):
    """Returns a function from a refused command to what it writes to standard error."""

    def run(arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(each) for each in arguments])
        assert caught.value.code == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert "Traceback" not in written.err
        return written.err

    return run


@pytest.fixture
def refused_in_one_line(refused):
    """Returns a function from a refused command to the one line that says why."""

    def run(arguments):
        lines = refused(arguments).splitlines()
        lines = [line for line in lines if line.startswith("placevec: ")]
        assert len(lines) == 1
        return lines[0]

    return run
