import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import keras
import numpy as np
import pytest

from placevec.config import ModelConfig, TrainConfig, changed, to_dict
from placevec.evaluation import evaluate
from placevec.images import UnreadableImageError, image_size_of
from placevec.losses import AllPairHingeLoss
from placevec.models import load_model, model_id, remove_whitening, save_model
from placevec.retrieval import describe
from placevec.sources import open_places
from placevec.training import Interrupted, train, whiten
from placevec.training.run.validation import Validation
from placevec.training.run_files import read_history
from placevec.training.tuples.batches import TupleBatches
from placevec.training.tuples.descriptor_cache import DescriptorCache


def weights_of(run_dir):
    model = keras.saving.load_model(run_dir / "checkpoint.keras")
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def assert_equal_weights(one, other):
    one, other = weights_of(one), weights_of(other)
    assert len(one) == len(other) > 10
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)


def test_leaves_model_settings_history_recall_and_pictures(trained):
    config, training = trained
    folder = config.out
    expected = {
        "checkpoint.keras", "config.json", "history.csv", "matches.png", "model.keras",
        "recall.json", "recall.png", "tensorboard", "untrained.keras", "report.md", "history.png",
        "photos.parquet", "lock",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == expected
    recall = json.loads((folder / "recall.json").read_text())
    assert recall.keys() == {"before", "after", "last", "test before", "test after"}
    assert recall["after"].keys() == {"1", "5", "10"}
    assert all(0 <= share <= 1 for each in recall.values() for share in each.values())
    assert training.after == {int(rank): share for rank, share in recall["after"].items()}
    with open(folder / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(float(row[name]) >= 0 for row in rows for name in ("loss", "val_loss", "recall@1"))
    assert max(float(row["recall@1"]) for row in rows) == training.after[1]
    assert recall["last"] == {str(rank): float(rows[-1][f"recall@{rank}"]) for rank in (1, 5, 10)}
    best = max(rows, key=lambda row: float(row["recall@1"]))["epoch"]
    told = str(training)
    assert f"(epoch {best} of 2, the best on {config.validation}, which chose it)" in told
    assert f"(epoch 2 of 2, on {config.validation})" in told
    assert f"(epoch {best} of 2, on {config.test}, which chose nothing)" in told
    assert all(1 <= float(row["clusters_used"]) <= 4 for row in rows)
    assert any((folder / "tensorboard").iterdir())
    assert image_size_of(load_model(folder / "model.keras"), usual=(1, 1)) == config.image_size
    report = (folder / "report.md").read_text()
    assert f"| after | {100 * training.after[1]:.1f} % |" in report
    assert "which chose nothing |" in report
    assert "| model.num_clusters | 4 |" in report
    assert "| model.cut_layer | Conv1_relu |" in report
    assert "| margin |" not in report  # the default
    assert "| 2 |" in report


@pytest.mark.one_backend
def test_keeps_the_best_model(small_config, monkeypatch):
    config = small_config(epochs=3)
    recalls = iter([0.1, 0.2, 0.9, 0.3, 0.9])  # before, three epochs, after
    measure = Validation.recall

    def scripted(self, model):
        result = measure(self, model)
        vars(result)["recall"] = dict.fromkeys((1, 5, 10), next(recalls))
        return result

    monkeypatch.setattr(Validation, "recall", scripted)
    saved = []

    def spy(model, path):
        saved.append(path.name)
        save_model(model, path)

    for module in ("training_run", "journal"):
        monkeypatch.setattr(sys.modules[f"placevec.training.run.{module}"], "save_model", spy)
    train(config)
    assert saved == [
        "untrained.keras", "model.keras", "checkpoint.keras", "model.keras", "checkpoint.keras",
        "checkpoint.keras",
    ]  # fmt: skip


def test_learns_made_places(small_config):
    config = small_config(epochs=4, steps_per_epoch=10, learning_rate=3e-3, augmentation="none")
    train(config)
    with open(config.out / "history.csv") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.slow
def test_saves_and_goes_on_with_averaged_weights(small_config):
    """With all that the optimizer can do, on every backend."""
    config = small_config(average_weights=0.9, accumulate=2, backbone_rate=0.1, clip_norm=1.0)
    train(config)
    train(changed(config, epochs=3, resume=True))
    assert len(read_history(config.out)) == 3


@pytest.mark.one_backend
def test_gives_a_model_that_loads_without_the_training(trained):
    model = load_model(trained[0].out / "model.keras")
    photos = np.random.default_rng(0).integers(0, 256, (2, 64, 80, 3), np.uint8)
    norms = np.linalg.norm(keras.ops.convert_to_numpy(model(photos)), axis=1)
    np.testing.assert_allclose(norms, 1.0, atol=1e-5)


def test_goes_on_for_more_epochs_as_if_it_had_never_stopped(copy_of_trained, tmp_path):
    parts = changed(copy_of_trained, epochs=3)
    whole = changed(parts, out=tmp_path / "whole")
    train(whole)
    train(changed(parts, resume=True))
    assert_equal_weights(whole.out, parts.out)


def test_saves_and_leaves_when_asked_in_the_middle_of_an_epoch(small_config, tmp_path, monkeypatch):
    whole = small_config(out=tmp_path / "whole", augmentation="street", steps_per_epoch=8)
    parts = changed(whole, out=tmp_path / "parts")
    train(whole)
    epoch = TupleBatches.epoch

    def interrupted(self, number, first_step=0):
        for step, batch in enumerate(epoch(self, number, first_step)):
            if number == 1 and step == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(TupleBatches, "epoch", interrupted)
        with pytest.raises(Interrupted, match="--resume") as caught:
            train(parts)
    assert caught.value.signal_number == signal.SIGTERM
    stopped = keras.saving.load_model(parts.out / "checkpoint.keras")
    assert 8 < int(stopped.optimizer.iterations) < 16
    train(changed(parts, resume=True))
    assert_equal_weights(whole.out, parts.out)
    losses = [[float(row["loss"]) for row in read_history(each.out)] for each in (whole, parts)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "mining",
    [
        {"mining": "full", "num_hard_negatives": 5},
        pytest.param(
            {
                "mining": "paper",
                "positives": "best",
                "mining_pool": 5,
                "refresh_share": 0.5,
                "average_weights": 0.9,
                "backbone_rate": 0.5,
                "accumulate": 2,
            },
            marks=pytest.mark.slow,
        ),
    ],
)
def test_ends_the_same_after_sigkill_in_the_middle_of_an_epoch(
    small_config, whole_training, tmp_path, mining
):
    whole = small_config(
        out=tmp_path / "whole", augmentation="street", steps_per_epoch=20, epochs=2,
        model=ModelConfig(cut_layer="block_1_project_BN", num_clusters=4),  # lasts till the kill
        loss="info_nce", flip_tuples=True, **mining,
    )  # fmt: skip
    parts = changed(whole, out=tmp_path / "parts")
    train(whole)
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(to_dict(parts)))
    command = [sys.executable, "-m", "placevec", "train", "--config", str(settings)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (parts.out / "checkpoint.keras").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    train(changed(parts, resume=True))
    assert_equal_weights(whole.out, parts.out)


@pytest.mark.one_backend
def test_the_first_mining_takes_the_descriptors_of_self_distillation(small_config, monkeypatch):
    described = []
    found = DescriptorCache._found

    def noted(self, *arguments):
        described.append(arguments)
        return found(self, *arguments)

    monkeypatch.setattr(DescriptorCache, "_found", noted)
    config = small_config(loss="info_nce", distillation=1.0, mining="full", epochs=1)
    train(config)
    assert not described
    photos = open_places(config.places).paths()
    untrained = load_model(config.out / "untrained.keras")
    expected, _ = describe(untrained, photos, image_size=config.image_size)
    np.testing.assert_allclose(np.load(config.out / "cache.npy"), expected, atol=1e-5)
    train(changed(config, epochs=2, resume=True))
    assert len(described) == 1


@pytest.mark.one_backend
def test_stops_at_nan_and_keeps_the_last_good_checkpoint(copy_of_trained, monkeypatch):
    config = copy_of_trained
    kept = (config.out / "checkpoint.keras").read_bytes()
    call = AllPairHingeLoss.call
    monkeypatch.setattr(
        AllPairHingeLoss, "call", lambda self, y, x: call(self, y, x) * float("nan")
    )
    with pytest.raises(FloatingPointError, match="step 1 of epoch 3.*--learning-rate"):
        train(changed(config, epochs=3, resume=True))
    assert (config.out / "checkpoint.keras").read_bytes() == kept


@pytest.mark.one_backend
def test_never_measures_on_the_town_where_other_places_are_trained_on(small_config):
    config = small_config(validation=TrainConfig.validation)
    match = f"`validation` must name photos.* Received: none for {config.places}. Give `--valid"
    with pytest.raises(ValueError, match=match) as caught:
        train(config)
    assert "data/town" not in str(caught.value)
    with pytest.raises(ValueError, match="`places` must name the photos to train on.* folder:mine"):
        train(TrainConfig(validation="folder:mine"))


@pytest.mark.one_backend
def test_takes_settings_and_no_name_of_photos():
    with pytest.raises(ValueError, match="`config` must be a TrainConfig.* Received: str"):
        train("folder:a")


@pytest.mark.one_backend
def test_what_is_wrong_with_the_places_is_said_before_what_is_missing(tmp_path):
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(ValueError, match="holds photos but no positions"):
        train(TrainConfig(places=str(tmp_path)))


def test_says_that_places_give_no_tuples(small_config):
    with pytest.raises(ValueError, match="positive"):
        train(small_config(positive_radius_m=0.1))


@pytest.mark.one_backend
def test_processes_and_the_cache_change_nothing_of_what_is_trained(small_config, tmp_path):
    one = small_config(augmentation="light", cache_mb=0, out=tmp_path / "one", epochs=1)
    train(one)
    other = changed(one, workers="processes", cache_mb=1, out=tmp_path / "other")
    train(other)
    assert_equal_weights(one.out, other.out)


@pytest.mark.slow
def test_augments_on_the_device_and_goes_on_with_it(small_config, tmp_path):
    plain = small_config(out=tmp_path / "plain", epochs=1)
    train(plain)
    whole = small_config(device_augmentation=True, out=tmp_path / "whole")
    train(whole)
    stopped = changed(whole, epochs=1, out=tmp_path / "stopped")
    train(stopped)
    first, other = (read_history(each.out)[0]["loss"] for each in (plain, stopped))
    assert first != other
    train(changed(stopped, epochs=2, resume=True))
    assert_equal_weights(whole.out, stopped.out)


@pytest.mark.one_backend
def test_takes_any_callable_as_augmentation(small_config):
    seen = []

    def negative(photo, rng):
        seen.append(photo.shape)
        return 255 - photo

    train(small_config(epochs=1), augmentation=negative)
    assert len(seen) == 3 * 2 * 4


def test_names_an_unreadable_photo_in_one_line_in_the_middle_of_an_epoch(
    small_config, made_places, tmp_path
):
    broken = tmp_path / "broken"
    shutil.copytree(made_places / "train", broken)
    config = small_config(
        places=f"folder:{broken}", steps_per_epoch=12, epochs=1, clusters="random",
        freeze_batch_norm=True,
    )  # fmt: skip
    (broken / "@350.00@2.00@@@@@2@.jpg").write_bytes(b"no photo")
    with pytest.raises(UnreadableImageError, match="@350.00@2.00"):
        train(config)


@pytest.mark.one_backend
def test_goes_on_without_unreadable_photos_when_told(small_config, made_places, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(made_places / "train", broken)
    (broken / "@350.00@2.00@@@@@2@.jpg").write_bytes(b"no photo")
    train(small_config(places=f"folder:{broken}", epochs=1, skip_unreadable=True))
    assert (tmp_path / "run" / "model.keras").exists()


@pytest.mark.one_backend
def test_a_start_that_fails_leaves_the_earlier_run_alone(copy_of_trained):
    config = copy_of_trained
    kept = (config.out / "model.keras").read_bytes()
    with pytest.raises(ValueError, match="train_from_layer"):
        train(changed(config, overwrite=True, train_from_layer="block_99"))
    assert (config.out / "model.keras").read_bytes() == kept


@pytest.mark.slow
@pytest.mark.one_backend
def test_goes_on_from_the_clusters_of_a_trained_model(trained, small_config, tmp_path):
    first = trained[0]
    start = dataclasses.replace(first.model, weights=str(first.out / "model.keras"))
    train(small_config(out=tmp_path / "second", model=start, epochs=1))
    one = load_model(first.out / "model.keras").layers[-1]
    other = load_model(tmp_path / "second" / "untrained.keras").layers[-1]
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.one_backend
def test_whitens_the_best_model_after_the_last_epoch(trained, small_config):
    plain, config = trained[0], small_config(whiten_dim=5)
    training = train(config)
    best, whitened = (load_model(each.out / "model.keras") for each in (plain, config))
    assert (whitened.layers[-1].name, whitened.output_shape[-1]) == ("whitening", 5)
    assert image_size_of(whitened, usual=(1, 1)) == config.image_size
    assert model_id(remove_whitening(whitened)) == model_id(best)
    dataset = open_places(config.places)
    expected = whiten(best, dataset, 5, image_size=config.image_size)
    np.testing.assert_allclose(
        whitened.layers[-1].get_weights()[0], expected.layers[-1].get_weights()[0], atol=1e-6
    )
    recall = json.loads((config.out / "recall.json").read_text())
    measured = evaluate(open_places(config.validation), whitened, image_size=config.image_size)
    assert training.after == measured.recall == {int(k): v for k, v in recall["after"].items()}
    # What training computes is the same with and without.
    assert_equal_weights(plain.out, config.out)


@pytest.mark.slow
@pytest.mark.one_backend
def test_whitening_power_reaches_the_fit(small_config, monkeypatch):
    seen = []

    def spy(model, dataset, dim, **options):
        seen.append({"dim": dim} | options)
        return model

    monkeypatch.setattr(sys.modules["placevec.training.run.training_run"], "whiten", spy)
    train(small_config(epochs=1, whiten_dim=5, whiten_power=0.25, seed=3))
    train(small_config(
        epochs=1, whiten_rank=4, whiten_augmentation="light", seed=3, overwrite=True
    ))  # fmt: skip
    names = ("dim", "rank", "power", "augmentation", "seed")
    assert [tuple(each[name] for name in names) for each in seen] == [
        (5, 0, 0.25, "none", 3), (0, 4, 1.0, "light", 3),
    ]  # fmt: skip


@pytest.mark.one_backend
def test_no_epoch_whitens_and_measures_the_network_before_the_first_step(small_config):
    config = small_config(epochs=0, whiten_rank=4, warmup_steps=20)
    training = train(config)
    assert set(training.recalls) == {"before", "after"}
    assert training.notes["after"] == f"untrained, whitened, on {config.validation}"
    whitened = load_model(config.out / "model.keras")
    assert tuple(whitened.layers[-1].directions.shape) == (whitened.output_shape[-1], 4)
    untrained = load_model(config.out / "untrained.keras")
    for one, other in zip(untrained.get_weights(), whitened.get_weights(), strict=False):
        np.testing.assert_array_equal(one, other)
    assert "Epochs" not in (config.out / "report.md").read_text()


@pytest.mark.one_backend
def test_whitens_partly_after_the_last_epoch(small_config):
    config = small_config(epochs=1, whiten_rank=4, whiten_augmentation="light")
    train(config)
    whitened = load_model(config.out / "model.keras")
    assert tuple(whitened.layers[-1].directions.shape) == (whitened.output_shape[-1], 4)


@pytest.mark.slow
@pytest.mark.one_backend
def test_the_assignment_starts_as_soft_as_told(small_config, tmp_path):
    entropies = []
    for ratio in (100.0, 2.0):
        config = small_config(out=tmp_path / f"{ratio}", epochs=1, assignment_ratio=ratio)
        train(config)
        entropies.append(float(read_history(config.out)[0]["assignment_entropy"]))
    assert entropies[1] > entropies[0] + 0.1


@pytest.mark.slow
@pytest.mark.one_backend
def test_a_whitened_training_goes_on_as_if_it_had_never_stopped(small_config, tmp_path):
    """Also where the best network was whitened before the training went on."""
    whole = small_config(out=tmp_path / "whole", epochs=3, whiten_dim=5)
    parts = changed(whole, out=tmp_path / "parts", epochs=1)
    train(whole)
    train(parts)
    train(changed(parts, epochs=3, resume=True))
    train(changed(parts, epochs=3, resume=True))  # nothing left but to finish
    assert_equal_weights(whole.out, parts.out)
    models = [load_model(each.out / "model.keras") for each in (whole, parts)]
    assert len({model_id(remove_whitening(model)) for model in models}) == 1
    photos = np.random.default_rng(0).integers(0, 256, (2, *whole.image_size, 3), np.uint8)
    one, other = (keras.ops.convert_to_numpy(model(photos)) for model in models)
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_refuses_impossible_whitening_before_the_training(small_config):
    config = small_config(whiten_dim=24)
    with pytest.raises(ValueError, match="at least 25 photos. Received: 24. Take more photos"):
        train(config)
    with pytest.raises(ValueError, match="between 1 and 22 for 24 photos.*rank=23"):
        train(small_config(whiten_rank=23))
    assert {path.name for path in config.out.iterdir()} == {"lock"}


def test_learns_a_projection_from_its_pca_start(small_config):
    config = small_config(epochs=1)
    config = changed(config, model=dataclasses.replace(config.model, projection_dim=6))
    train(config)
    start, end = (
        load_model(config.out / name).get_layer("projection").get_weights()
        for name in ("untrained.keras", "model.keras")
    )
    for left, right in zip(start, end, strict=True):
        assert 0 < np.abs(left - right).max() < 0.1
    # Directions of a PCA are orthogonal to each other; random ones are not.
    products = start[1].T @ start[1]
    np.testing.assert_allclose(products / np.diag(products), np.eye(6), atol=1e-3)


@pytest.mark.slow
@pytest.mark.one_backend
def test_goes_on_from_the_projection_of_a_trained_model(small_config, tmp_path):
    first = small_config(epochs=1)
    first = changed(first, model=dataclasses.replace(first.model, projection_dim=6))
    train(first)
    start = dataclasses.replace(first.model, weights=str(first.out / "model.keras"))
    train(changed(first, out=tmp_path / "second", model=start))
    one = load_model(first.out / "model.keras")
    other = load_model(tmp_path / "second" / "untrained.keras")
    assert model_id(one) == model_id(other)
