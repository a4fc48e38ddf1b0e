import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from placevec.config import RenderConfig
from placevec.places import PlaceDataset
from placevec.rendering.photos import train_line
from placevec.rendering.photos.train_line import train_lines

PARTS = ["#train", "#val"]


@pytest.fixture
def lines(monkeypatch, tmp_path):
    """Returns a function from places on a line, in metres, to what is printed of their photos."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def told(
        east_m, parts=PARTS, sees_all=False, out_dir="data/yard", visits=("day", "fog"), points=True
    ):
        count = len(east_m) * len(visits)
        seen = np.ones((count, 1)) if sees_all else np.tile(np.eye(len(east_m)), (len(visits), 1))
        dataset = PlaceDataset(
            "p", [f"{i}.jpg" for i in range(count)],
            positions_m=np.stack([np.tile(east_m, len(visits)), np.zeros(count)], axis=1),
            times_s=np.repeat(np.arange(len(visits)), len(east_m)),
            points_seen=sparse.csr_array(seen, dtype=bool),
        )  # fmt: skip
        monkeypatch.setattr(train_line, "open_places", lambda name: dataset)
        settings = RenderConfig(points=points)
        return train_lines(Path(out_dir), parts, settings, is_of_one_time=len(visits) == 1)

    return told


def flags(line, *names):
    return {name: value for name in names for value in re.findall(rf"{name} (\S+)", line)}


RULES = (
    "--positive-rule", "--view-depth-m", "--positive-radius-m", "--negative-radius-m",
    "--min-time-difference-s",
)  # fmt: skip


@pytest.mark.parametrize(
    ("east_m", "settings", "expected"),
    [
        ([0, 60, 120, 180, 240], {}, {"--positive-rule": "shared_points"}),
        ([0, 15, 30, 45, 60], {}, {"--positive-rule": "shared_points", "--view-depth-m": "12.5"}),
        (
            [0, 4, 8, 12, 16],
            {},
            {
                "--positive-rule": "shared_points", "--view-depth-m": "4",
                "--positive-radius-m": "8", "--negative-radius-m": "8",
            },
        ),
        ([0, 15, 30, 45, 60], {"sees_all": True}, {}),
        ([0, 4, 8], {"points": False}, {"--positive-radius-m": "4", "--negative-radius-m": "4"}),
        (
            [0, 3, 60, 63, 120],
            {"visits": ("day",), "points": False},
            {"--min-time-difference-s": "0"},
        ),
    ],
)  # fmt: skip
def test_the_command_fits_a_world_of_any_size(lines, east_m, settings, expected):
    command, _ = lines(east_m, **settings)
    assert flags(command, *RULES) == expected
    assert command.startswith("placevec train folder:data/yard#train --validation folder:")
    assert command.endswith(" --image-size 240 320 --out runs/yard")


@pytest.mark.parametrize(
    ("east_m", "parts", "why"),
    [([0], PARTS, "too few or too close together"), ([0, 100], [""], "photos are not split")],
)
def test_says_why_there_is_no_command(lines, east_m, parts, why):
    (line,) = lines(east_m, parts=parts)
    assert line.startswith("No `train` line") and why in line


def test_a_third_part_is_the_test(lines):
    command, _ = lines([0, 60, 120], parts=["/train", "/val", "/test"])
    assert "--validation folder:data/yard/val --test folder:data/yard/test" in command


def test_starts_from_imagenets_weights_if_they_are_here(lines, tmp_path):
    command, sentence = lines([0, 60, 120])
    assert "--model.weights" not in command
    assert f"random weights: ImageNet's are not in {tmp_path / 'models'}" in sentence
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / train_line._IMAGENET_FILE).touch()
    command, sentence = lines([0, 60, 120])
    assert "--model.weights imagenet" in command
    assert sentence == f"It starts from ImageNet's weights, in {tmp_path / 'models'}"


def test_keras_keeps_the_weights_in_that_file():
    keras = Path(importlib.util.find_spec("keras").origin).parent
    source = (keras / "src" / "applications" / "mobilenet_v2.py").read_text()
    assert train_line._IMAGENET_FILE.removesuffix("_1.0_224_no_top.h5") in source
    assert "{float(alpha)}_{rows}_no_top.h5" in source
    assert "_1.0_224_" in train_line._IMAGENET_FILE  # the usual width, and the size for all sizes


def test_a_folder_with_a_blank_is_quoted(lines):
    command, _ = lines([0, 60, 120], out_dir="my yard")
    assert "train 'folder:my yard#train' --validation" in command
