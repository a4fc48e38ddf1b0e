import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from placevec.config import LossConfig, TrainConfig, TupleConfig, to_dict
from placevec.images import read_image
from placevec.models import load_model
from placevec.training import train
from placevec.training.tuples import stream_batches
from placevec.training.tuples.sampler import open_batches, open_training
from placevec.training.tuples.stream_batches import StreamBatches, StreamSampler

pytestmark = pytest.mark.one_backend

TOWN = "stream:town,num_streets=1,street_length_m=120"
SIZE = (32, 40)


@pytest.fixture
def stream_config(small_config):
    def make(**changes):
        return small_config(**({"places": TOWN, "image_size": SIZE} | changes))

    return make


@pytest.fixture(scope="module")
def sampler():
    tuples = TupleConfig(num_positives=2, num_negatives=1, positive_radius_m=4.0)
    config = TrainConfig(
        places=TOWN, validation="folder:none", image_size=SIZE, seed=4,
        tuples=tuples, loss=LossConfig("allpair_hinge"),
    )  # fmt: skip
    with StreamSampler(config) as sampler:
        yield sampler


def _batches(sampler, **changes):
    settings = {"channels": 3, "batch_size": 10, "steps_per_epoch": 3, "seed": 4}
    return StreamBatches(sampler, **(settings | changes))


def test_has_the_shape_and_order_of_tuples(sampler):
    batches = _batches(sampler)
    photos, positions_m = next(batches.epoch(0))
    assert batches.tuple_size == 4
    assert photos.shape == (10, 4, *SIZE, 3) and photos.dtype == np.uint8
    assert positions_m.shape == (10, 4, 2) and positions_m.dtype == np.float32
    gaps_m = np.linalg.norm(positions_m - positions_m[:, :1], axis=2)
    assert (gaps_m[:, 1:3] <= 4.01).all() and (gaps_m[:, 3] > 24.9).all()


def test_a_batch_depends_on_its_epoch_and_step_alone(sampler):
    batches = _batches(sampler, augmentation="light", flip_tuples=True)
    whole = list(batches.epoch(1))
    rest = list(batches.epoch(1, first_step=1))
    assert len(whole) == 3 and len(rest) == 2
    for (photos, positions_m), (again, there_m) in zip(whole[1:], rest, strict=True):
        np.testing.assert_array_equal(photos, again)
        np.testing.assert_array_equal(positions_m, there_m)
    assert not np.array_equal(whole[0][1], whole[1][1])
    assert not np.array_equal(whole[0][1], next(batches.epoch(0))[1])


def test_a_killed_worker_changes_no_batch(sampler):
    whole = list(_batches(sampler).epoch(0))
    drawn = []
    for photos, _ in _batches(sampler).epoch(0):
        for process_id in sampler.workers.process_ids:
            os.kill(process_id, signal.SIGKILL)
        drawn.append(photos)
    for photos, (expected, _) in zip(drawn, whole, strict=True):
        np.testing.assert_array_equal(photos, expected)


def test_shares_of_processes_are_the_batch_of_one(sampler):
    whole = next(_batches(sampler, flip_tuples=True).epoch(2))
    shares = [next(_batches(sampler, flip_tuples=True, share=(n, 5)).epoch(2)) for n in range(5)]
    for one, parts in zip(whole, zip(*shares, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), one)


def test_half_of_the_tuples_are_mirrored(sampler):
    as_they_are, mirrored = (
        next(_batches(sampler, flip_tuples=flips).epoch(0))[0] for flips in (False, True)
    )
    is_flipped = [not np.array_equal(*pair) for pair in zip(as_they_are, mirrored, strict=True)]
    assert 0 < sum(is_flipped) < 10
    for one, other, flipped in zip(as_they_are, mirrored, is_flipped, strict=True):
        np.testing.assert_array_equal(one[:, :, ::-1] if flipped else one, other)


def test_gray_photos_are_gray_as_read_from_disk(sampler):
    color = next(_batches(sampler).epoch(0))[0]
    gray = next(_batches(sampler, channels=1).epoch(0))[0]
    assert gray.shape == (10, 4, *SIZE, 1)
    np.testing.assert_array_equal(gray[3, 1], read_image(color[3, 1], channels=1))


def test_photos_stand_where_paths_would(sampler):
    dataset = sampler.dataset
    some = dataset.paths([3, 500])
    assert len(dataset) == len(dataset.database) == len(dataset.paths()) == 512
    assert some[0].shape == (*SIZE, 3)
    np.testing.assert_array_equal(some[1], dataset.paths()[500])


def test_photos_on_disk_are_opened_as_ever(small_config):
    config = small_config()
    with open_training(config) as sampler:
        batches = open_batches(
            sampler, {"image_size": SIZE, "channels": 3, "batch_size": 2}, steps_per_epoch=1
        )
        assert next(batches.epoch(0))[0].shape == (2, 4, *SIZE, 3)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"mining": "full"}, "`mining` must be random if `places` is a stream.*mining=full"),
        ({"min_time_difference_s": 60.0}, "`min_time_difference_s` must be None"),
        ({"places": "stream:town,num_streets=two"}, "`num_streets` must be a number.*=two"),
        ({"places": "stream:town,up=z"}, "must be among num_streets, street.*Received: up"),
        ({"places": "stream:a.obj,num_streets=2"}, "must be among up, .*Received: num_streets"),
        ({"places": "stream:town,streets=2"}, "these options may follow.*streets=2"),
    ],
)
def test_refuses_what_a_stream_cannot_give(stream_config, changes, match):
    with pytest.raises(ValueError, match=match) as caught:
        StreamSampler(stream_config(**changes))
    assert "\n" not in str(caught.value)


def test_a_world_that_cannot_be_opened_is_told_in_its_own_words(stream_config):
    sampler = StreamSampler(stream_config(places="stream:town,num_streets=0"))
    with pytest.raises(ValueError, match="num_streets=0"), sampler:
        pass
    with pytest.raises(RuntimeError, match="must be open"):
        sampler.dataset.paths()


def test_whitens_by_photos_of_the_stream(stream_config, monkeypatch):
    monkeypatch.setattr(stream_batches, "_NUM_FITTED", 64)
    config = stream_config(whiten_dim=5, epochs=1, steps_per_epoch=2)
    training = train(config)
    assert load_model(config.out / "model.keras").output_shape == (None, 5)
    assert all(0 <= share <= 1 for share in training.after.values())


@pytest.mark.slow
def test_trains_and_ends_the_same_after_sigkill(stream_config, whole_training, tmp_path):
    whole = stream_config(
        out=tmp_path / "whole", augmentation="light", steps_per_epoch=4, epochs=2
    )  # fmt: skip
    parts = dataclasses.replace(whole, out=tmp_path / "parts")
    train(whole)
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(to_dict(parts)))
    command = [sys.executable, "-m", "placevec", "train", "--config", str(settings)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (parts.out / "checkpoint.keras").exists():
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    subprocess.run([*command, "--resume"], check=True, capture_output=True)
    for name in ("checkpoint.keras", "model.keras"):
        one, other = (keras.saving.load_model(folder / name) for folder in (whole.out, parts.out))
        for left, right in zip(one.variables, other.variables, strict=True):
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(left), keras.ops.convert_to_numpy(right)
            )
