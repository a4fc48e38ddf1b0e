import keras
import numpy as np
import pytest

from placevec.config import ModelConfig
from placevec.config.choices import LOSSES
from placevec.models import build_descriptor_model
from placevec.training.step.tuple_model import (
    descriptor_of,
    load_tuple_model,
    make_tuple_model,
    steps_of,
)


@pytest.fixture
def model(small_config):
    keras.utils.set_random_seed(0)
    return build_descriptor_model(small_config().model)


def test_describes_each_photo_of_a_tuple(model, small_config):
    tuple_model = make_tuple_model(model, small_config())
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    tuples = keras.ops.convert_to_numpy(tuple_model(photos))
    assert tuples.shape == (2, 4, 4 * 32)
    for photo, descriptor in zip(photos.reshape(-1, 32, 48, 3), tuples.reshape(8, -1), strict=True):
        single = keras.ops.convert_to_numpy(model(photo[None]))[0]
        np.testing.assert_allclose(descriptor, single, atol=1e-5)


def test_freezes_what_comes_before_the_named_layer(model, small_config):
    make_tuple_model(model, small_config(train_from_layer="bn_Conv1"))
    names = [layer.name for layer in model.layers]
    first = names.index("bn_Conv1")
    assert not any(layer.trainable for layer in model.layers[:first])
    assert all(layer.trainable for layer in model.layers[first:])


def test_freezes_batch_normalization(model, small_config):
    tuple_model = make_tuple_model(model, small_config(freeze_batch_norm=True))
    norm = model.get_layer("bn_Conv1")
    before = keras.ops.convert_to_numpy(norm.moving_mean)
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    tuple_model.train_on_batch(photos, np.zeros((2, 4, 2)))
    np.testing.assert_array_equal(before, keras.ops.convert_to_numpy(norm.moving_mean))
    assert not norm.trainable


def test_trains_batch_normalization_otherwise(model, small_config):
    tuple_model = make_tuple_model(model, small_config())
    norm = model.get_layer("bn_Conv1")
    before = keras.ops.convert_to_numpy(norm.moving_mean)
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    tuple_model.train_on_batch(photos, np.zeros((2, 4, 2)))
    assert not np.array_equal(before, keras.ops.convert_to_numpy(norm.moving_mean))


@pytest.mark.parametrize("loss", LOSSES)
def test_takes_a_step_with_every_loss(model, small_config, loss):
    tuple_model = make_tuple_model(model, small_config(loss=loss))
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    positions_m = np.float32(
        [[[0, 0], [5, 0], [90, 0], [0, 90]], [[500, 0], [505, 0]] + [[900, 0]] * 2]
    )
    before = [keras.ops.convert_to_numpy(each) for each in model.trainable_variables]
    assert tuple_model.train_on_batch(photos, positions_m) > 0
    after = [keras.ops.convert_to_numpy(each) for each in model.trainable_variables]
    assert all(np.isfinite(each).all() for each in after)
    assert any((new != old).any() for new, old in zip(after, before, strict=True))


@pytest.mark.parametrize("loss", ["allpair_hinge", "triplet_ranking"])
def test_takes_the_losses_own_margin_unless_told(model, small_config, loss):
    usual = make_tuple_model(model, small_config(loss=loss)).loss.margin
    assert usual == {"allpair_hinge": 0.3, "triplet_ranking": 0.1}[loss]
    assert make_tuple_model(model, small_config(loss=loss, margin=0.7)).loss.margin == 0.7


@pytest.mark.parametrize("name", ["info_nce", "multi_similarity", "circle", "batch_allpair_hinge"])
def test_tells_losses_over_the_batch_the_radius_of_negatives(model, small_config, name):
    config = small_config(loss=name, num_negatives=0, negative_radius_m=40.0)
    assert make_tuple_model(model, config).loss.negative_radius_m == 40.0


def test_other_tuples_photos_that_may_share_a_view_are_no_negatives(model, small_config):
    config = small_config(
        loss="info_nce", num_negatives=0, positive_rule="view_overlap", view_depth_m=35.0
    )
    assert make_tuple_model(model, config).loss.negative_radius_m == 70.0


def test_takes_the_temperature_that_is_told(model, small_config):
    assert make_tuple_model(model, small_config(loss="info_nce")).loss.temperature == 0.05
    told = small_config(loss="info_nce", temperature=0.2)
    assert make_tuple_model(model, told).loss.temperature == 0.2


def test_refuses_a_layer_that_is_not_there(model, small_config):
    with pytest.raises(ValueError, match="train_from_layer"):
        make_tuple_model(model, small_config(train_from_layer="block_99"))


def test_gives_the_descriptor_model_back(model, small_config):
    assert descriptor_of(make_tuple_model(model, small_config())) is model


def test_trains_gray_photos(small_config):
    config = small_config(model=ModelConfig(cut_layer="Conv1_relu", num_clusters=4, channels=1))
    tuple_model = make_tuple_model(build_descriptor_model(config.model), config)
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 1), np.uint8)
    assert np.isfinite(tuple_model.train_on_batch(photos, np.zeros((2, 4, 2))))


def test_counts_training_steps_alone(model, small_config):
    tuple_model = make_tuple_model(model, small_config())
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    for _ in range(3):
        tuple_model.train_on_batch(photos, np.zeros((2, 4, 2)))
    tuple_model.test_on_batch(photos, np.zeros((2, 4, 2)))
    tuple_model.predict_on_batch(photos)
    assert steps_of(tuple_model) == 3


def test_augments_inside_the_step_where_told_and_only_where_it_trains(small_config):
    """The same weights: the descriptors are equal, the first loss is not."""
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    outputs, losses = [], []
    for device_augmentation in (False, True, True):
        keras.utils.set_random_seed(0)
        config = small_config(device_augmentation=device_augmentation, freeze_batch_norm=True)
        tuple_model = make_tuple_model(build_descriptor_model(config.model), config)
        outputs.append(keras.ops.convert_to_numpy(tuple_model(photos, training=False)))
        losses.append(float(tuple_model.train_on_batch(photos, np.zeros((2, 4, 2)))))
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-6)
    assert abs(losses[1] - losses[0]) > 1e-4
    np.testing.assert_allclose(losses[2], losses[1], rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others trace it once anyway")
def test_a_step_is_traced_once(model, small_config):
    tuple_model = make_tuple_model(model, small_config())
    calls = []
    step = tuple_model.train_step

    def counted(*arguments, **more):
        calls.append(arguments)
        return step(*arguments, **more)

    tuple_model.train_step = counted
    shape = tuple_model.input_shape[1:]
    photos = np.zeros((2, *shape), np.uint8)
    wanted = np.zeros((2, shape[0], 2), np.float32)
    tuple_model.train_on_batch(photos, wanted)
    assert len(calls) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(90), b"text"])
def test_refuses_a_damaged_checkpoint_in_one_line(tmp_path, content):
    path = tmp_path / "checkpoint.keras"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match="cannot be loaded as a checkpoint.*`--overwrite`"
    ) as caught:
        load_tuple_model(path)
    assert "\n" not in str(caught.value)


def test_refuses_a_model_that_is_no_checkpoint(tmp_path):
    photos = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(photos)
    keras.Model(photos, pooled).save(tmp_path / "checkpoint.keras")
    with pytest.raises(ValueError, match="cannot be loaded as a checkpoint .*descriptor"):
        load_tuple_model(tmp_path / "checkpoint.keras")
