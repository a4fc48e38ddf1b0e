import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from placevec.models import load_model

pytestmark = pytest.mark.one_backend


@pytest.fixture(scope="module")
def model():
    photos = keras.Input((None, None, 3), dtype="uint8")
    return keras.Model(
        photos, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1)(photos))
    )


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "m.keras"
    model.save(path)
    return path


@pytest.fixture
def changed(whole, tmp_path):
    """Returns a function that writes the model with other members, and returns its path."""

    def write(changes, **options):
        path = tmp_path / "m.keras"
        with zipfile.ZipFile(whole) as before, zipfile.ZipFile(path, "w", **options) as after:
            members = {name: before.read(name) for name in before.namelist()} | changes
            for name, data in members.items():
                if data is not None:
                    after.writestr(name, data)
        return path

    return write


def weights_with(whole, fill):
    with zipfile.ZipFile(whole) as archive:
        file = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(file, "r+") as weights:
        fill(weights)
    return file.getvalue()


def external_link(weights):
    weights["more"] = h5py.ExternalLink("/etc/hostname", "/x")


def external_storage(weights):
    weights.create_dataset("x", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def shape_bomb(weights):
    weights.create_dataset("x", (2**40,), "f4", chunks=(2**10,))


def nan(weights):
    name = next(name for name in weights["layers"] if name.startswith("conv"))
    weights[f"layers/{name}/vars/0"][0] = np.nan


def infinity(weights):
    name = next(name for name in weights["layers"] if name.startswith("conv"))
    weights[f"layers/{name}/vars/1"][0] = -np.inf


@pytest.mark.parametrize(
    ("fill", "match"),
    [
        (external_link, "more in it is a link"),
        (external_storage, "are in another file"),
        (shape_bomb, "its arrays must have at most"),
        (nan, "weights must be finite. Received: NaN or infinity in conv.*/kernel"),
        (infinity, "weights must be finite. Received: NaN or infinity in conv.*/bias"),
    ],
)
def test_refuses_weights_that_are_not_safe_or_not_finite(whole, changed, fill, match):
    path = changed({"model.weights.h5": weights_with(whole, fill)})
    with pytest.raises(ValueError, match=f"m.keras cannot be loaded as a model .*{match}"):
        load_model(path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"config.json": "[" * 100_000}, "config.json must nest at most 100 levels"),
        ({"config.json": None}, "it must hold config.json"),
        ({"model.weights.h5": None}, "it must hold .*model.weights.h5"),
        ({"../planted.txt": "x"}, "its name leads out of the archive"),
        ({"config.json": "[]"}, ""),
        ({"config.json": "{}"}, ""),
        ({"config.json": "3"}, ""),
    ],
)
def test_refuses_an_archive_that_is_not_a_model(changed, changes, match):
    with pytest.raises(
        ValueError, match=f"m.keras cannot be loaded as a model .*{match}"
    ) as caught:
        load_model(changed(changes))
    assert "\n" not in str(caught.value)


def test_refuses_a_bomb(changed):
    path = changed({"assets/x": bytes(2**24 + 1)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="assets/x in it is refused: it unpacks from"):
        load_model(path)


def test_a_packed_model_loads(model, changed):
    loaded = load_model(changed({}, compression=zipfile.ZIP_DEFLATED))
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


def with_layer(whole, **layer):
    with zipfile.ZipFile(whole) as archive:
        config = json.loads(archive.read("config.json"))
    config["config"]["layers"][1] |= layer
    return json.dumps(config)


def test_refuses_classes_that_are_no_layers(whole, changed):
    config = with_layer(whole, module="os", class_name="system")
    with pytest.raises(ValueError, match="m.keras cannot be loaded as a model"):
        load_model(changed({"config.json": config}))


def test_refuses_settings_that_declare_more_weights_than_the_file_holds(whole, changed):
    """A billion filters would fill the memory before the first weight is read."""
    with zipfile.ZipFile(whole) as archive:
        config = json.loads(archive.read("config.json"))
    config["config"]["layers"][1]["config"]["filters"] = 10**9
    match = "must fit the 8 weights in it. Received: settings for 4,000,000,000"
    with pytest.raises(ValueError, match=match):
        load_model(changed({"config.json": json.dumps(config)}))
    keras.layers.Dense(1)(np.zeros((1, 1)))  # nothing is left to be filled
