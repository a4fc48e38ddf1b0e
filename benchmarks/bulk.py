"""How much faster do Ray's workers describe than this process alone?

    python benchmarks/bulk.py
    python benchmarks/bulk.py --short

docs/performance.md has what it printed. Needs Ray (`pip install 'placevec[ray]'`).

Makes photos (JPEG, 480x640) and describes them with the default network of random weights by
`describe_bulk`, in this process and by 1 and 2 workers on this machine. Prints photos a second from
the first shard on, the ratio to this process, and the seconds before, which starting Ray and
loading the model takes. All must write the same bytes.
"""

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
from machine import describe_machine

from placevec.config import ModelConfig
from placevec.models import build_descriptor_model, load_model, save_model
from placevec.retrieval import describe_bulk


def main(
    photos: int = 384,
    shard_size: int = 16,
    batch_size: int = 8,
    workers: tuple[int, ...] = (0, 1, 2),
    short: bool = False,
) -> None:
    """Times describing in shards and prints a table.

    Args:
        photos: Photos to describe.
        shard_size: Photos in a shard.
        batch_size: Photos in a batch.
        workers: Processes of Ray; 0 is this process.
        short: Few photos, no more than one worker: whether it runs, not what it gains.
    """
    if short:
        photos, shard_size, workers = 32, 8, (0, 1)
    if not importlib.util.find_spec("ray"):
        raise SystemExit("left out: needs Ray (pip install 'placevec[ray]')")
    print(describe_machine())
    print("workers       photos/s  ratio  seconds before the first shard")
    alone = None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = _write_photos(root, photos)
        model = root / "model.keras"
        keras.utils.set_random_seed(0)
        save_model(build_descriptor_model(ModelConfig(), (240, 320)), model)
        for count in workers:
            out = root / f"by-{count}"
            start = time.time()
            describe_bulk(
                functools.partial(load_model, model), root, names, out, num_workers=count,
                shard_size=shard_size, batch_size=batch_size,
            )  # fmt: skip
            ends = sorted(path.stat().st_mtime for path in out.glob("0*[0-9].npy"))
            first = max(count, 1)  # each worker's first shard waits for what loads
            rate = shard_size * (len(ends) - first) / (ends[-1] - ends[first - 1])
            alone = alone or (rate, _contents(out))
            if _contents(out) != alone[1]:
                raise ValueError(f"{count} workers must write the bytes of this process")
            name = f"{count} of Ray" if count else "this process"
            print(f"{name:12s} {rate:9.1f} {rate / alone[0]:6.2f} {ends[0] - start:9.1f}")
    print(f"the same {len(names)} descriptors, byte for byte")


def _contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def _write_photos(root: Path, count: int) -> list[str]:
    rng = np.random.default_rng(0)
    names = [f"{number:05d}.jpg" for number in range(count)]
    for name in names:
        small = rng.integers(0, 256, (30, 40, 3), np.uint8)
        cv2.imwrite(os.fspath(root / name), cv2.resize(small, (640, 480)))
    return names


if __name__ == "__main__":
    tyro.cli(main)
