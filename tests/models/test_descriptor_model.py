import contextlib
import resource

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.images import image_size_of
from placevec.layers import (
    MAC,
    ConvAP,
    GeM,
    GhostVLAD,
    MixVPR,
    NetVLAD,
    PixelScaling,
    SALADLike,
    SPoC,
    Whitening,
)
from placevec.models import (
    build_descriptor_model,
    holds_aggregator,
    holds_projection,
    load_model,
    model_id,
    save_model,
)
from placevec.models.files.weights import AGGREGATOR

pytestmark = pytest.mark.usefixtures("short_mobilenetv2")


def describe(model, photos):
    return keras.ops.convert_to_numpy(model.predict_on_batch(photos))


def small_model(*, channel_order="rgb", p=3.0):
    """Returns a descriptor model that is built in a moment, always with the same weights."""
    keras.utils.set_random_seed(1)
    photos = keras.Input((None, None, 3), dtype="uint8")
    x = PixelScaling(scale=1 / 255, channel_order=channel_order, name="pixels")(photos)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="conv")(x)
    return keras.Model(photos, GeM(p=p, name=AGGREGATOR)(x), name="descriptor")


@contextlib.contextmanager
def disk_full_after(num_bytes):
    """Lets no file grow beyond a size, so that writing fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


AGGREGATORS = {
    "netvlad": ({}, NetVLAD, 2 * 32),
    "ghostvlad": ({"num_ghost_clusters": 1}, GhostVLAD, 2 * 32),
    "gem": ({"aggregator": "gem"}, GeM, 32),
    "netvlad, projected": ({"projection_dim": 7}, Whitening, 7),
    "spoc": ({"aggregator": "spoc"}, SPoC, 32),
    "mac": ({"aggregator": "mac"}, MAC, 32),
    "conv_ap": ({"aggregator": "conv_ap", "aggregator_dim": 6}, ConvAP, 2 * 2 * 6),
    "mixvpr": ({"aggregator": "mixvpr", "aggregator_dim": 6}, MixVPR, 6 * 4),
    "salad": ({"aggregator": "salad", "aggregator_dim": 6}, SALADLike, 256 + 2 * 6),
}


@pytest.mark.parametrize("name", AGGREGATORS)
def test_turns_raw_photos_into_unit_descriptors(shallow_model, random_photos, name):
    settings, kind, descriptor_dim = AGGREGATORS[name]
    model = shallow_model(cut_layer="Conv1_relu", **settings)
    assert type(model.layers[-1]) is kind
    assert model.input.dtype == "uint8"
    descriptors = describe(model, random_photos(3))
    assert descriptors.dtype == np.float32
    assert descriptors.shape == (3, descriptor_dim) == (3, model.output_shape[1])
    np.testing.assert_allclose(np.linalg.norm(descriptors, axis=1), 1.0, atol=1e-5)


def test_a_photo_is_described_the_same_alone_and_among_others(shallow_model, random_photos):
    photos = random_photos(3)
    together = describe(shallow_model(), photos)
    np.testing.assert_allclose(describe(shallow_model(), photos[1:2]), together[1:2], atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3


def test_the_settings_reach_the_aggregator(shallow_model):
    layer = shallow_model(num_clusters=5, normalize_features=False).layers[-1]
    assert (layer.num_clusters, layer.normalize_inputs, layer.name) == (5, False, AGGREGATOR)
    assert shallow_model().layers[-1].normalize_inputs


@pytest.mark.parametrize(("name", "dim"), [("conv_ap", 512), ("mixvpr", 1024), ("salad", 128)])
def test_projects_to_the_papers_length_by_default(shallow_model, name, dim):
    assert shallow_model(aggregator=name).layers[-1].projected_dim == dim


def test_starts_from_the_weights_of_a_saved_model(shallow_model, random_photos, tmp_path):
    model = shallow_model()
    save_model(model, tmp_path / "m.keras")
    config = ModelConfig(cut_layer="block_2_add", num_clusters=2, weights=str(tmp_path / "m.keras"))
    photos = random_photos()
    np.testing.assert_allclose(
        describe(build_descriptor_model(config), photos), describe(model, photos), atol=1e-6
    )


def test_a_projection_need_not_be_in_the_weights(shallow_model, random_photos, tmp_path):
    """But where it is, it is taken."""
    plain, projected = shallow_model(), shallow_model(projection_dim=7)
    for model, held in ((plain, False), (projected, True)):
        save_model(model, tmp_path / "m.keras")
        config = ModelConfig(
            cut_layer="block_2_add", num_clusters=2, projection_dim=7,
            weights=str(tmp_path / "m.keras"),
        )  # fmt: skip
        built = build_descriptor_model(config)
        assert (holds_aggregator(config), holds_projection(config)) == (True, held)
        assert (
            np.allclose(*[each.layers[-1].get_weights()[1] for each in (built, projected)]) is held
        )
        same = [each.layers[-2].get_weights()[0] for each in (built, projected)]
        np.testing.assert_array_equal(*same)
    assert not holds_projection(ModelConfig(projection_dim=7))


def test_refuses_weights_that_are_not_there():
    with pytest.raises(FileNotFoundError, match="There is no weights file gone.npz"):
        build_descriptor_model(ModelConfig(cut_layer="Conv1", weights="gone.npz"))


def test_xla_is_kept_away_from_everything_but_jax(shallow_model):
    assert shallow_model().jit_compile == (keras.backend.backend() == "jax")


@pytest.mark.parametrize("name", AGGREGATORS)
def test_a_saved_model_loads_in_safe_mode_and_describes_the_same(
    shallow_model, random_photos, tmp_path, name
):
    model = shallow_model(cut_layer="Conv1_relu", **AGGREGATORS[name][0])
    save_model(model, tmp_path / "m.keras")
    expected = describe(model, random_photos())
    for load in (load_model, keras.saving.load_model):
        loaded = load(tmp_path / "m.keras")
        np.testing.assert_allclose(describe(loaded, random_photos()), expected, atol=1e-6)
    assert model_id(load_model(tmp_path / "m.keras")) == model_id(model)


def test_a_linear_cut_survives_saving(random_photos, tmp_path):
    config = ModelConfig("vgg16", "block1_conv1", linear_cut=True, num_clusters=2)
    model = build_descriptor_model(config)
    save_model(model, tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    assert loaded.get_layer("block1_conv1").activation is keras.activations.linear
    photos = random_photos()
    np.testing.assert_allclose(describe(loaded, photos), describe(model, photos), atol=1e-6)


def test_saving_leaves_the_one_file_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "m.keras"
    save_model(small_model(p=1.0), path)
    save_model(small_model(p=4.0), path)
    assert load_model(path).layers[-1].p == 4.0
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_older_model(tmp_path):
    path = tmp_path / "m.keras"
    save_model(small_model(), path)
    old = path.read_bytes()
    with disk_full_after(len(old) // 2), pytest.raises(OSError, match="m.keras could not be saved"):
        save_model(small_model(p=4.0), path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_refuses_to_save_where_that_is_impossible(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder .*gone for m.keras"):
        save_model(small_model(), tmp_path / "gone" / "m.keras")
    with pytest.raises(ValueError, match="must end in .keras. Received: .*m.h5"):
        save_model(small_model(), tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="folder.keras is a folder. Name a file"):
        save_model(small_model(), tmp_path / "folder.keras")


def test_refuses_a_model_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no model .*m.keras"):
        load_model(tmp_path / "m.keras")
    with pytest.raises(FileNotFoundError, match="is a folder. Name a .keras file"):
        load_model(tmp_path)
    (tmp_path / "model.keras").touch()
    with pytest.raises(
        ValueError, match="is the folder of a training.* Its model is .*model.keras"
    ):
        load_model(tmp_path)


def test_refuses_a_file_of_another_kind(tmp_path):
    (tmp_path / "m.pb").write_bytes(b"graph")
    with pytest.raises(ValueError, match="must end in .keras or .h5. Received: .*m.pb"):
        load_model(tmp_path / "m.pb")


@pytest.mark.parametrize("content", [b"", b"some text\n" * 50, b"PK\x03\x04" + bytes(90)])
def test_refuses_a_damaged_file_in_one_line(tmp_path, content):
    (tmp_path / "m.keras").write_bytes(content)
    with pytest.raises(ValueError, match="m.keras cannot be loaded as a model") as caught:
        load_model(tmp_path / "m.keras")
    assert "\n" not in str(caught.value)


def test_refuses_a_file_that_is_cut_off(tmp_path):
    path = tmp_path / "m.keras"
    save_model(small_model(), path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match="m.keras cannot be loaded as a model"):
        load_model(path)


def test_refuses_a_model_that_brings_its_own_code(tmp_path):
    photos = keras.Input((None, None, 3))
    output = keras.layers.Lambda(lambda x: x[:, 0, 0])(photos)
    keras.Model(photos, output).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="cannot be loaded as a model.*Lambda") as caught:
        load_model(tmp_path / "m.keras")
    assert "\n" not in str(caught.value)


def two_inputs():
    photos = [keras.Input((None, None, 3)) for _ in range(2)]
    return keras.Model(photos, keras.layers.GlobalAveragePooling2D()(photos[0] + photos[1]))


def feature_grid():
    photos = keras.Input((None, None, 3))
    return keras.Model(photos, keras.layers.Conv2D(2, 1)(photos))


def tuples():
    photos = keras.Input((13, None, None, 3))
    return keras.Model(photos, keras.layers.GlobalAveragePooling3D()(photos))


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (two_inputs, r"inputs \[\(None, None, None, 3\), \(None, None, None, 3\)\]"),
        (feature_grid, r"outputs \[\(None, None, None, 2\)\]"),
        (tuples, r"inputs \[\(None, 13, None, None, 3\)\]"),
        pytest.param(
            lambda: keras.Sequential([keras.layers.Dense(2)]),
            r"inputs \[\], outputs \[\]",
            marks=pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been"),
        ),
    ],
)
def test_refuses_a_model_that_does_not_describe_photos(tmp_path, make, received):
    make().save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=f"must take photos .* Received: .*{received}"):
        load_model(tmp_path / "m.keras")


def test_the_id_names_the_weights():
    model = small_model()
    assert len(model_id(model)) == 16
    assert int(model_id(model), 16) >= 0
    assert model_id(small_model()) == model_id(model)
    kernel = model.get_layer("conv").kernel
    changed = keras.ops.convert_to_numpy(kernel).copy()
    changed[0, 0, 0, 0] += 1e-6
    kernel.assign(changed)
    assert model_id(small_model()) != model_id(model)


def test_the_id_names_what_no_weight_tells():
    assert model_id(small_model(channel_order="bgr")) != model_id(small_model())
    linear = small_model()
    linear.get_layer("conv").activation = keras.activations.linear
    assert model_id(linear) != model_id(small_model())


def test_the_size_of_the_training_is_kept_and_does_not_change_the_id(tmp_path):
    config = ModelConfig(cut_layer="Conv1", num_clusters=2)
    keras.utils.set_random_seed(0)
    known = build_descriptor_model(config, (48, 64))
    keras.utils.set_random_seed(0)
    unknown = build_descriptor_model(config)
    assert model_id(known) == model_id(unknown)
    save_model(known, tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    assert loaded.inputs[0].name == "photos"
    assert image_size_of(loaded, usual=(1, 1)) == (48, 64)
    assert image_size_of(unknown, usual=(1, 1)) == (1, 1)


def test_freezing_layers_does_not_change_the_id():
    frozen = small_model()
    frozen.get_layer("conv").trainable = False
    assert model_id(frozen) == model_id(small_model())
