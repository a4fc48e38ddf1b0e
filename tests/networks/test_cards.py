import hashlib
import json

import keras

from placevec.config import ModelConfig
from placevec.models import build_descriptor_model, model_id
from placevec.networks.cards import write_card


def test_the_card_is_of_the_files_beside_it(tmp_path):
    model = build_descriptor_model(
        ModelConfig(cut_layer="block_1_project_BN", num_clusters=2), (32, 48)
    )
    (tmp_path / "model.keras").write_bytes(b"model")
    (tmp_path / "model.onnx").write_bytes(b"other")
    write_card("tiny", model, tmp_path, weights_sha256="abc")
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["files"]["model.keras"] == {
        "bytes": 5, "sha256": hashlib.sha256(b"model").hexdigest()
    }  # fmt: skip
    assert card["facts"]["model_id"] == model_id(model)
    assert card["facts"]["image_size"] == [32, 48]
    assert card["parameters"] == sum(keras.ops.size(each) for each in model.weights)
    assert "abc" in (tmp_path / "card.md").read_text()
