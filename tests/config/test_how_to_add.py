"""Adds a made-up one of each kind to a copy of the package, in the places that the docs name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import placevec

FILES = {
    "losses/made_loss.py": """
import keras
from placevec.losses.tuples import TupleLoss, squared_distances

@keras.saving.register_keras_serializable(package="placevec")
class MadeLoss(TupleLoss):
    def __init__(self, num_positives, num_negatives, margin=0.7, name="made_loss", **kwargs):
        super().__init__(num_positives, num_negatives, name=name, **kwargs)
        self.margin = margin
""",
    "layers/made_layer.py": """
import keras
from placevec.layers.aggregator import Aggregator
from placevec.layers.l2_normalize import l2_normalize

@keras.saving.register_keras_serializable(package="placevec")
class MadeLayer(Aggregator):
    def call(self, inputs):
        return l2_normalize(keras.ops.mean(inputs, axis=(1, 2)))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])
""",
    "models/backbones/made_network.py": """
import keras

def made(weights=None, include_top=False, input_tensor=None, input_shape=None):
    return keras.Model(input_tensor, keras.layers.Conv2D(4, 3, name="made_cut")(input_tensor))
""",
    "models/engines/runtimes/made_engine.py": """
import numpy as np

def export(model, folder):
    np.save(folder / "made.npy", np.arange(4))

def load(folder, precision, threads, calls):
    return lambda photos: np.zeros((len(photos), 4), np.float32)
""",
    "sources/made_format.py": """
import numpy as np
from placevec.places import PlaceDataset

def read_made(path, *, skip_unreadable=False):
    return PlaceDataset(path, ["a.jpg"], positions_m=np.zeros((1, 2)), frame="made")

def recognize_made(path):
    return "made.txt" if (path / "made.txt").is_file() else ""
""",
}
ROWS = {
    "config/choices.py": {
        "LOSSES = {\n": '    "made": LossChoice(home="placevec.losses.made_loss:MadeLoss", '
        'arguments={"margin": "margin"}),\n',
        "AGGREGATORS = {\n": '    "made": Choice(home="placevec.layers.made_layer:MadeLayer"),\n',
        "BACKBONES = {\n": '    "made": BackboneChoice('
        'home="placevec.models.backbones.made_network:made", cut_layer="made_cut", '
        "pixels=_STANDARD),\n",
        "ENGINES = {\n": '    "made": EngineChoice('
        'home="placevec.models.engines.runtimes.made_engine", needs=(), exporters=(), '
        'quantizers=(), extra="made", precisions=("float32",), batch_size=2),\n',
    },
    "sources/registry.py": {
        "READERS: dict[str, Reader] = {\n": '    "made": Reader(read_made, recognize_made),\n',
        "from placevec.places.dataset": "from placevec.sources.made_format import read_made, "
        "recognize_made\n",
    },
}
USE = """
import contextlib, io, sys
import keras
from pathlib import Path
from placevec.cli.arguments import flags_over
from placevec.config import DescribeConfig, ModelConfig, TrainConfig, from_dict
from placevec.config.choices import ENGINES
from placevec.losses import get_loss
from placevec.models import build_descriptor_model, load_model, measure_model, save_model
from placevec.sources import open_places

folder = Path(sys.argv[1])
loss = get_loss("made", 1, 1, margin=0.2)
assert loss.margin == 0.2 and get_loss("made", 1, 1).margin == 0.7
settings = flags_over(TrainConfig(), ["--loss", "made", "--num-negatives", "1", "--margin", "0.2",
                    "--model.backbone", "made", "--model.cut-layer", "made_cut",
                    "--model.aggregator", "made"])
for values, words in (
    ({"loss": "made", "temperature": 0.1, "num_negatives": 1}, "info_nce, not to made"),
    ({"loss": "made"}, "at least 1 with the loss made"),
    ({"loss": "maid"}, "one of made, allpair_hinge"),
):
    try:
        from_dict(TrainConfig, values)
    except ValueError as error:
        assert words in str(error), error
    else:
        raise SystemExit(f"not refused: {values}")
model = build_descriptor_model(settings.model)
assert model.output_shape == (None, 4) and measure_model(model, image_size=(32, 48)).flops > 0
save_model(model, folder / "m.keras")
assert load_model(folder / "m.keras").layers[-1].name == model.layers[-1].name
help_text = io.StringIO()
with contextlib.redirect_stdout(help_text), contextlib.suppress(SystemExit):
    flags_over(DescribeConfig(model="m.keras"), ["--help"])
assert "made" in help_text.getvalue()
assert DescribeConfig(model="m.keras", engine="made").engine == "made"
engine = ENGINES["made"].find()
assert engine.load(folder, "float32", 1, 1)([0, 0]).shape == (2, 4)
assert open_places(f"made:{folder}").names == ["a.jpg"]
(folder / "made.txt").touch()
assert open_places(str(folder)).frame == "made"
"""


def test_one_of_each_kind_is_a_file_and_a_row(tmp_path):
    package = tmp_path / "placevec"
    shutil.copytree(Path(placevec.__file__).parent, package, ignore=shutil.ignore_patterns("*.pyc"))
    for name, text in FILES.items():
        (package / name).write_text(text)
    for name, rows in ROWS.items():
        text = (package / name).read_text()
        for before, row in rows.items():
            assert text.count(before) == 1
            place = text.index(before) + (len(before) if before.endswith("{\n") else 0)
            text = text[:place] + row + text[place:]
        (package / name).write_text(text)
    (tmp_path / "photos").mkdir()
    answer = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path / "photos")],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "KERAS_BACKEND": "tensorflow"},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]
