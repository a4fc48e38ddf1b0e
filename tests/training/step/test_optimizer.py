import keras
import numpy as np
import pytest

from placevec.config import OptimizerConfig
from placevec.models import build_descriptor_model
from placevec.training.step.optimizer import averaged_weights, make_optimizer, step_size
from placevec.training.step.tuple_model import load_tuple_model, make_tuple_model


def numbers(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def train_once(tuple_model, seed=0):
    photos = np.random.default_rng(seed).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    return tuple_model.train_on_batch(photos, np.zeros((2, 4, 2)))


def optimizer_of(*, steps_per_epoch=3, epochs=2, **settings):
    return make_optimizer(
        OptimizerConfig(**settings),
        learning_rate=0.1,
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
    )


@pytest.fixture
def make(small_config):
    def made(**changes):
        keras.utils.set_random_seed(0)
        config = small_config(learning_rate=0.1, optimizer="sgd", **changes)
        return make_tuple_model(build_descriptor_model(config.model), config), config

    return made


def parts(tuple_model):
    model = tuple_model.get_layer("descriptor")
    return numbers(model.get_layer("Conv1").kernel), numbers(model.get_layer("aggregator").centers)


def test_step_size_rises_then_falls_along_a_cosine():
    optimizer = optimizer_of(warmup_steps=2, cosine_decay=True, steps_per_epoch=6)
    rate = optimizer._learning_rate
    rates = [float(rate(step)) for step in range(13)]
    assert rates[:3] == pytest.approx([0.0, 0.05, 0.1])
    assert rates[7] == pytest.approx(0.05)
    assert rates[12] == pytest.approx(0.0, abs=1e-7)


def test_step_size_stays_after_the_warmup_without_decay():
    rate = optimizer_of(warmup_steps=2)._learning_rate
    assert [float(rate(step)) for step in (0, 1, 2, 6)] == pytest.approx([0.0, 0.05, 0.1, 0.1])


def test_step_size_is_halved_every_so_many_epochs():
    rate = optimizer_of(halve_every=2, epochs=6)._learning_rate
    rates = [float(rate(step)) for step in (0, 5, 6, 11, 12)]
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.05, 0.025])


@pytest.mark.one_backend
def test_schedules_count_steps_where_gradients_are_averaged_too():
    optimizer = optimizer_of(steps_per_epoch=6, accumulate=2, halve_every=1)
    variable = keras.Variable(np.zeros(3, np.float32))
    optimizer.build([variable])
    rates = []
    for _ in range(7):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply([keras.ops.ones(3)], [variable])
    assert rates == pytest.approx([0.1] * 6 + [0.05])


def test_adamw_decays_by_what_is_told_alone():
    assert optimizer_of(optimizer="adamw").weight_decay == 0
    assert optimizer_of(optimizer="adamw", weight_decay=0.1).weight_decay == 0.1


def test_the_backbone_has_a_step_size_of_its_own(make):
    moved = {}
    for rate in (1.0, 0.25):
        tuple_model, _ = make(backbone_rate=rate)
        before = parts(tuple_model)
        train_once(tuple_model)
        moved[rate] = [new - old for old, new in zip(before, parts(tuple_model), strict=True)]
    assert np.abs(moved[1.0][0]).max() > 1e-6
    np.testing.assert_allclose(moved[0.25][0], 0.25 * moved[1.0][0], atol=1e-6)
    np.testing.assert_allclose(moved[0.25][1], moved[1.0][1], atol=1e-6)


@pytest.mark.one_backend
@pytest.mark.parametrize("backbone_rate", [1.0, 0.25])
def test_the_step_size_is_that_behind_the_backbone(make, backbone_rate):
    tuple_model, _ = make(backbone_rate=backbone_rate)
    train_once(tuple_model)
    assert step_size(tuple_model.optimizer) == pytest.approx(0.1)


@pytest.mark.one_backend
def test_weight_decay_takes_its_share_of_each_weight(make):
    kernels = []
    for decay in (0.0, 0.5):
        tuple_model, _ = make(weight_decay=decay)
        before = parts(tuple_model)[0]
        train_once(tuple_model)
        kernels.append(parts(tuple_model)[0])
    np.testing.assert_allclose(kernels[0] - kernels[1], 0.1 * 0.5 * before, atol=1e-6)


@pytest.mark.one_backend
def test_a_long_gradient_is_shortened(make):
    tuple_model, _ = make(clip_norm=1e-3, freeze_batch_norm=True)
    before = [numbers(variable) for variable in tuple_model.trainable_variables]
    train_once(tuple_model)
    after = [numbers(variable) for variable in tuple_model.trainable_variables]
    squares = [np.sum((new - old) ** 2) for old, new in zip(before, after, strict=True)]
    assert np.sqrt(sum(squares)) == pytest.approx(0.1 * 1e-3, rel=1e-3)


def test_gradients_of_several_steps_make_one_update(make):
    tuple_model, _ = make(accumulate=2)
    before = parts(tuple_model)[0]
    train_once(tuple_model, seed=0)
    np.testing.assert_array_equal(parts(tuple_model)[0], before)
    train_once(tuple_model, seed=1)
    assert not np.array_equal(parts(tuple_model)[0], before)


@pytest.mark.parametrize("backbone_rate", [1.0, 0.5])
def test_the_average_stands_in_for_the_weights_only_while_asked(make, tmp_path, backbone_rate):
    tuple_model, config = make(average_weights=0.75, backbone_rate=backbone_rate)
    expected = None
    for step in range(3):
        train_once(tuple_model, seed=step)
        weights = parts(tuple_model)[1]
        expected = weights if step == 0 else 0.75 * expected + 0.25 * weights
    tuple_model.save(tmp_path / "checkpoint.keras")
    for each in (tuple_model, load_tuple_model(tmp_path / "checkpoint.keras")):
        with averaged_weights(each, config.optimizer):
            np.testing.assert_allclose(parts(each)[1], expected, atol=1e-6)
        np.testing.assert_array_equal(parts(each)[1], weights)


def test_fit_leaves_the_weights_and_their_average_apart(make, tmp_path):
    tuple_model, config = make(average_weights=0.75)
    photos = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 48, 3), np.uint8)
    tuple_model.fit(photos, np.zeros((2, 4, 2)), batch_size=1, verbose=0)
    weights = parts(tuple_model)[1]
    with averaged_weights(tuple_model, config.optimizer):
        assert not np.allclose(parts(tuple_model)[1], weights, atol=1e-7)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_trains_in_half_precision_without_nan(make, precision):
    keras.config.set_dtype_policy(precision)
    try:
        tuple_model, _ = make()
    finally:
        keras.config.set_dtype_policy("float32")
    before = parts(tuple_model)[1]
    losses = [float(np.ravel(train_once(tuple_model, seed=step))[0]) for step in range(8)]
    assert np.isfinite(losses).all()
    after = parts(tuple_model)[1]
    assert np.isfinite(after).all()
    assert not np.array_equal(before, after)
    output = keras.ops.convert_to_numpy(
        tuple_model.get_layer("descriptor")(np.zeros((1, 32, 48, 3), np.uint8))
    )
    assert output.dtype == np.float32
