"""Those of Keras are held to their plain forms in `test_backbones.py`; here are KerasHub's."""

import sys

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.config.choices import BACKBONES
from placevec.models import build_descriptor_model, load_model, save_model
from placevec.models.backbones.backbones import pixel_scaling


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_resnet18_of_keras_hub_is_read_without_it(random_photos, tmp_path, monkeypatch):
    keras_hub = pytest.importorskip("keras_hub")
    name, cut_layer = "resnet18", "stack2_block1_out"
    made = []

    class Spy(keras_hub.models.ResNetBackbone):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            made.append(self)

    monkeypatch.setattr(keras_hub.models, "ResNetBackbone", Spy)
    assert BACKBONES[name].cut_layer == cut_layer
    model = build_descriptor_model(ModelConfig(name, cut_layer, aggregator="spoc"))
    photos = random_photos(1, 64, 96)
    received = to_numpy(keras.Model(model.input, model.layers[-1].input)(photos))
    assert received.shape == (1, 4, 6, 256)
    plain = keras.Model(made[0].input, made[0].get_layer(cut_layer).output)
    expected = to_numpy(plain(to_numpy(pixel_scaling(name, 3)(photos))))
    np.testing.assert_allclose(received, expected, atol=1e-4 * np.abs(expected).max())
    save_model(model, tmp_path / "m.keras")
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    np.testing.assert_allclose(
        to_numpy(load_model(tmp_path / "m.keras")(photos)), to_numpy(model(photos)), atol=1e-6
    )


def test_says_how_to_install_keras_hub(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match="^resnet18 needs KerasHub.*pip install 'placevec.dinov2"):
        build_descriptor_model(ModelConfig("resnet18", BACKBONES["resnet18"].cut_layer))
