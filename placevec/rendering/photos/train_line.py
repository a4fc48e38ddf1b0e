"""The `train` command that fits rendered photos."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from placevec.config import RenderConfig, TupleConfig
from placevec.places import PlaceDataset, TupleSampler, extent_m
from placevec.sources import open_places

# Keras keeps the ImageNet weights of the default backbone, MobileNetV2, in this file.
_IMAGENET_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
_FLAGS = {
    "positive_rule": "--positive-rule",
    "positive_radius_m": "--positive-radius-m",
    "negative_radius_m": "--negative-radius-m",
    "view_depth_m": "--view-depth-m",
    "min_time_difference_s": "--min-time-difference-s",
}


def train_lines(
    out_dir: Path, parts: list[str], settings: RenderConfig, *, is_of_one_time: bool
) -> list[str]:
    """Returns a ready-to-run command that trains on rendered photos, with a remark.

    Args:
        out_dir: Path. Folder of the photos.
        parts: list of str. What follows the folder for train, val and, if it exists, test.
        settings: RenderConfig. Settings of the rendering.
        is_of_one_time: bool. Whether all photos were taken at one time.

    Returns:
        list of str. The command and a sentence on its weights, or a sentence that says why no
        training fits these photos.
    """
    if len(parts) < 2:
        return ["No `train` line: the photos are not split into photos to train on and others"]
    places = [f"folder:{out_dir}{part}" for part in parts]
    rules = _fitting_rules(open_places(places[0]), settings.points, is_of_one_time)
    if rules is None:
        return [
            f"No `train` line: the photos of {places[0]} are too few or too close together. Take "
            "more, or places farther apart"
        ]
    others = zip(("--validation", "--test"), places[1:], strict=False)
    flags = [text for each in others for text in each]
    defaults = TupleConfig()
    for name, flag in _FLAGS.items():
        if getattr(rules, name) != getattr(defaults, name):
            value = getattr(rules, name)
            flags += [flag, value if isinstance(value, str) else f"{value:g}"]
    weights, sentence = _weights()
    rows, columns = settings.image_size
    flags += [
        *weights,
        "--image-size",
        str(rows),
        str(columns),
        "--out",
        f"runs/{out_dir.name}",
    ]
    return [" ".join(["placevec", "train", *map(_quoted, [places[0], *flags])]), sentence]


def _quoted(text: str) -> str:
    """Returns text quoted for a shell; `#` inside a word needs no quotes."""
    plain = text.replace("#", "")
    return text if shlex.quote(plain) == plain else shlex.quote(text)


def _weights() -> tuple[list[str], str]:
    """Returns the flags that start from ImageNet weights if they are here, and a remark."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    if (home / _IMAGENET_FILE).is_file():
        return ["--model.weights", "imagenet"], f"It starts from ImageNet's weights, in {home}"
    return [], (
        f"It starts from random weights: ImageNet's are not in {home}. Better for real photos: "
        "`--model.weights imagenet` downloads them once"
    )


def _fitting_rules(
    dataset: PlaceDataset, has_points: bool, is_of_one_time: bool
) -> TupleConfig | None:
    """Returns the first rules for positives and negatives that give tuples."""
    rules = _rules(dataset, has_points, is_of_one_time)
    return next((each for each in rules if _gives_tuples(dataset, each)), None)


def _rules(dataset: PlaceDataset, has_points: bool, is_of_one_time: bool) -> Iterator[TupleConfig]:
    """Yields rules, the best one first: by shared points or by distance, usual or narrow ones."""
    if not len(dataset):
        return
    usual = TupleConfig()
    if is_of_one_time:
        usual = replace(usual, min_time_difference_s=0.0)
    far_m = min(usual.negative_radius_m, _rounded(extent_m(dataset.known("positions_m")) / 2))
    narrow = {"positive_radius_m": min(usual.positive_radius_m, far_m), "negative_radius_m": far_m}
    if has_points:
        by_points = replace(usual, positive_rule="shared_points")
        depth_m = min(usual.view_depth_m, max(far_m / 2, 0.1))
        yield by_points
        yield replace(by_points, view_depth_m=depth_m)
        yield replace(by_points, view_depth_m=depth_m, **narrow)
    yield usual
    yield replace(usual, **narrow)


def _rounded(metres: float) -> float:
    return float(f"{metres:.2g}")


def _gives_tuples(dataset: PlaceDataset, rules: TupleConfig) -> bool:
    if extent_m(dataset.known("positions_m")) <= rules.pair_radius_m:
        return False
    try:
        sampler = TupleSampler(dataset, **vars(rules))
    except ValueError:
        return False
    return any(len(sampler.near(query)) < len(dataset.database) for query in sampler.queries)
