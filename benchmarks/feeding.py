"""Measures whether tuples reach the network faster than it learns from them.

    python benchmarks/feeding.py
    python benchmarks/feeding.py --short

docs/lab/performance.md has what it printed.

It makes photos (JPEG, 480x640), draws tuples of them as a training does, and takes them from
`TupleBatches` without a network: the first epoch, which decodes every photo, and the second, which
finds them in `PhotoCache`; each with threads that augment, and with processes. All variants of an
augmentation must give the same bytes. It also times the training step of the default network alone,
on photos in memory, for several numbers of tuples. The rounds of all variants take turns in random
order, so that other work on the machine affects them equally. It prints tuples per second (the
middle half of the rounds in brackets), and the ratio to the fastest training step. With a ratio
above 1 the network never waits.
"""

# ruff: noqa: E402
from placevec.process.freed_memory import keep_freed_memory

keep_freed_memory()  # as the command line does; before NumPy starts its threads

import contextlib
import hashlib
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import keras
import numpy as np
import tyro
from machine import describe_machine, describe_peaks, peaks, roofline

from placevec.config import TrainConfig, TupleConfig
from placevec.images import AugmentWorkers, PhotoCache
from placevec.models import build_descriptor_model, measure_model
from placevec.places import TupleSampler
from placevec.sources import open_places
from placevec.training import TupleBatches
from placevec.training.step.tuple_model import make_tuple_model

_PHOTO_SIZE = (480, 640)
_CACHE_BYTES = 2**30


@dataclass(frozen=True)
class Variant:
    """One way to load batches."""

    augmentation: str
    workers: str
    num_workers: int
    is_cached: bool

    def __str__(self) -> str:
        epoch = "cached" if self.is_cached else "first"
        return f"{self.augmentation:8s} {self.num_workers} {self.workers:9s} {epoch:6s}"


def main(
    augmentations: tuple[str, ...] = ("none", "light", "street", "typical", "heavy"),
    num_workers: tuple[int, ...] = (1, 2),
    num_negatives: int = TupleConfig.num_negatives,
    tuples: int = 24,
    step_tuples: tuple[int, ...] = (1, 4, 16),
    rounds: int = 5,
    short: bool = False,
) -> None:
    """Times the loader alone and the training step alone, and prints two tables.

    Args:
        augmentations: Presets.
        num_workers: Numbers of threads, or of processes besides as many threads.
        num_negatives: Negatives in a tuple, besides the query and one positive.
        tuples: Tuples in a round.
        step_tuples: Tuples in a training step.
        rounds: Number of times that each variant is timed.
        short: Two augmentations, few tuples and two rounds, to see whether it runs.
    """
    if short:
        augmentations, num_workers, tuples = ("none", "street"), (2,), 8
        step_tuples, rounds = (4,), 2
    best = peaks()
    print(f"{describe_machine()}\n{describe_peaks(best)}")
    photos = 2 + num_negatives
    rates = _train(step_tuples, photos, rounds)
    fastest = max(np.median(rate) for rate in rates.values())
    print(f"\n{keras.backend.backend()}, tuples of {photos} photos of {_size()}")
    print("training step   tuples/s (middle half)   photos/s")
    for count, rate in rates.items():
        print(f"{count:4d} tuples     {_spread(rate)} {photos * np.median(rate):10.1f}")
    print(_roofline(rates, photos, best), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        _write_photos(Path(folder), tuples)
        loaded = _load(Path(folder), augmentations, num_workers, num_negatives, tuples, rounds)
    print("\nloader alone                tuples/s (middle half)   photos/s  ratio to the network")
    for variant, rate in loaded.items():
        middle = np.median(rate)
        print(f"{variant}  {_spread(rate)} {photos * middle:10.1f} {middle / fastest:8.1f}")


def _load(
    folder: Path, augmentations: tuple, counts: tuple, num_negatives: int, tuples: int, rounds: int
) -> dict[Variant, list[float]]:
    """Returns tuples per second for each round of each variant."""
    sampler = TupleSampler(
        open_places(f"folder:{folder}"),
        **vars(
            TupleConfig(
                num_positives=1,
                num_negatives=num_negatives,
                positive_radius_m=10.0,
                negative_radius_m=25.0,
            )
        ),
    )
    batch_size = 4
    source = TupleBatches(
        sampler, TrainConfig.image_size, 3, batch_size=batch_size,
        steps_per_epoch=tuples // batch_size,
    )  # fmt: skip
    tuple_bytes = (2 + num_negatives) * np.prod(TrainConfig.image_size) * 3
    rates, digests = {}, {}
    with contextlib.ExitStack() as stack:
        sources = {}
        for augmentation in augmentations:
            for count in counts:
                for kind in ("threads", "processes") if augmentation != "none" else ("threads",):
                    workers = None
                    if kind == "processes":
                        opened = AugmentWorkers(
                            augmentation, num_workers=count, max_bytes=int(tuple_bytes)
                        )
                        workers = stack.enter_context(opened)
                    sources[augmentation, kind, count] = replace(
                        source, augmentation=augmentation, num_workers=count, workers=workers
                    )
        rng = np.random.default_rng(0)
        for turn in range(rounds + 1):
            for place in rng.permutation(len(sources)):
                augmentation, kind, count = list(sources)[place]
                cached = replace(sources[augmentation, kind, count], cache=PhotoCache(_CACHE_BYTES))
                for is_cached in (False, True):
                    rate, digest = _take(cached, tuples)
                    if digests.setdefault(augmentation, digest) != digest:
                        raise ValueError(f"Batches of {augmentation} must not depend on {kind}")
                    if turn:  # The first turn also starts threads, processes and libraries.
                        variant = Variant(augmentation, kind, count, is_cached)
                        rates.setdefault(variant, []).append(rate)
    return dict(sorted(rates.items(), key=lambda each: _order(each[0], augmentations)))


def _order(variant: Variant, augmentations: tuple[str, ...]) -> tuple:
    place = augmentations.index(variant.augmentation)
    return place, variant.workers == "processes", variant.num_workers, variant.is_cached


def _take(source: TupleBatches, tuples: int) -> tuple[float, str]:
    """Returns tuples per second of an epoch, and a digest of its bytes."""
    start = time.perf_counter()
    batches = [photos for photos, _ in source.epoch(0)]
    rate = source.batch_size * source.steps_per_epoch / (time.perf_counter() - start)
    return rate, hashlib.sha256(np.concatenate(batches)).hexdigest()


def _train(step_tuples: tuple[int, ...], tuple_size: int, rounds: int) -> dict[int, list[float]]:
    """Returns tuples per second of each training step."""
    rng = np.random.default_rng(0)
    config = TrainConfig(tuples=TupleConfig(num_negatives=tuple_size - 2))
    keras.utils.set_random_seed(0)
    model = build_descriptor_model(config.model, config.image_size)
    step = make_tuple_model(model, config).train_on_batch
    rates = {count: [] for count in step_tuples}
    for turn in range(rounds + 1):
        for count in rng.permutation(step_tuples).tolist():
            shape = (count, tuple_size, *config.image_size, 3)
            photos = rng.integers(0, 256, shape, np.uint8)
            labels = np.zeros((count, tuple_size, 2), np.float32)
            start = time.perf_counter()
            step(photos, labels)
            keep_freed_memory()
            if turn:  # The first turn also compiles.
                rates[count].append(count / (time.perf_counter() - start))
    return rates


def _roofline(rates: dict[int, list[float]], tuple_size: int, best: dict[str, float]) -> str:
    """Returns the line of the fastest step. A gradient costs twice as much as the network."""
    config = TrainConfig()
    model = build_descriptor_model(config.model, config.image_size)
    count, rate = max(rates.items(), key=lambda each: np.median(each[1]))
    photos = count * tuple_size
    cost = measure_model(model, image_size=config.image_size, batch_size=photos)
    # Each output is written and read in the forward pass, and so is its gradient in the backward.
    line = roofline(3 * photos * cost.flops, 4 * cost.memory_bytes, count / max(rate), best)
    return f"step of {count} tuples, the fastest: {line}"


def _write_photos(folder: Path, tuples: int) -> None:
    """Writes photos of synthetic places, three of each."""
    rng = np.random.default_rng(0)
    for place in range(max(4, tuples)):
        small = rng.integers(0, 256, (30, 40, 3), np.uint8)
        texture = cv2.resize(small, _PHOTO_SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        texture = np.clip(texture + rng.normal(0, 8, texture.shape), 0, 255).astype(np.uint8)
        for visit in range(3):
            name = f"@{50.0 * place:.2f}@{float(visit):.2f}@@@@@{visit}@.jpg"
            cv2.imwrite(str(folder / name), np.roll(texture, 5 * visit, axis=1))


def _spread(rates: list[float]) -> str:
    low, middle, high = np.percentile(rates, [25, 50, 75])
    return f"{middle:9.1f} ({low:.1f} to {high:.1f})".ljust(26)


def _size() -> str:
    return "x".join(map(str, TrainConfig.image_size))


if __name__ == "__main__":
    tyro.cli(main)
