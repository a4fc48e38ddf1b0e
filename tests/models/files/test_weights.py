import logging

import h5py
import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.layers import NetVLAD
from placevec.models import build_descriptor_model, load_weights
from placevec.models.files.weights import AGGREGATOR, read_weights

pytestmark = pytest.mark.one_backend


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def make_model(num_clusters=2, channels=3):
    """Returns a small network with each kind of layer that has weights."""
    photos = keras.Input((None, None, channels))
    x = keras.layers.Conv2D(4, 3, name="conv")(photos)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(x)
    return keras.Model(photos, NetVLAD(num_clusters, name=AGGREGATOR)(x))


def arrays_of(model, without=(AGGREGATOR,)):
    """Returns random arrays for each layer of a model: layer -> weight -> array."""
    rng = np.random.default_rng(0)
    return {
        layer.name: {
            weight.name: rng.normal(size=weight.shape).astype("float32") for weight in layer.weights
        }
        for layer in model.layers
        if layer.weights and layer.name not in without
    }


def write_npz(path, arrays, **options):
    flat = {f"{layer}/{name}": a for layer, each in arrays.items() for name, a in each.items()}
    (np.savez_compressed if options.get("compressed") else np.savez)(path, **flat)


def write_h5(path, arrays, *, group="", suffix=""):
    """Writes weights as Keras 2 did: a group a layer, in it the layer's scope, then `name:0`."""
    with h5py.File(path, "w") as file:
        for layer, weights in arrays.items():
            for name, array in weights.items():
                name = "depthwise_kernel" if layer == "depthwise" else name
                file[f"{group}/{layer}/{layer}{suffix}/{name}:0"] = array
        file.require_group(f"{group}/input_1")


def write_keras(path, arrays):
    model = make_model()
    for layer, weights in arrays.items():
        for weight in model.get_layer(layer).weights:
            weight.assign(weights[weight.name])
    model.save(path)


WRITERS = {
    "w.npz": write_npz,
    "packed.npz": lambda path, arrays: write_npz(path, arrays, compressed=True),
    "whole_model.h5": lambda path, arrays: write_h5(path, arrays, group="model_weights"),
    "weights_only.h5": write_h5,
    "renamed.h5": lambda path, arrays: write_h5(path, arrays, suffix="_1"),
    "w.keras": write_keras,
}


@pytest.fixture
def model():
    return make_model()


def assert_holds(model, arrays):
    for layer, weights in arrays.items():
        for weight in model.get_layer(layer).weights:
            np.testing.assert_array_equal(to_numpy(weight), weights[weight.name])


@pytest.mark.parametrize("name", WRITERS)
def test_loads_by_the_names_of_layers(model, tmp_path, name):
    arrays = arrays_of(model)
    WRITERS[name](tmp_path / name, arrays)
    loaded = load_weights(model, tmp_path / name)
    assert loaded - {AGGREGATOR} == {"conv", "norm", "depthwise"}
    assert_holds(model, arrays)


def test_the_aggregator_is_loaded_where_the_file_has_it(model, tmp_path):
    arrays = arrays_of(model, without=())
    write_npz(tmp_path / "w.npz", arrays)
    assert AGGREGATOR in load_weights(model, tmp_path / "w.npz")
    assert_holds(model, arrays)


def test_reads_the_layers_of_a_model_inside_a_model(tmp_path):
    inner = make_model()
    photos = keras.Input((None, None, 3))
    keras.Model(photos, inner(photos)).save(tmp_path / "outer.keras")
    arrays = read_weights(tmp_path / "outer.keras")
    assert set(arrays) == {"conv", "norm", "depthwise", AGGREGATOR}
    np.testing.assert_array_equal(arrays["conv"]["kernel"], to_numpy(inner.layers[1].kernel))


def test_layers_that_the_network_lacks_are_left_out(model, tmp_path, caplog):
    arrays = arrays_of(model) | {"later": {"kernel": np.zeros((2, 2))}}
    write_npz(tmp_path / "w.npz", arrays)
    with caplog.at_level(logging.INFO, "placevec"):
        assert load_weights(model, tmp_path / "w.npz") == {"conv", "norm", "depthwise"}
    assert "weights of 3 layers" in caplog.text
    assert "not used: 1" in caplog.text


def test_half_precision_weights_are_widened(model, tmp_path):
    arrays = arrays_of(model)
    write_npz(
        tmp_path / "w.npz",
        {
            layer: {name: array.astype("float16") for name, array in weights.items()}
            for layer, weights in arrays.items()
        },
    )
    load_weights(model, tmp_path / "w.npz")
    kernel = to_numpy(model.get_layer("conv").kernel)
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, arrays["conv"]["kernel"].astype("float16"))


def test_missing_layers_are_listed_and_refused(model, tmp_path):
    arrays = arrays_of(model, without=(AGGREGATOR, "norm", "depthwise"))
    write_npz(tmp_path / "w.npz", arrays)
    with pytest.raises(
        ValueError, match="2 of 4 layers are missing in .*: norm, depthwise. Allow it with"
    ):
        load_weights(model, tmp_path / "w.npz")


def test_missing_layers_stay_random_where_that_is_allowed(model, tmp_path, caplog):
    arrays = arrays_of(model, without=(AGGREGATOR, "depthwise"))
    write_npz(tmp_path / "w.npz", arrays)
    before = to_numpy(model.get_layer("depthwise").kernel).copy()
    with caplog.at_level(logging.WARNING, "placevec"):
        assert load_weights(model, tmp_path / "w.npz", allow_missing=True) == {"conv", "norm"}
    assert "these layers keep random weights: depthwise" in caplog.text
    assert_holds(model, arrays)
    np.testing.assert_array_equal(to_numpy(model.get_layer("depthwise").kernel), before)


def test_a_layer_of_which_one_weight_is_missing_is_missing(model, tmp_path):
    arrays = arrays_of(model)
    del arrays["norm"]["moving_mean"]
    write_npz(tmp_path / "w.npz", arrays)
    with pytest.raises(ValueError, match="1 of 4 layers is missing in .*: norm"):
        load_weights(model, tmp_path / "w.npz")


@pytest.mark.parametrize("allow_missing", [False, True])
def test_refuses_a_file_of_another_network(model, tmp_path, allow_missing):
    write_npz(tmp_path / "w.npz", {f"other{i}": {"kernel": np.zeros(2)} for i in range(7)})
    match = "none of the network's layers; it holds other0, other1, other2, other3, other4, ..."
    with pytest.raises(ValueError, match=match):
        load_weights(model, tmp_path / "w.npz", allow_missing=allow_missing)


def spoil_shape(arrays):
    arrays["depthwise"]["kernel"] = np.zeros((5, 5, 4, 1), "float32")


def spoil_number(arrays):
    arrays["depthwise"]["kernel"][0, 0, 0, 0] = np.nan


def spoil_kind(arrays):
    arrays["depthwise"]["kernel"] = arrays["depthwise"]["kernel"].astype(str)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (spoil_shape, r"must have shape \(3, 3, 4, 1\). Received: \(5, 5, 4, 1\) in .*w.npz"),
        (spoil_number, "`depthwise/kernel` must be finite numbers. Received: others in .*w.npz"),
        (spoil_kind, "`depthwise/kernel` must be finite numbers"),
    ],
)
def test_refuses_weights_that_do_not_fit_and_changes_nothing(model, tmp_path, spoil, match):
    arrays = arrays_of(model)
    spoil(arrays)
    write_npz(tmp_path / "w.npz", arrays)
    before = [to_numpy(weight).copy() for weight in model.weights]
    with pytest.raises(ValueError, match=match):
        load_weights(model, tmp_path / "w.npz", allow_missing=True)
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(to_numpy(weight), old)


def test_refuses_color_weights_for_a_gray_network(tmp_path):
    write_npz(tmp_path / "w.npz", arrays_of(make_model()))
    with pytest.raises(ValueError, match="`conv/kernel` must have shape"):
        load_weights(make_model(channels=1), tmp_path / "w.npz")


@pytest.mark.parametrize("name", ["w.npz", "packed.npz", "whole_model.h5", "w.keras"])
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_refuses_a_file_that_is_cut_off(model, tmp_path, name, share):
    path = tmp_path / name
    WRITERS[name](path, arrays_of(model))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
        read_weights(path)


@pytest.mark.parametrize("name", ["w.npz", "packed.npz", "w.keras"])
def test_refuses_a_file_that_is_damaged_inside(model, tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, arrays_of(model))
    data = bytearray(path.read_bytes())
    middle = data.index(b"PK\x03\x04") + 60
    data[middle : middle + 100] = bytes(100)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
        read_weights(path)


@pytest.mark.parametrize("name", ["w.npz", "w.h5", "w.keras"])
@pytest.mark.parametrize("content", [b"", b"no weights at all, but text\n" * 9])
def test_refuses_a_file_that_is_something_else(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} cannot be read as weights") as caught:
        read_weights(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_refuses_a_single_array_in_place_of_an_archive(tmp_path):
    with open(tmp_path / "w.npz", "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="cannot be read as weights"):
        read_weights(tmp_path / "w.npz")


class Bomb:
    exploded = False

    def __reduce__(self):
        return (setattr, (Bomb, "exploded", True))


def test_refuses_pickled_objects_without_running_them(tmp_path):
    np.savez(tmp_path / "w.npz", **{"conv/kernel": np.array([Bomb()], dtype=object)})
    with pytest.raises(ValueError, match="cannot be read as weights.*Received: Python objects"):
        read_weights(tmp_path / "w.npz")
    assert not Bomb.exploded


def test_refuses_a_model_file_that_brings_its_own_code(tmp_path):
    photos = keras.Input((2,))
    keras.Model(photos, keras.layers.Lambda(lambda x: x + 1)(photos)).save(tmp_path / "w.keras")
    with pytest.raises(ValueError, match="cannot be read as weights.*Lambda"):
        read_weights(tmp_path / "w.keras")


def test_refuses_a_file_without_weights(tmp_path):
    np.savez(tmp_path / "w.npz")
    h5py.File(tmp_path / "w.h5", "w").close()
    for name in ("w.npz", "w.h5"):
        with pytest.raises(ValueError, match=f"{name} holds no weights by layer name"):
            read_weights(tmp_path / name)


def test_refuses_a_missing_file_and_another_kind_of_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no weights file .*gone.npz"):
        read_weights(tmp_path / "gone.npz")
    with pytest.raises(FileNotFoundError, match="There is no weights file"):
        read_weights(tmp_path)
    (tmp_path / "w.pt").write_bytes(b"1")
    with pytest.raises(ValueError, match="must end in .npz, .h5, .keras. Received: w.pt"):
        read_weights(tmp_path / "w.pt")


REAL = {
    "mobilenetv2_imagenet_through_block13.npz": ("mobilenetv2", "block_9_add", "block_9_project"),
    "mobilenet_imagenet.npz": ("mobilenet", "conv_pw_7_relu", "conv_pw_7"),
    "vgg16_conv_hed.npz": ("vgg16", "block3_conv3", "block3_conv3"),
    "cartwheel/mobilenetv2_block9_k16_color_240x320.h5": (
        "mobilenetv2", "block_9_add", "block_9_project",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_weights_files_load_into_their_backbone(shared_data, name):
    path = shared_data("weights", *name.split("/"))
    backbone, cut_layer, last = REAL[name]
    model = build_descriptor_model(
        ModelConfig(backbone=backbone, cut_layer=cut_layer, num_clusters=2, weights=str(path))
    )
    stored = read_weights(path)
    for layer in model.layers:
        if layer.weights and layer.name != AGGREGATOR:
            for weight in layer.weights:
                expected = stored[layer.name][weight.name].astype("float32")
                np.testing.assert_array_equal(to_numpy(weight), expected)
    assert to_numpy(model.get_layer(last).kernel).std() > 0


def test_real_weights_that_end_before_the_cut_are_refused(shared_data):
    path = shared_data("weights", "mobilenetv2_imagenet_through_block13.npz")
    config = ModelConfig(cut_layer="block_14_add", num_clusters=2, weights=str(path))
    with pytest.raises(
        ValueError, match="layers are missing in .*: block_13_project_BN, block_14_expand"
    ):
        build_descriptor_model(config)
