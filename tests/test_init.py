import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest

import placevec
from placevec.layers import GeM, GhostVLAD, PixelScaling

REPOSITORY = Path(__file__).resolve().parents[1]

LOAD = """
{imports}
model = keras.saving.load_model({path!r}, safe_mode=True)
names = sorted(type(layer).__name__ for layer in model.layers)
print(names, model.output_shape)
"""


def run(code):
    environment = os.environ | {"KERAS_BACKEND": "jax"}  # starts sooner than TensorFlow
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout.strip()


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    photos = keras.Input((None, None, 3), dtype="uint8")
    x = PixelScaling(scale=1 / 255, channel_order="bgr")(photos)
    x = keras.layers.Concatenate()([GhostVLAD(2, 1)(x), GeM()(x)])
    path = tmp_path_factory.mktemp("saved") / "m.keras"
    keras.Model(photos, x).save(path)
    return str(path)


@pytest.mark.parametrize(
    "imports", ["import placevec; import keras", "import keras; import placevec"]
)
def test_a_saved_model_loads_after_importing_placevec(saved_model, imports):
    printed = run(LOAD.format(imports=imports, path=saved_model))
    assert printed.endswith(
        "['Concatenate', 'GeM', 'GhostVLAD', 'InputLayer', 'PixelScaling'] (None, 9)"
    )


def test_a_layer_may_be_the_first_that_is_imported():
    assert run("from placevec.layers.netvlad import NetVLAD; print(NetVLAD(2).name)") == "net_vlad"


def test_losses_are_known_to_keras_too():
    known = {name for name in keras.saving.get_custom_objects() if name.startswith("placevec>")}
    assert {"placevec>NetVLAD", "placevec>GeM", "placevec>PixelScaling"} <= known
    from placevec import losses

    classes = {
        f"placevec>{name}"
        for name, value in vars(losses).items()
        if isinstance(value, type) and issubclass(value, keras.losses.Loss | keras.metrics.Metric)
    }
    assert len(classes) >= 5
    assert classes <= known


ROOMS = (
    "models",
    "models.engines",
    "store",
    "retrieval",
    "evaluation",
    "sources",
    "checking",
    "rendering",
    "collecting",
)


def test_importing_placevec_and_its_rooms_imports_no_keras_and_little_else():
    """SciPy, pandas and Matplotlib take longer to import than most verbs take to run."""
    code = (
        "import importlib, sys, placevec, placevec.cli.verbs;"
        "first = 'numpy' in sys.modules;"
        "placevec.PlaceDataset; placevec.open_places; placevec.open_engine; placevec.recall;"
        f"[importlib.import_module(f'placevec.{{room}}') for room in {ROOMS}];"
        "slow = {'keras', 'tensorflow', 'jax', 'torch', 'pandas', 'matplotlib', 'openvino',"
        " 'scipy.sparse', 'scipy.spatial', 'scipy.io'};"
        "print(first, sorted(slow & set(sys.modules)))"
    )
    assert run(code) == "False []"


@pytest.mark.parametrize(
    ("before", "said"), [("", "1"), ("sys.modules['tensorflow'] = None", "None")]
)
def test_turns_on_onednn_unless_tensorflow_is_there_already(before, said, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    code = (
        f"import os, sys; {before}\nimport placevec; print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))"
    )
    assert run(code) == said


def test_every_public_name_is_there():
    homes = placevec._HOMES
    found = {name: getattr(placevec, name) for name in placevec.__all__}
    assert found.pop("load_model").__module__ == "placevec"
    assert found == {
        name: getattr(importlib.import_module(home), name) for home in homes for name in homes[home]
    }


def test_tab_offers_the_public_names_and_type_checkers_know_them():
    assert {*placevec.__all__} <= {*dir(placevec)}
    assert [name for name in dir(placevec) if not name.startswith("_")] == sorted(placevec.__all__)
    source = Path(placevec.__file__)
    for name in placevec.__all__:
        assert re.search(rf"as {name}$|^def {name}\(", source.read_text(), re.MULTILINE), name
    assert (source.parent / "py.typed").is_file()


def test_the_wheel_holds_the_mark_of_types():
    project = tomllib.loads((Path(placevec.__file__).parents[1] / "pyproject.toml").read_text())
    assert "py.typed" in project["tool"]["setuptools"]["package-data"]["placevec"]


def test_a_saved_model_describes_photos_in_one_line(tmp_path):
    photos = keras.Input((None, None, 3), dtype="uint8")
    path = tmp_path / "m.keras"
    keras.Model(photos, GeM()(PixelScaling(scale=1 / 255)(photos))).save(path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 40, 60, 3), np.uint8)
    rows = placevec.load_model(path, image_size=(16, 24)).describe(pixels)
    again, _ = placevec.describe(keras.saving.load_model(path), list(pixels), image_size=(16, 24))
    np.testing.assert_allclose(rows, again, atol=1e-5)


def test_refuses_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'placevec' has no attribute 'trian'"):
        placevec.trian  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'trian'"):
        from placevec import trian  # noqa: F401


def test_the_version_is_that_of_the_package():
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "(.+)"$', pyproject, re.MULTILINE).group(1) == (
        placevec.__version__
    )
