import json

import h5py
import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.images import read_image
from placevec.models import build_descriptor_model, load_model

KINDS = {"gray": 1, "color": 3}


@pytest.fixture
def photos(shared_data):
    folder = shared_data("cambridge", "val", "images")
    return sorted(folder.glob("*.jpg"))[:3]


def old_graph(path):
    """Returns the frozen TensorFlow 1 graph as a function of scaled photos."""
    tf = pytest.importorskip("tensorflow").compat.v1
    definition = tf.GraphDef()
    definition.ParseFromString(path.read_bytes())
    placeholder = next(node for node in definition.node if node.op == "Placeholder")
    for axis in placeholder.attr["shape"].shape.dim[:3]:
        axis.size = -1
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")

    def run(photos):
        with tf.Session(graph=graph) as session:
            return session.run(f"{definition.node[-1].name}:0", {f"{placeholder.name}:0": photos})

    return run


def old_pixels(photos, channels):
    order = photos[..., ::-1] if channels == 3 else photos
    return order.astype("float32") * 2.0 / 255.0 - 1.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "size", [(480, 640), pytest.param((600, 960), marks=pytest.mark.one_backend)]
)
def test_describes_as_the_frozen_graph_does(shared_data, photos, kind, size):
    folder = shared_data("weights", "cartwheel")
    graph = old_graph(folder / f"mobilenetv2_block9_k16_{kind}_480x640.pb")
    model = load_model(folder / f"mobilenetv2_block9_k16_{kind}_240x320.h5")
    batch = np.stack([read_image(path, image_size=size, channels=KINDS[kind]) for path in photos])
    old = np.concatenate([graph(old_pixels(photo[None], KINDS[kind])) for photo in batch])
    new = keras.ops.convert_to_numpy(model.predict_on_batch(batch))
    np.testing.assert_allclose(new, old.reshape(new.shape), atol=1e-5)


@pytest.mark.one_backend
def test_starts_a_training_from_the_same_features(shared_data, photos):
    path = shared_data("weights", "cartwheel") / "mobilenetv2_block9_k16_color_240x320.h5"
    batch = np.stack([read_image(photo, image_size=(96, 128)) for photo in photos])
    start = build_descriptor_model(ModelConfig(weights=str(path)))
    features = []
    for model in (load_model(path), start):
        backbone = keras.Model(model.input, model.get_layer("block_9_add").output)
        features.append(keras.ops.convert_to_numpy(backbone(batch)))
    np.testing.assert_allclose(*features, atol=1e-5)


def test_takes_photos_of_odd_sizes(shared_data, photos):
    folder = shared_data("weights", "cartwheel")
    model = load_model(folder / "mobilenetv2_block9_k16_gray_240x320.h5")
    descriptors = [
        model.predict_on_batch(read_image(photos[0], image_size=size, channels=1)[None])
        for size in [(240, 320), (241, 319)]
    ]
    even, odd = (keras.ops.convert_to_numpy(each)[0] for each in descriptors)
    assert np.linalg.norm(odd) == pytest.approx(1.0, abs=1e-5)
    assert even @ odd > 0.8


def test_refuses_an_h5_of_another_kind(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["model_weights/dense/dense/kernel:0"] = np.zeros((2, 2))
        layers = [{"config": {"name": name}} for name in ("input", "dense")]
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers}})
    with pytest.raises(ValueError, match="must hold a MobileNet or MobileNetV2"):
        load_model(path)


def test_refuses_weights_without_a_model(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["Conv1/Conv1/kernel:0"] = np.zeros((3, 3, 3, 32))
    with pytest.raises(ValueError, match="weights without a model"):
        load_model(path)


def test_refuses_a_truncated_file(tmp_path):
    path = tmp_path / "cut.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(20))
    with pytest.raises(ValueError, match="cannot be read as weights"):
        load_model(path)
