"""Measures how large the slices should be that a training step puts through the network.

    python benchmarks/micro_batch.py
    python benchmarks/micro_batch.py --train-from-layer block_7_expand

docs/lab/performance.md has what it printed.

A step on tuples normally puts all their photos through the network at once. Here it is compared
with the same step in slices, whose values fit a cache more easily: the same photos, weights,
gradients and loss over the whole batch. Slices are processed one after the other by the backend
(`map`), or are side by side in its graph (`graph`). The steps of all variants take turns in random
order, so that other work on the machine affects them equally. It prints a table: the median step;
the fastest step, which other work slowed least; and the ratio to one piece, where below 1 is
faster.

Batch normalization keeps its statistics. If it learns (`--learn-batch-norm`), each slice is
normalized by itself, and the sliced network is a different one, as its loss shows.
"""

# ruff: noqa: E402
from placevec.process.freed_memory import keep_freed_memory

keep_freed_memory()  # as the command line does; before Keras is imported, for TensorFlow's oneDNN

import time
from collections.abc import Callable
from typing import Literal

import keras
import numpy as np
import tyro

import placevec  # noqa: F401  before Keras, as the command line does, for TensorFlow's oneDNN
from placevec.config import LossConfig, OptimizerConfig, TrainConfig, TupleConfig
from placevec.models import build_descriptor_model
from placevec.training.step.tuple_model import make_tuple_model


class InSlices(keras.layers.Layer):
    """Puts photos (N, H, W, C) through a model in `count` slices of equal size."""

    def __init__(self, model: keras.Model, count: int, way: str):
        super().__init__(autocast=False, name=model.name)
        self.model, self.count, self.way = model, count, way
        self.layers, self.jit_compile = model.layers, model.jit_compile

    def call(self, photos, training=False):
        """Returns the descriptors (N, D)."""
        if self.way == "graph":
            parts = keras.ops.split(photos, self.count)
            return keras.ops.concatenate([self.model(part, training=training) for part in parts])
        parts = keras.ops.reshape(photos, (self.count, -1, *photos.shape[1:]))
        descriptors = keras.ops.map(lambda part: self.model(part, training=training), parts)
        return keras.ops.reshape(descriptors, (-1, descriptors.shape[-1]))

    def compute_output_shape(self, input_shape):
        """Returns `(N, D)`."""
        return (input_shape[0], self.model.output_shape[-1])


def main(
    tuples: int = 4,
    tuple_size: int = 9,
    sizes: tuple[int, ...] = (1, 4, 9, 18),
    ways: tuple[Literal["map", "graph"], ...] = ("map", "graph"),
    train_from_layer: str | None = None,
    learn_batch_norm: bool = False,
    steps: int = 15,
    short: bool = False,
) -> None:
    """Times training steps in one piece and in slices, and prints a table.

    Args:
        tuples: Tuples in a step.
        tuple_size: Photos in a tuple, at least 3.
        sizes: Photos in a slice; divisors of `tuples * tuple_size`.
        ways: How slices are processed.
        train_from_layer: First layer of the backbone that learns. None: all layers learn.
        learn_batch_norm: Let batch normalization learn.
        steps: Steps of each variant that are timed.
        short: Few photos, one slice size and two steps, to see whether it runs.
    """
    if short:
        tuples, tuple_size, sizes, ways, steps = 2, 3, (3,), ("graph",), 2
    config = TrainConfig(
        batch_size=tuples,
        tuples=TupleConfig(num_negatives=tuple_size - 2),
        loss=LossConfig("allpair_hinge"),
        optimizer=OptimizerConfig(
            train_from_layer=train_from_layer, freeze_batch_norm=not learn_batch_norm
        ),
    )
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (tuples, tuple_size, *config.image_size, 3), np.uint8)
    batch = (photos, np.zeros((tuples, tuple_size, 2), np.float32))
    variants = {"one piece": _step(config, lambda model: model)}
    for way in ways:
        for size in sizes:
            count = tuples * tuple_size // size
            variants[f"{way} {size}"] = _step(config, lambda m, c=count, w=way: InSlices(m, c, w))
    losses = {name: float(step(*batch)) for name, step in variants.items()}
    seconds = np.empty((steps, len(variants)))
    for turn in seconds:
        for i in rng.permutation(len(variants)):
            turn[i] = _time(list(variants.values())[i], batch)
    ratios = seconds / seconds[:, :1]
    print(f"{keras.backend.backend()}, {tuples} tuples of {tuple_size} photos")
    print("slices     seconds  fastest  ratio (middle half)  loss of the first step")
    for name, taken, ratio in zip(variants, seconds.T, ratios.T, strict=True):
        low, middle, high = np.percentile(ratio, [25, 50, 75])
        print(
            f"{name:9s} {np.median(taken):8.2f} {taken.min():8.2f}"
            f"  {middle:5.2f} ({low:.2f} to {high:.2f})  {losses[name]:.6f}"
        )


def _step(config: TrainConfig, sliced: Callable) -> Callable:
    """Returns a function that trains one step, starting from the same random weights each time."""
    keras.utils.set_random_seed(0)
    model = build_descriptor_model(config.model, config.image_size)
    return make_tuple_model(sliced(model), config).train_on_batch


def _time(step: Callable, batch: tuple) -> float:
    start = time.perf_counter()
    step(*batch)
    return time.perf_counter() - start


if __name__ == "__main__":
    tyro.cli(main)
