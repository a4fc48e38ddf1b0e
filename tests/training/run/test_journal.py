import keras
import pytest

from placevec.training import run_files
from placevec.training.run.journal import best_epoch, keep_the_best, measured, record
from placevec.training.run_files import read_history

pytestmark = pytest.mark.one_backend


@pytest.fixture
def config(small_config):
    config = small_config()
    config.out.mkdir()
    return config


def network(bias):
    layer = keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(bias))
    return keras.Sequential([keras.Input((2,)), layer])


def kept_bias(config):
    return float(keras.saving.load_model(config.out / run_files.MODEL).get_weights()[1][0])


def test_keeps_the_network_of_the_highest_recall(config):
    for epoch, recall in enumerate([0.5, 0.7, 0.7, 0.6]):
        row = {"epoch": epoch + 1, "loss": 1.0, "recall@1": recall}
        keep_the_best(config, epoch, row, network(epoch))
        record(config, epoch, row, network(epoch))
    assert kept_bias(config) == 1.0
    assert best_epoch(measured(config.out)) == 2


@pytest.mark.parametrize(("epoch", "is_told"), [(0, True), (1, False)])
def test_a_recall_that_no_later_epoch_can_better_is_called_saturated(
    config, caplog, epoch, is_told
):
    keep_the_best(config, epoch, {"recall@1": 1.0}, network(0))
    assert ("it is saturated, and no later epoch can replace this one" in caplog.text) == is_told


def test_an_epoch_that_is_done_again_takes_the_place_of_its_row(config):
    for loss in (3.0, 2.0):
        record(config, 0, {"epoch": 1, "loss": loss}, network(0))
    assert [row["loss"] for row in read_history(config.out)] == ["2.0"]
    assert (config.out / run_files.CHECKPOINT).is_file()
    assert any((config.out / run_files.TENSORBOARD).iterdir())


def test_a_loss_of_0_is_no_success_and_said(config, caplog):
    record(config, 0, {"epoch": 1, "loss": 1e-6}, network(0))
    assert "nothing was learned" not in caplog.text
    record(config, 1, {"epoch": 2, "loss": 0.0}, network(0))
    assert "The loss was 0 in all of epoch 2, so nothing was learned" in caplog.text


@pytest.mark.parametrize(
    ("rule", "flag"), [("distance", "--negative-radius-m"), ("shared_points", "--view-depth-m")]
)
def test_a_loss_of_0_names_the_flag_that_bars_negatives(small_config, caplog, rule, flag):
    config = small_config(positive_rule=rule, loss="info_nce", num_negatives=0)
    config.out.mkdir()
    record(config, 0, {"epoch": 1, "loss": 0.0}, network(0))
    assert f"or a smaller `{flag}`" in caplog.text


def test_an_epoch_without_recall_keeps_no_network(config):
    keep_the_best(config, 0, {"epoch": 1, "loss": 1.0}, network(0))
    assert not (config.out / run_files.MODEL).exists()
