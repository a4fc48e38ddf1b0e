"""Measures how soon a verb answers: processor time and memory of whole processes on little work.

    python benchmarks/startup.py
    python benchmarks/startup.py --short

docs/lab/performance.md has what it printed.

Each row is `python -m placevec VERB` on twelve photos, or one, with a network of default settings
and random weights. Each runs in a separate process; rows take turns in several rounds. Seconds are
those of the processor, user and system together, so that other work on the machine counts less. MB
is the largest memory. `first` starts with an empty cache: Keras exports the network, which is
compared with the engine. All other rows find the export in the cache.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import tyro
from machine import call_in_a_process, describe_machine, measure_in_turns

# There is a process in between, because a child's memory peak starts from that of its parent.
_RUN = """
import json, resource, subprocess, sys
answer = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([answer.returncode, answer.stderr[-500:], used.ru_utime + used.ru_stime,
                  used.ru_maxrss / 1024]))
"""
_ROWS = {
    "--help": ["--help"],
    "info STORE": ["info", "store"],
    "info MODEL": ["info", "m.keras"],
    "remove": ["remove", "store", "@0@0@.jpg"],
    "index": ["index", "store"],
    "check STORE": ["check", "store"],
    "check": ["check", "folder:photos"],
    "split": ["split", "folder:photos"],
    "split --model": [
        "split", "folder:photos", "--model", "m.keras", "--max-similarity", "1"
    ],
    "describe, one photo": ["describe", "one.jpg", "--model", "m.keras", "--out", "one.npz"],
    "describe, new store": ["describe", "photos", "--model", "m.keras", "--out", "new"],
    "search, one photo": ["search", "store", "one.jpg", "--model", "m.keras"],
    "evaluate": ["evaluate", "folder:photos", "--model", "m.keras"],
    "describe, by Keras": [
        "describe", "one.jpg", "--model", "m.keras", "--engine", "keras", "--out", "one.npz"
    ],
    "describe, first": ["describe", "one.jpg", "--model", "m.keras", "--out", "one.npz"],
}  # fmt: skip


def main(rounds: int = 5, short: bool = False) -> None:
    """Prints the table.

    Args:
        rounds: Number of times that each row is measured.
        short: One round, to see whether it runs.
    """
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        home, cache = Path(folder, "home"), Path(folder, "cache")
        call_in_a_process(_prepare, home, environment={})
        # These fill the cache.
        for name in ("describe, new store", "search, one photo", "evaluate", "info MODEL"):
            _run(home, _ROWS[name], cache)
            if name == "describe, new store":
                (home / "new").rename(home / "store")

        def measure(name: str) -> tuple[float, float]:
            copy, own = Path(folder, "copy"), Path(folder, "empty")
            shutil.copytree(home, copy)
            try:
                return _run(copy, _ROWS[name], own if name.endswith("first") else cache)
            finally:
                shutil.rmtree(copy)
                shutil.rmtree(own, ignore_errors=True)

        found = measure_in_turns(tuple(_ROWS), 1 if short else rounds, measure)
    print(f"\n{'placevec':22s} {'s (least to most)':>22s} {'MB':>6s}")
    for name, rows in found.items():
        seconds, memory = zip(*rows, strict=True)
        spread = f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
        print(f"{name:22s} {spread:>22s} {statistics.median(memory):6.0f}")


def _run(folder: Path, arguments: list[str], cache: Path) -> tuple[float, float]:
    """Returns the seconds and MB of one verb that runs in a folder."""
    command = [sys.executable, "-c", _RUN, sys.executable, "-m", "placevec", *arguments]
    environment = {**os.environ, "PLACEVEC_CACHE": str(cache)}
    answer = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    code, errors, seconds, memory = json.loads(answer.stdout)
    if code not in (0, 1):  # 1 means that check found something
        raise RuntimeError(f"placevec {' '.join(arguments)} ended with {code}: {errors}")
    return seconds, memory


def _prepare(home: Path) -> None:
    """Writes a network, twelve photos of six places, and a copy of one photo."""
    from placevec.config import ModelConfig, TrainConfig
    from placevec.models import build_descriptor_model, save_model

    (home / "photos").mkdir(parents=True)
    model = build_descriptor_model(ModelConfig(weights="none"), TrainConfig().image_size)
    save_model(model, home / "m.keras")
    rng = np.random.default_rng(0)
    for number in range(12):
        east = 100 * (number // 2) + number % 2
        photo = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), (640, 480))
        cv2.imwrite(str(home / "photos" / f"@{east}@0@.jpg"), photo)
    shutil.copy(home / "photos" / "@0@0@.jpg", home / "one.jpg")


if __name__ == "__main__":
    tyro.cli(main)
