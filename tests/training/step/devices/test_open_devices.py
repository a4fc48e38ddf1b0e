"""Two devices against one: JAX and TensorFlow split a CPU in two, PyTorch starts two processes."""

import csv
import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from placevec.config import ModelConfig, changed, to_dict
from placevec.training import train
from placevec.training.step.devices import devices
from placevec.training.step.devices import open_devices as opening

BACKEND = keras.backend.backend()
TRAIN = """
import os, sys
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from placevec.cli import main
for path in sys.argv[1:]:
    flags = ["--resume"] if "resume" in path else []
    main(["train", "--config", path, *flags])
"""
HALVES = {
    "KERAS_BACKEND": BACKEND,
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
}
# The processes build it whole before they cut it: half the layers of mobilenetv2.
SHALLOW = ModelConfig(backbone="mobilenet", cut_layer="conv1_relu", num_clusters=4)
PER_TUPLE = {"loss": "allpair_hinge"}
OVER_THE_BATCH = {"loss": "info_nce", "mining": "partial", "mining_pool": 15, "flip_tuples": True}


@pytest.fixture
def even_config(small_config):
    def make(**changes):
        settings = {
            "batch_size": 4,
            "optimizer": "sgd",  # Adam makes steps out of rounding where there is no gradient
            "learning_rate": 1e-3,
            "model": SHALLOW,
            "freeze_batch_norm": BACKEND == "torch",
        }
        return small_config(**(settings | changes))

    return make


def start(arguments, **environment):
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(
        command, env=os.environ | HALVES | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finish(process):
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0, output
    return output


def write_settings(folder, name, config):
    path = folder / name
    path.write_text(json.dumps(to_dict(config)))
    return path


def train_on_two(folder, *paths):
    script = folder / "train.py"
    script.write_text(TRAIN)
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    return finish(start([*(torchrun if BACKEND == "torch" else []), script, *paths]))


def assert_same_training(one, other):
    for left, right in zip(*(history_of(run) for run in (one, other)), strict=True):
        for name in ("loss", "val_loss", "recall@1", "learning_rate"):
            assert float(left[name]) == pytest.approx(float(right[name]), rel=1e-4), name
    models = [keras.saving.load_model(run / "checkpoint.keras") for run in (one, other)]
    states = [[*model.variables, *model.optimizer.variables] for model in models]
    assert len(states[0]) > 10
    for left, right in zip(*states, strict=True):
        left, right = map(keras.ops.convert_to_numpy, (left, right))
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-5)


def history_of(run):
    with open(run / "history.csv") as file:
        return list(csv.DictReader(file))


def assert_same_mined(one, other):
    with np.load(one / "mined.npz") as left, np.load(other / "mined.npz") as right:
        assert left["epoch"] == right["epoch"] == 1
        np.testing.assert_array_equal(left["tuples"], right["tuples"])


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        pytest.param(PER_TUPLE, ["two"], id="per_tuple"),
        pytest.param(OVER_THE_BATCH, ["begun", "resume"], id="mined", marks=pytest.mark.slow),
    ],
)
def test_two_devices_train_as_one_does(even_config, tmp_path, loss, names):
    """A loss per tuple in one go; a loss over the batch and mining, stopped and gone on with."""
    one = even_config(**loss)
    count = 1 if BACKEND == "torch" else 2
    two = changed(one, devices=count, out=tmp_path / "two")
    settings = {"begun": changed(two, epochs=1), "two": two, "resume": two}
    paths = [write_settings(tmp_path, f"{name}.json", settings[name]) for name in names]
    output = train_on_two(tmp_path, *paths)
    assert output.count("results in") == output.count("before training") == len(names)
    train(one)
    assert_same_training(one.out, two.out)
    if "mining" in loss:
        assert_same_mined(one.out, two.out)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "jax", reason="torchrun's processes are in the test above")
def test_two_processes_of_jax_train_as_one_does(even_config, tmp_path):
    config = even_config(**OVER_THE_BATCH)
    train(config)
    two = changed(config, out=tmp_path / "two")
    path = write_settings(tmp_path, "two.json", two)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    cluster = {
        "XLA_FLAGS": "",
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
        "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    }
    processes = [
        start(["-m", "placevec", "train", "--config", path], **cluster,
              KERAS_DISTRIBUTION_PROCESS_ID=str(number))
        for number in range(2)
    ]  # fmt: skip
    outputs = [finish(process) for process in processes]
    assert [output.count("results in") for output in outputs] == [1, 0]
    assert_same_training(config.out, two.out)
    assert_same_mined(config.out, two.out)


def open_devices(config):
    return opening.open_devices(
        config.computing, config.optimizer,
        batch_size=config.batch_size, keeps_batch_norm=config.keeps_batch_norm,
    )  # fmt: skip


def test_refuses_devices_that_are_not_there(small_config):
    with pytest.raises(ValueError, match="Received: devices=7, .* has 1"):
        open_devices(small_config(devices=7))


def test_refuses_a_batch_that_cannot_be_shared_evenly(small_config, monkeypatch):
    class Three(devices.Devices):
        count = 3

    monkeypatch.setitem(opening._OPENERS, BACKEND, lambda *_: Three())
    with pytest.raises(ValueError, match="batch_size=4, 3 devices"):
        open_devices(small_config(batch_size=4, devices=3))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="what Keras does not have on TensorFlow alone")
@pytest.mark.parametrize(
    "setting", [{"accumulate": 2}, {"clip_norm": 1.0}, {"precision": "mixed_float16"}]
)
def test_refuses_what_tensorflow_would_do_otherwise(small_config, setting):
    with pytest.raises(ValueError, match="need `devices` 1"):
        open_devices(small_config(devices=2, **setting))
