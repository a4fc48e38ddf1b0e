import hashlib
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from placevec.config.choices import ENGINES
from placevec.config.networks import DEFAULT_NETWORK, NETWORKS
from placevec.images import read_image
from placevec.kinds import NETWORKS_FOLDER
from placevec.models import load_model, model_id, open_engine
from placevec.models.engines.check import check_photos
from placevec.models.features import with_features
from placevec.models.files.shipped import (
    PHOTOS_FOLDER,
    check_descriptors,
    describe_card,
    read_card,
    shipped_model,
    shipped_onnx,
)

pytestmark = pytest.mark.one_backend

ONNX_ENGINES = [name for name, row in ENGINES.items() if row.takes_onnx]
LARGEST = {"tiny": (350_000, 512, 1_400_000), "small": (1_500_000, 1024, 5_000_000)}


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=NETWORKS)
def name(request):
    return request.param


def test_all_files_together_are_small():
    files = [path for path in NETWORKS_FOLDER.rglob("*") if path.suffix in (".keras", ".onnx")]
    assert len(files) == 2 * len(NETWORKS)
    assert sum(path.stat().st_size for path in files) <= 5_000_000
    photos = list(PHOTOS_FOLDER.rglob("*.jpg"))
    assert len(photos) == 24
    assert sum(path.stat().st_size for path in photos) <= 600_000


def test_the_default_is_one_of_them():
    assert DEFAULT_NETWORK in NETWORKS


def test_the_card_says_what_the_files_are(name):
    path = shipped_model(name)
    card = read_card(path)
    for file, facts in card["files"].items():
        content = (path.parent / file).read_bytes()
        assert facts["bytes"] == len(content)
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
    most_parameters, most_dimensions, most_bytes = LARGEST[name]
    assert card["parameters"] <= most_parameters
    assert card["dimensions"] <= most_dimensions
    assert card["files"]["model.keras"]["bytes"] <= most_bytes


def test_the_card_names_the_license_of_each_source_and_weaknesses(name):
    card = read_card(shipped_model(name))
    text = (shipped_model(name).parent / "card.md").read_text(encoding="utf-8")
    assert text == describe_card(card)
    for source in card["sources"]:
        assert source["license"].split(",")[0] in ("Apache-2.0", "MIT")
        assert f"{source['what']}: {source['license']}" in text
    assert card["measured"] and card["weaknesses"]
    for facts in card["files"].values():
        assert facts["sha256"] in text


def test_the_facts_on_the_card_are_those_of_the_model(name):
    model = load_model(name)
    card = read_card(shipped_model(name))
    assert card["parameters"] == model.count_params()
    assert card["facts"] == {
        "image_size": list(model.get_layer("pixel_scaling").image_size),
        "fixed_size": list(model.input_shape[1:3]),
        "channels": 3,
        "descriptor_dim": model.output_shape[-1],
        "model_id": model_id(model),
    }


def test_matrices_are_exact_in_float16(name):
    for weight in load_model(name).weights:
        values = keras.ops.convert_to_numpy(weight)
        if values.ndim > 1:
            np.testing.assert_array_equal(values, values.astype(np.float16))


@pytest.mark.parametrize("engine", ONNX_ENGINES)
@pytest.mark.parametrize("size", [(240, 320), (97, 131)])
def test_the_onnx_form_equals_keras_on_photos(name, engine, size, own_cache):
    if missing := ENGINES[engine].missing(exporting=False):
        pytest.skip(f"{' and '.join(missing)} is not installed")
    paths = sorted(PHOTOS_FOLDER.rglob("*.jpg"))[::5]
    photos = np.stack([read_image(path, image_size=size) for path in paths])
    opened = open_engine(name, engine=engine, image_size=size, features=True)
    expected = with_features(load_model(name))(photos)
    for received, values in zip(opened.with_features(photos), expected, strict=True):
        values = keras.ops.convert_to_numpy(values)
        np.testing.assert_allclose(received, values, rtol=0, atol=1e-5)
    plain = open_engine(name, engine=engine, image_size=size)(photos)
    np.testing.assert_array_equal(plain, opened(photos))


def test_runs_in_int8(own_cache):
    if missing := ENGINES["openvino"].missing_quantizers():
        pytest.skip(f"{' and '.join(missing)} is not installed")
    photos = sorted(PHOTOS_FOLDER.rglob("*.jpg"))
    assert open_engine("tiny", precision="int8", calibration=photos).least_cosine > 0.85


def test_ships_what_keras_makes_of_check_photos(name):
    photos = check_photos((240, 320), 3)[:2]
    model = load_model(name)
    expected = keras.ops.convert_to_numpy(model(photos))
    received = check_descriptors(shipped_model(name), (240, 320))
    assert len(received) == 8
    np.testing.assert_allclose(received[:2], expected, rtol=0, atol=1e-5)
    assert check_descriptors(shipped_model(name), (100, 100)) is None


@pytest.mark.parametrize("features", [False, True])
def test_the_first_descriptor_needs_no_keras(tmp_path, features):
    if all(ENGINES[engine].missing(exporting=False) for engine in ONNX_ENGINES):
        pytest.skip("no engine that reads ONNX is installed")
    code = (
        "import sys\n"
        "import placevec.models.engines.accelerator as accelerator\n"
        "from placevec.models.files.shipped import PHOTOS_FOLDER\n"
        "accelerator._DEVICES = ()\n"
        "photos = sorted(PHOTOS_FOLDER.rglob('*.jpg'))[:2]\n"
        f"model = placevec.open_engine(features={features})\n"
        "print(model.describe(photos).shape, 'keras' in sys.modules)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", f"import placevec\n{code}"],
        env=os.environ | {"PLACEVEC_CACHE": str(tmp_path / "cache")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    dim = read_card(shipped_model(DEFAULT_NETWORK))["dimensions"]
    assert answer.stdout == f"(2, {dim}) False\n"


def test_other_models_have_no_card(tmp_path):
    path = tmp_path / "tiny" / "model.keras"
    assert read_card(path) is None
    assert shipped_onnx(path) is None
    assert check_descriptors(path, (240, 320)) is None
