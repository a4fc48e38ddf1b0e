"""Measures what batch normalization in one operation gains in a training step with TensorFlow.

    python benchmarks/fused_batch_norm.py
    python benchmarks/fused_batch_norm.py --short

docs/lab/performance.md has what it printed.

It times training steps of the default network on synthetic photos, with `fuse_batch_norm` and as
Keras computes them, with and without TensorFlow's oneDNN. Each row is a separate process. Rows take
turns in several rounds, and ratios are computed within a round.
"""

# ruff: noqa: E402
from placevec.process.freed_memory import keep_freed_memory

keep_freed_memory()  # as the command line does; before NumPy starts its threads

import statistics
import time

import numpy as np
import tyro
from machine import call_in_a_process, describe_machine, measure_in_turns

_ROWS = [(onednn, fused) for onednn in ("0", "1") for fused in (False, True)]


def main(photos: int = 48, steps: int = 5, rounds: int = 3, short: bool = False) -> None:
    """Prints the table.

    Args:
        photos: Photos of 180x240 in a step.
        steps: Steps that are timed, after one that is not.
        rounds: Number of times that each row is timed.
        short: Few photos, to see whether it runs.
    """
    if short:
        photos, steps, rounds = 8, 2, 1
    print(describe_machine())

    def measure(row: tuple[str, bool]) -> tuple[float, float]:
        environment = {"TF_ENABLE_ONEDNN_OPTS": row[0]}
        return call_in_a_process(_measure, photos, steps, row[1], environment=environment)

    found = measure_in_turns(_ROWS, rounds, measure)
    losses = [each[1] for rows in found.values() for each in rows]
    if max(losses) - min(losses) > 1e-4 * max(losses):
        raise ValueError(f"Losses must be the same. Received: {min(losses)} to {max(losses)}")
    print(f"\n{photos} photos a step\n| oneDNN | batch normalization | s a step | ratio |")
    print("|---|---|---|---|")
    for row, results in found.items():
        seconds = [each[0] for each in results]
        ratio = statistics.median(
            base[0] / each for base, each in zip(found[_ROWS[0]], seconds, strict=True)
        )
        onednn, fused = ("no", "yes")[int(row[0])], ("Keras's", "one operation")[row[1]]
        print(
            f"| {onednn} | {fused} | {statistics.median(seconds):.2f} ({min(seconds):.2f} to "
            f"{max(seconds):.2f}) | {ratio:.2f} |"
        )


def _measure(photos: int, steps: int, fused: bool) -> tuple[float, float]:
    """Returns the seconds per step, and the loss of the first step."""
    import keras

    from placevec.config import ModelConfig
    from placevec.models import build_descriptor_model
    from placevec.training.start.batch_norm import fuse_batch_norm

    keras.utils.set_random_seed(0)
    model = build_descriptor_model(ModelConfig(weights="none"))
    if fused:
        fuse_batch_norm(model)
    model.compile(optimizer="adam", loss="mse")
    rng = np.random.default_rng(0)
    given = rng.integers(0, 256, (photos, 180, 240, 3), np.uint8)
    wanted = np.zeros((photos, model.output_shape[-1]), np.float32)
    first = float(model.train_on_batch(given, wanted))
    keep_freed_memory()
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        model.train_on_batch(given, wanted)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), first


if __name__ == "__main__":
    tyro.cli(main)
