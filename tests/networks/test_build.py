import dataclasses

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig, TownRenderConfig
from placevec.config.networks import NETWORKS
from placevec.kinds import MODEL_FILE
from placevec.models import build_descriptor_model, load_model
from placevec.models.files.shipped import CHECK_FILE, ONNX_FILE
from placevec.networks import build as room
from placevec.networks.build import build, round_matrices, write_again

SHORT_TOWN = TownRenderConfig(
    image_size=(32, 48), num_streets=1, num_validation_streets=1, places_per_street=12,
    points=False, num_workers=1,
)  # fmt: skip


def test_the_same_weights_make_the_same_bytes(tmp_path, monkeypatch, short_mobilenetv2):
    pytest.importorskip("onnx")
    short = dataclasses.replace(NETWORKS["tiny"], cut_layer="block_1_project_BN", num_clusters=2)
    monkeypatch.setitem(NETWORKS, "tiny", short)
    monkeypatch.setattr(room, "NETWORK_WHITEN_RANK", 4)
    network = build_descriptor_model(short)
    arrays = {
        f"{layer.name}/{weight.name}": keras.ops.convert_to_numpy(weight)
        for layer in network.layers
        for weight in layer.weights
    }
    np.savez(tmp_path / "weights.npz", **arrays)
    homes = [
        build("tiny", tmp_path / "weights.npz", out=tmp_path / name, town=SHORT_TOWN)
        for name in ("a", "b")
    ]
    files = {path.name for path in homes[0].iterdir()}
    assert files == {MODEL_FILE, ONNX_FILE, CHECK_FILE, "card.json", "card.md"}
    for file in files:
        assert (homes[0] / file).read_bytes() == (homes[1] / file).read_bytes(), file
    for file in (ONNX_FILE, "card.json", "card.md"):
        (homes[0] / file).write_bytes((homes[0] / file).read_bytes() + b" ")
    assert write_again("tiny", out=homes[0].parent) == homes[0]
    for file in files:
        assert (homes[0] / file).read_bytes() == (homes[1] / file).read_bytes(), file
    model = load_model(homes[0] / MODEL_FILE)
    kernel = keras.ops.convert_to_numpy(model.get_layer("Conv1").kernel)
    np.testing.assert_array_equal(kernel, arrays["Conv1/kernel"].astype(np.float16))
    assert model.layers[-1].directions.shape == (48, 4)


def test_matrices_are_rounded_and_vectors_are_not():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=4).astype("float32")
    model.set_weights([kernel, bias])
    round_matrices(model)
    received = model.get_weights()
    np.testing.assert_array_equal(received[0], kernel.astype(np.float16))
    np.testing.assert_array_equal(received[1], bias)


def test_refuses_a_name_that_does_not_ship(tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(
        ValueError, match="one of tiny, small. Received: name='tinny'. Did you mean"
    ):
        build("tinny", out=tmp_path)


def test_the_shipped_networks_start_from_given_weights_only():
    assert all(
        isinstance(each, ModelConfig) and each.weights == "none" for each in NETWORKS.values()
    )
