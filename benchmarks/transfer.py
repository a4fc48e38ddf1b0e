"""Measures whether training on rendered photos helps on real ones.

It trains MobileNetV2 up to `block_9_add` with NetVLAD for the same steps, with the same number of
photos in a step, from the same start: ImageNet's weights, and clusters from photos of the synthetic
town, so that the start has seen no photo of the real places. The sharpness of the assignment is
measured on the photos of each row. Rows differ in the training photos. ImageNet's weights are in
`CAMBRIDGE/../weights`, or are downloaded; the worlds are rendered first. It prints recall@1 on
`CAMBRIDGE/val` and, if given, on a sequence of another kind of place, before the first step and
after the last, with a figure for each seed:

    python benchmarks/transfer.py CAMBRIDGE --worlds DIR/street-1 DIR/alpine-2 \
        --corridor CORRIDOR --out FOLDER

A finished run is not repeated, so you can stop the command and run it again. After a change of the
rows, give another folder.
"""

import argparse
import logging
import shutil
from pathlib import Path

import numpy as np
import scipy.io

from placevec.cli import one_line_errors
from placevec.config import (
    AugmentConfig,
    ModelConfig,
    ModelRenderConfig,
    OptimizerConfig,
    TownRenderConfig,
    TrainConfig,
    TupleConfig,
    changed,
)

_STEPS, _EPOCHS = 25, 2
_IMAGE_SIZE = (160, 224)
_LAYER = "block_7_expand"
_NUM_PHOTOS = 1000  # photos of each world
_VISITS = ("day", "overcast", "afternoon", "dusk", "fog")


def settings(data: Path, run_dir: Path, seed: int, places: str, **changes: object) -> TrainConfig:
    """Returns the settings of one run."""
    weights = data.resolve().parent / "weights" / "mobilenetv2_imagenet_through_block13.npz"
    usual = TrainConfig(
        places=places,
        validation=f"table:{data}/val",
        out=run_dir,
        image_size=_IMAGE_SIZE,
        steps_per_epoch=_STEPS,
        epochs=_EPOCHS,
        validate_every=_EPOCHS,
        seed=seed,
        model=ModelConfig(weights=str(weights) if weights.exists() else "imagenet"),
        tuples=TupleConfig(positive_radius_m=10.0, max_heading_difference_deg=30.0),
        augment=AugmentConfig(flip_tuples=True),
        optimizer=OptimizerConfig(
            learning_rate=1e-4, warmup_steps=10, cosine_decay=True, train_from_layer=_LAYER
        ),
    )
    return changed(usual, **changes)


def main() -> None:
    """Renders and trains what is missing, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", metavar="CAMBRIDGE", type=Path, help="folder of train and val")
    parser.add_argument("--worlds", type=Path, nargs="+", required=True, help="3-D models")
    parser.add_argument("--corridor", type=Path, help="folder of a sequence, right within 2 frames")
    parser.add_argument("--out", type=Path, required=True, help="folder for photos and runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", help="first words of the rows wanted")
    own = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    from placevec.evaluation import evaluate
    from placevec.models import load_model
    from placevec.sources import open_places

    rendered = [_render(world, own.out) for world in own.worlds]
    restyled = [_render(world, own.out, randomize_textures=True) for world in own.worlds]
    town = _render("town", own.out) + "/train"
    worlds, real = " + ".join(rendered), f"table:{own.data}/train"
    by_points = {"positive_rule": "shared_points", "max_heading_difference_deg": None}
    rows = {
        "town": (town, {}),
        "worlds": (worlds, {}),
        "cambridge": (real, {}),
        "cambridge + worlds": (f"{real} + {worlds}", {}),
        "worlds, any heading within 10 m": (worlds, {"max_heading_difference_deg": None}),
        "worlds, by shared points": (worlds, {**by_points, "min_overlap": 0.3}),
        "worlds, restyled": (" + ".join(restyled), {}),
        "worlds, augmented": (worlds, {"augmentation": "street"}),
        "cambridge + worlds + town": (f"{real} + {worlds} + {town}", {}),
    }
    sets = {"val": (open_places(f"table:{own.data}/val"), 25.0)}
    if own.corridor:
        sets["corridor"] = (open_places(f"sequence:{own.corridor}"), 2.0)
    print(f"| trained on | {' | '.join(f'{name} before | after' for name in sets)} |")
    print("|---" * (1 + 2 * len(sets)) + "|")
    for number, (name, (places, changes)) in enumerate(rows.items()):
        if own.only and number and not any(name == word for word in own.only):
            continue
        runs = []
        for seed in own.seeds:
            run = own.out / f"{number}-{seed}"
            if number:
                changes = {**changes, "clusters": str(own.out / f"clusters-{seed}.mat")}
            runs.append(_train(settings(own.data, run, seed, places, **changes)))
            if not number:
                _save_clusters(load_model(run / "untrained.keras"), own.out, seed)
        cells = []
        for dataset, radius_m in sets.values():
            for file in ("untrained.keras", "model.keras"):
                shares = [
                    evaluate(dataset, load_model(run / file), radius_m=radius_m).recall[1]
                    for run in runs
                ]
                words = " ".join(f"{100 * share:.1f}" for share in shares)
                cells.append(f"{words} (mean {100 * np.mean(shares):.1f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _render(world: Path | str, out: Path, **changes: object) -> str:
    from placevec.rendering import render

    name = "-".join([Path(world).stem, *changes])
    common = {"out": out / "photos" / name, "pipe": "software"}
    if world == "town":
        chosen = TownRenderConfig(points=False, **common)
    else:
        chosen = ModelRenderConfig(
            num_photos=_NUM_PHOTOS, visits=_VISITS, val_share=0, points=not changes, **common,
            **changes,
        )  # fmt: skip
    print(render(world, chosen))
    return f"folder:{chosen.out}"


def _train(config: TrainConfig) -> Path:
    from placevec.training import train

    if not (config.out / "report.md").exists():
        shutil.rmtree(config.out, ignore_errors=True)
        train(config)
    return config.out


def _save_clusters(model: object, out: Path, seed: int) -> None:
    from placevec.layers import NetVLAD

    layer = next(layer for layer in model.layers if isinstance(layer, NetVLAD))
    scipy.io.savemat(out / f"clusters-{seed}.mat", {"clsts": np.asarray(layer.centers).T})


if __name__ == "__main__":
    with one_line_errors():
        main()
