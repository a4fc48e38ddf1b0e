"""Compares choices for a short training on the streets of one town.

It trains MobileNetV2 up to `block_9_add` with NetVLAD on `CAMBRIDGE/train`. Every row has the same
number of photos in a step, the same steps and the same learning layers; its name says what differs
from the first row. ImageNet's weights are in `CAMBRIDGE/../weights`, or are downloaded. It prints
recall@1 on `CAMBRIDGE/val` and, if given, on a sequence of another kind of place, of each row and
seed before the first step and after the last:

    python benchmarks/training_choices.py CAMBRIDGE --corridor CORRIDOR --out FOLDER

A finished run is not repeated, so you can stop the command and run it again. After a change of the
rows, give another folder.
"""

import argparse
import logging
import shutil
from pathlib import Path

import numpy as np

from placevec.cli import one_line_errors
from placevec.config import (
    AugmentConfig,
    ModelConfig,
    OptimizerConfig,
    TrainConfig,
    TupleConfig,
    changed,
)

_LAYER = "block_7_expand"
_STEPS, _EPOCHS = 40, 2
_TUPLES = {"num_positives": 2, "num_negatives": 6, "batch_size": 4}  # 36 photos a step
_IN_BATCH = {"num_positives": 2, "num_negatives": 0, "batch_size": 12, "mining": "random"}
_BASE = {**_TUPLES, "mining": "partial", "num_hard_negatives": 30, "loss": "triplet_ranking"}
_PAPER = {**_TUPLES, "mining": "paper", "positives": "best", "loss": "triplet_ranking"}
_ROWS: dict[str, dict] = {
    "partial mining, triplet, k-means, K = 16": _BASE,
    "random clusters": {**_BASE, "clusters": "random"},
    "random tuples": {**_TUPLES, "mining": "random", "loss": "triplet_ranking"},
    "mining of the paper": _PAPER,
    "in the batch: Multi-Similarity": {**_IN_BATCH, "loss": "multi_similarity"},
    "all-pair hinge": {**_BASE, "loss": "allpair_hinge"},
    "K = 32": {**_BASE, "num_clusters": 32},
    "K = 64": {**_BASE, "num_clusters": 64},
}
_WHITENED = ("whitened to 512 numbers", 512)


def settings(data: Path, run_dir: Path, seed: int, row: dict) -> TrainConfig:
    """Returns the settings of one run."""
    weights = data.resolve().parent / "weights" / "mobilenetv2_imagenet_through_block13.npz"
    row = dict(row)
    model = ModelConfig(
        weights=str(weights) if weights.exists() else "imagenet",
        num_clusters=row.pop("num_clusters", 16),
    )
    usual = TrainConfig(
        places=f"table:{data}/train",
        validation=f"table:{data}/val",
        out=run_dir,
        steps_per_epoch=_STEPS,
        epochs=_EPOCHS,
        validate_every=_EPOCHS,
        seed=seed,
        model=model,
        tuples=TupleConfig(positive_radius_m=15.0, max_heading_difference_deg=30.0),
        augment=AugmentConfig(flip_tuples=True),
        optimizer=OptimizerConfig(
            learning_rate=1e-4, warmup_steps=10, cosine_decay=True, train_from_layer=_LAYER
        ),
    )
    return changed(usual, **row)


def main() -> None:
    """Trains what is not trained yet, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", metavar="CAMBRIDGE", type=Path, help="folder of train and val")
    parser.add_argument("--corridor", type=Path, help="folder of a sequence, right within 2 frames")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    own = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    from placevec.evaluation import evaluate
    from placevec.models import load_model
    from placevec.sources import open_places
    from placevec.training import train, whiten

    sets = {"val": (open_places(f"table:{own.data}/val"), 25.0)}
    if own.corridor:
        sets["corridor"] = (open_places(f"sequence:{own.corridor}"), 2.0)
    training_set = open_places(f"table:{own.data}/train")
    print(f"| | {' | '.join(f'{name} before | after' for name in sets)} |")
    print("|---" * (1 + 2 * len(sets)) + "|")

    def print_row(name: str, pairs: list[tuple[Path, Path]]) -> None:
        """Prints recall@1 of the networks before and after, with a figure for each seed."""
        cells = []
        for dataset, radius_m in sets.values():
            for models in zip(*pairs, strict=True):
                shares = [
                    evaluate(dataset, load_model(path), radius_m=radius_m).recall[1]
                    for path in models
                ]
                words = " ".join(f"{100 * share:.1f}" for share in shares)
                cells.append(f"{words} (mean {100 * np.mean(shares):.1f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)

    for number, (name, row) in enumerate(_ROWS.items()):
        pairs = []
        for seed in own.seeds:
            run_dir = own.out / f"{number}-{seed}"
            if not (run_dir / "report.md").exists():
                shutil.rmtree(run_dir, ignore_errors=True)
                train(settings(own.data, run_dir, seed, row))
            pairs.append((run_dir / "untrained.keras", run_dir / "model.keras"))
        print_row(name, pairs)
        if number == 0:
            label, dim = _WHITENED
            whitened = []
            for pair in pairs:
                whitened.append(tuple(path.with_suffix(f".{dim}.keras") for path in pair))
                for path, goal in zip(pair, whitened[-1], strict=True):
                    whiten(path, training_set, dim, out=goal, overwrite=True, power=0.5)
            print_row(label, whitened)


if __name__ == "__main__":
    with one_line_errors():
        main()
