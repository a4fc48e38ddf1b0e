import json
import logging

import h5py
import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.images import image_size_of, read_image
from placevec.models import build_descriptor_model, holds_aggregator, load_model

KINDS = {"gray": 1, "color": 3}


@pytest.fixture(autouse=True)
def quick(request):
    """Cuts the network short, unless a test reads the real weights of all of it."""
    if "shared_data" not in request.fixturenames:
        request.getfixturevalue("short_mobilenetv2")


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


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("color", (480, 640)),
        pytest.param("gray", (600, 960), marks=pytest.mark.one_backend),
        pytest.param("gray", (480, 640), marks=pytest.mark.slow),
        pytest.param("color", (600, 960), marks=pytest.mark.slow),
    ],
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


@pytest.mark.one_backend
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


BLOCKS = ("Conv1", "bn_Conv1", "Conv1_relu", "net_vlad")


def write_old(path, changes=(), layers=BLOCKS, **attributes):
    """Writes what the old scripts wrote, of a network that ends behind its first layer."""
    rng = np.random.default_rng(0)
    arrays = {
        "Conv1/kernel": rng.normal(size=(3, 3, 3, 32)),
        "bn_Conv1/gamma": np.ones(32),
        "bn_Conv1/beta": rng.normal(size=32),
        "bn_Conv1/moving_mean": rng.normal(size=32),
        "bn_Conv1/moving_variance": np.ones(32),
        "net_vlad/kernel": rng.normal(size=(1, 1, 32, 4)),
        "net_vlad/bias": rng.normal(size=4),
        "net_vlad/cluster_centers": rng.normal(size=(1, 1, 1, 32, 4)),
    } | dict(changes)
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            layer, _, weight = name.partition("/")
            if array is not None:
                file[f"model_weights/{layer}/{layer}/{weight}:0"] = array
        names = [{"config": {"name": name}} for name in layers]
        file.attrs["model_config"] = json.dumps({"config": {"layers": names}})
        file.attrs.update(attributes)
    return arrays


OLD = {"cut_layer": "Conv1_relu", "num_clusters": 4}


def test_the_trained_clusters_are_taken_and_nothing_else_is_said(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    arrays = write_old(tmp_path / "old.h5")
    aggregator = load_model(tmp_path / "old.h5").get_layer("aggregator")
    kernel, bias, centers = (
        keras.ops.convert_to_numpy(each)
        for each in (aggregator.kernel, aggregator.bias, aggregator.centers)
    )
    np.testing.assert_allclose(kernel, arrays["net_vlad/kernel"][0, 0], rtol=1e-6)
    np.testing.assert_allclose(bias, arrays["net_vlad/bias"], rtol=1e-6)
    np.testing.assert_allclose(-centers.T, arrays["net_vlad/cluster_centers"][0, 0, 0], rtol=1e-6)
    assert "weights of 3 layers" in caplog.text
    assert "aggregator" not in caplog.text and "left out" not in caplog.text


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ([None, 48, 64, 3], (48, 64)),
        ([None, None, None, 3], (1, 1)),
        ([None, "48", 64, 3], (1, 1)),
        ([48, 64], (1, 1)),
        (3, (1, 1)),
    ],
)
def test_the_size_of_the_training_is_that_of_the_old_input(tmp_path, shape, size):
    layers = [{"config": {"name": name, "batch_input_shape": shape}} for name in BLOCKS]
    config = json.dumps({"config": {"layers": layers}})
    write_old(tmp_path / "old.h5", model_config=config)
    assert image_size_of(load_model(tmp_path / "old.h5"), usual=(1, 1)) == size


def test_a_training_starts_new_clusters_and_says_how_to_keep_the_old(tmp_path, caplog):
    write_old(tmp_path / "old.h5")
    config = ModelConfig(weights=str(tmp_path / "old.h5"), **OLD)
    build_descriptor_model(config)
    assert not holds_aggregator(config)
    assert "the trained clusters of " in caplog.text
    assert "new ones start from your photos; `--model.keep-old-clusters` keeps them" in caplog.text


def test_a_training_keeps_the_old_clusters_where_told(tmp_path):
    write_old(tmp_path / "old.h5")
    config = ModelConfig(
        weights=str(tmp_path / "old.h5"), keep_old_clusters=True, normalize_features=False, **OLD
    )
    assert holds_aggregator(config)
    photos = np.random.default_rng(0).integers(0, 256, (2, 40, 48, 3), np.uint8)
    kept, loaded = (
        keras.ops.convert_to_numpy(model.predict_on_batch(photos))
        for model in (build_descriptor_model(config), load_model(tmp_path / "old.h5"))
    )
    np.testing.assert_allclose(kept, loaded, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"normalize_features": True}, "`keep_old_clusters` needs `normalize_features` false"),
        ({"assignment_bias": False}, "`assignment_bias` must be true with `keep_old_clusters`"),
        (
            {"aggregator": "gem", "num_clusters": 16},
            "only applies to netvlad, not to gem",
        ),
        ({"num_clusters": 5}, r"`aggregator/kernel` must have shape \(32, 5\)"),
        ({"weights": "w.npz"}, "must be an .h5 file of the cartwheel scripts"),
    ],
)
def test_refuses_to_keep_clusters_that_do_not_fit(tmp_path, monkeypatch, settings, match):
    monkeypatch.chdir(tmp_path)
    write_old(tmp_path / "old.h5")
    np.savez("w.npz", **{"Conv1/kernel": np.zeros(2)})
    given = {"weights": "old.h5", "keep_old_clusters": True, "normalize_features": False, **OLD}
    if settings.get("aggregator"):
        given.pop("normalize_features")
    with pytest.raises(ValueError, match=match):
        build_descriptor_model(ModelConfig(**given | settings))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"net_vlad/kernel": None}, "cannot be read as weights"),
        ({"net_vlad/kernel": np.float32(3)}, "cannot be read as weights"),
        ({"net_vlad/bias": np.zeros(5)}, "cannot be read as weights"),
        ({"net_vlad/cluster_centers": np.zeros((2, 2))}, "cannot be read as weights"),
        ({"net_vlad/bias": np.full(4, np.nan)}, "`aggregator/bias` must be finite numbers"),
        ({"net_vlad/cluster_centers": np.full((1, 1, 1, 32, 4), np.inf)}, "must be finite numbers"),
        ({"bn_Conv1/gamma": np.full(32, np.nan)}, "must be finite numbers"),
        ({"Conv1/kernel": np.zeros((3, 3, 7, 32))}, "must hold a MobileNet"),
        ({"Conv1/kernel": np.zeros(3)}, "must hold a MobileNet"),
        ({"Conv1/kernel": None}, "must hold a MobileNet"),
    ],
)
def test_refuses_odd_arrays_in_one_line(tmp_path, changes, match):
    write_old(tmp_path / "old.h5", changes)
    with pytest.raises(ValueError, match=match):
        load_model(tmp_path / "old.h5")


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ("[" * 60_000, "must nest at most 100 levels"),
        ('{"config": ' * 5_000 + "1" + "}" * 5_000, "must nest at most 100 levels"),
        ("{", "must be JSON"),
        ("[]", "weights without a model"),
        ("3", "weights without a model"),
        ('{"config": [1]}', "weights without a model"),
        ('{"config": {"layers": 3}}', "weights without a model"),
        ('{"config": {"layers": [3, 4]}}', "weights without a model"),
        (np.arange(3), "weights without a model"),
        (
            '{"config": {"layers": [{"config": {"name": [1]}}, {"config": {"name": {}}}]}}',
            "has no layer",
        ),
    ],
)
def test_refuses_odd_settings_in_one_line(tmp_path, config, match):
    write_old(tmp_path / "old.h5", model_config=config)
    with pytest.raises(ValueError, match=match) as caught:
        load_model(tmp_path / "old.h5")
    assert "\n" not in str(caught.value)


def test_refuses_an_h5_that_leads_to_other_files(tmp_path):
    write_old(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "a") as file:
        file["model_weights/more"] = h5py.ExternalLink("/etc/hostname", "/x")
    with pytest.raises(ValueError, match="cannot be read as weights .*more in it is a link to /x"):
        load_model(tmp_path / "old.h5")


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
