"""Measures what a training step loses if the C library returns freed memory to the system.

    python benchmarks/freed_memory.py
    python benchmarks/freed_memory.py --short

docs/lab/performance.md has what it printed.

It times the training step of the default network, fed by a generator as in a training, with and
without `keep_freed_memory`. Each row is a separate process. Rows take turns in several rounds, and
the ratio is computed within a round. The loss of the last step must be the same.
"""

# ruff: noqa: E402
import os

from placevec.process import freed_memory

_ROW = "FREED_MEMORY"
_ROWS = ("given back", "kept")
if os.environ.get(_ROW) == "given back":
    freed_memory.keep_freed_memory = lambda: None
else:
    freed_memory.keep_freed_memory()  # as the command line does; before NumPy starts its threads

import resource
import statistics
import time
from collections.abc import Iterator

import numpy as np
import tyro
from machine import call_in_a_process, describe_machine, measure_in_turns, status_mb


def main(tuples: int = 24, steps: int = 5, rounds: int = 3, short: bool = False) -> None:
    """Prints the table.

    Args:
        tuples: Pairs of photos in a step.
        steps: Steps that are timed, after two that are not.
        rounds: Number of times that each row is timed.
        short: Few photos, to see whether it runs.
    """
    if short:
        tuples, steps, rounds = 4, 2, 1
    print(describe_machine())

    def measure(name: str) -> dict[str, float]:
        return call_in_a_process(_measure, tuples, steps, environment={_ROW: name})

    found = measure_in_turns(_ROWS, rounds, measure)
    losses = {each["loss"] for rows in found.values() for each in rows}
    if len(losses) > 1:
        raise ValueError(f"Losses must not depend on memory. Received: {sorted(losses)}")
    print(f"\n{2 * tuples} photos a step, backend {os.environ.get('KERAS_BACKEND', 'tensorflow')}")
    print("freed memory   s a step (least to most)   ratio   user s   system s   peak MB")
    for name, rows in found.items():
        seconds = [each["step_s"] for each in rows]
        ratio = statistics.median(
            base["step_s"] / each["step_s"]
            for base, each in zip(found["given back"], rows, strict=True)
        )
        user, system, peak = (
            statistics.median(each[key] for each in rows) for key in ("user_s", "system_s", "mb")
        )
        print(
            f"{name:12s} {statistics.median(seconds):8.2f} ({min(seconds):.2f} to "
            f"{max(seconds):.2f}) {ratio:12.2f} {user:8.0f} {system:10.0f} {peak:9.0f}"
        )


def _measure(tuples: int, steps: int) -> dict[str, float]:
    """Returns the cost of some training steps."""
    import keras

    from placevec.config import TrainConfig
    from placevec.models import build_descriptor_model
    from placevec.training.step.feeding import feeding
    from placevec.training.step.tuple_model import make_tuple_model

    config = TrainConfig()
    keras.utils.set_random_seed(0)
    model = make_tuple_model(build_descriptor_model(config.model, config.image_size), config)
    ends = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs=None: ends.append(time.perf_counter())
    )
    with feeding(_batches(tuples, steps + 3, config.image_size)) as batches:
        logs = model.fit(batches, steps_per_epoch=steps + 3, callbacks=[look], verbose=0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "step_s": statistics.median(np.diff(ends[2:]).tolist()),
        "loss": round(float(logs.history["loss"][-1]), 4),
        "user_s": used.ru_utime,
        "system_s": used.ru_stime,
        "mb": status_mb("VmHWM"),
    }


def _batches(tuples: int, count: int, image_size: tuple[int, int]) -> Iterator:
    rng = np.random.default_rng(0)
    for _ in range(count):
        photos = rng.integers(0, 256, (tuples, 2, *image_size, 3), np.uint8)
        yield photos, np.zeros((tuples, 2, 2), np.float32)


if __name__ == "__main__":
    tyro.cli(main)
