"""Measures how much faster Ray's workers describe than a single process.

    python benchmarks/describe_by_ray.py

It needs Ray (`pip install 'placevec[ray]'`).

It makes photos (JPEG, 480x640) and describes them with the default network and random weights, in
this process and with 1 and 2 workers on this machine. It prints photos per second from the first
part on, the ratio to this process, and the seconds before that, which starting Ray and loading the
model takes. All must give the same bytes.
"""

# ruff: noqa: E402
from placevec.process.freed_memory import keep_freed_memory

keep_freed_memory()  # as the command line does; before Keras is imported, for TensorFlow's oneDNN

import functools
import importlib.util
import os
import tempfile
import time
from pathlib import Path

import cv2
import keras
import numpy as np
import tyro
from machine import LeftOut, describe_machine

import placevec  # noqa: F401  before Keras, as the command line does, for TensorFlow's oneDNN
from placevec.config import ModelConfig
from placevec.models import build_descriptor_model, open_engine, save_model
from placevec.retrieval import describe_by_ray, describe_in_batches


def main(
    photos: int = 2048,
    batch_size: int = 1,
    workers: tuple[int, ...] = (0, 1, 2),
    short: bool = False,
) -> None:
    """Times describing and prints a table.

    Args:
        photos: Number of photos to describe.
        batch_size: Photos in a batch. A worker takes 64 batches at a time.
        workers: Numbers of Ray processes; 0 is this process.
        short: Few photos and at most one worker, to see whether it runs.
    """
    if short:
        photos, workers = 192, (0, 1)
    if not importlib.util.find_spec("ray"):
        raise LeftOut("It needs Ray (pip install 'placevec[ray]')")
    print(describe_machine())
    print("| | photos/s | ratio | seconds before the first part |\n|---|---|---|---|")
    alone = None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = [root / name for name in _write_photos(root, photos)]
        model = root / "model.keras"
        keras.utils.set_random_seed(0)
        save_model(build_descriptor_model(ModelConfig(), (240, 320)), model)
        opened = functools.partial(open_engine, model, engine="keras")
        for count in workers:
            start = time.perf_counter()
            described = (
                describe_by_ray(opened, paths, num_workers=count, batch_size=batch_size)
                if count
                else describe_in_batches(opened(), paths, batch_size=batch_size)
            )
            rows, ends, done = [], [], 0
            for descriptors, places in described:
                rows.append(descriptors)
                done += len(places)
                ends.append((time.perf_counter(), done))
            first = 64 * batch_size * max(count, 1)  # The first part of a worker waits for loading.
            begin = next(end for end in ends if end[1] >= first)
            rate = (done - begin[1]) / (ends[-1][0] - begin[0])
            data = np.concatenate(rows).astype(np.float32).tobytes()
            alone = alone or (rate, data)
            if data != alone[1]:
                raise ValueError(f"{count} workers must give the bytes of this process")
            name = f"{count} of Ray" if count else "this process"
            print(f"| {name} | {rate:.1f} | {rate / alone[0]:.2f} | {ends[0][0] - start:.1f} |")
    print(f"the same {done} descriptors, byte for byte")


def _write_photos(root: Path, count: int) -> list[str]:
    rng = np.random.default_rng(0)
    names = [f"{number:05d}.jpg" for number in range(count)]
    for name in names:
        small = rng.integers(0, 256, (30, 40, 3), np.uint8)
        cv2.imwrite(os.fspath(root / name), cv2.resize(small, (640, 480)))
    return names


if __name__ == "__main__":
    tyro.cli(main)
