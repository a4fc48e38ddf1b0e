"""Measures how long an epoch continues after its last step.

    python benchmarks/end_of_epoch.py
    python benchmarks/end_of_epoch.py --short

docs/lab/performance.md has what it printed.

A tiny layer learns from batches that arrive half a second apart, so that its own steps take no
time. `fit` gets the same batches in turns as a generator, as Keras takes them, and through
`feeding`, as in a training of placevec. The time between the end of the last step and the return of
`fit` is lost.
"""

import contextlib
import statistics
import time
from collections.abc import Iterator

import keras
import numpy as np
import tyro
from machine import describe_machine, measure_in_turns

import placevec  # noqa: F401  before Keras, as the command line does, for TensorFlow's oneDNN
from placevec.training.step.feeding import feeding

_APART_S = 0.5


def main(steps: tuple[int, ...] = (14, 50, 100, 170), rounds: int = 3, short: bool = False) -> None:
    """Prints the table.

    Args:
        steps: Numbers of steps of an epoch, one row each.
        rounds: Number of times that each is timed.
        short: One short epoch, to see whether it runs.
    """
    if short:
        steps, rounds = (2,), 1
    print(f"{describe_machine()}, backend {keras.backend.backend()}")
    print("| an epoch of | given | s after the last step, round by round | s an epoch, median |")
    print("|---|---|---|---|")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    ways = {"a generator": contextlib.nullcontext, "`feeding`": feeding}
    for count in steps:

        def measure(way: str, count: int = count) -> tuple[float, float]:
            return _fit(model, ways[way](_batches(count)), count)

        found = measure_in_turns(list(ways), rounds, measure)
        for way, times in found.items():
            after = ", ".join(f"{waited:.1f}" for _, waited in times)
            whole = statistics.median(whole for whole, _ in times)
            print(f"| {count * _APART_S:g} s | {way} | {after} | {whole:.1f} |", flush=True)


def _fit(
    model: keras.Model, given_by: contextlib.AbstractContextManager, count: int
) -> tuple[float, float]:
    """Returns the seconds of an epoch, and the seconds after its last step."""
    ends = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs=None: ends.append(time.perf_counter())
    )
    start = time.perf_counter()
    with given_by as batches:
        model.fit(batches, steps_per_epoch=count, callbacks=[look], verbose=0)
    end = time.perf_counter()
    return end - start, end - ends[-1]


def _batches(count: int) -> Iterator:
    for _ in range(count):
        time.sleep(_APART_S)
        yield np.zeros((8, 4), np.float32), np.zeros((8, 1), np.float32)


if __name__ == "__main__":
    tyro.cli(main)
