"""Measures how much recall remains if the queries change and the database does not.

It evaluates a data set as it is, and with its queries changed: dusk (darker, warmer, some noise),
night (very dark, noisy, brightened again), lamps (dark except for a few pools of light), season
(snow or autumn leaves where there is green), and zoom (a part of the photo, 65 to 80 % of its
side). All changes are synthetic. Lamps and nights are made differently from those of the
augmentations `street` and `light`, but resemble them. The set must have color photos and separate
queries. It prints recall@1 of each model for each change, and the mean:

    python benchmarks/changed_queries.py table:CAMBRIDGE/val --model A.keras B.keras
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from placevec.cli import one_line_errors

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def dusk(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gamma 1.5, a gain of 0.35 to 0.6, warmer, noise of 3 gray levels."""
    dark = (photo / 255.0) ** 1.5 * rng.uniform(0.35, 0.6) * 255 * [1.1, 1.0, 0.85]
    return _pixels(dark + rng.normal(0, 3, photo.shape))


def night(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gamma 2, a gain of 0.12 to 0.3, noise of light and sensor, then brighter by up to 2.5."""
    dark = (photo / 255.0) ** 2 * rng.uniform(0.12, 0.3) * 255 * [1.1, 1.0, 0.8]
    dark = rng.poisson(dark * 0.6) / 0.6 + rng.normal(0, 2, photo.shape)
    return _pixels(np.clip(dark, 0, 255) * rng.uniform(1, 2.5))


def lamps(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two to five pools of light of one color, a dark sky, noise of 5 gray levels."""
    rows, cols = photo.shape[:2]
    y, x = np.mgrid[:rows, :cols].astype(np.float32)
    light = np.full((rows, cols), rng.uniform(0.05, 0.15), np.float32)
    for _ in range(rng.integers(2, 6)):
        spread, height = rng.uniform(25, 80), rng.uniform(0.3, 1.1)
        across, down = rng.uniform(0, cols), rng.uniform(0.2 * rows, rows)
        light += height * np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * spread**2))
    sky = 1 / (1 + np.exp(-(y - rng.uniform(0.1, 0.45) * rows) / 12))
    light *= 0.15 + 0.85 * sky
    color = [1.25, 1.0, 0.55] if rng.random() < 0.6 else [0.95, 1.0, 1.1]
    lit = (photo / 255.0) ** 1.2 * light[:, :, None] * color * 255
    return _pixels(lit + rng.normal(0, 5, photo.shape))


def season(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Snow on green and on the ground, or green turned yellow to red; then duller."""
    hue, saturation, value = cv2.split(cv2.cvtColor(photo, cv2.COLOR_RGB2HSV).astype(np.float32))
    green = ((hue > 25) & (hue < 95) & (saturation > 35)).astype(np.float32)
    green = cv2.GaussianBlur(green, (0, 0), 1.5)
    if rng.random() < 0.5:
        down = np.linspace(0, 1, len(photo), dtype=np.float32)[:, None]
        ground = np.clip((down - rng.uniform(0.55, 0.75)) * 8, 0, 1) * (saturation < 70)
        snow = np.maximum(green * rng.uniform(0.5, 1), ground * rng.uniform(0.5, 1))
        grain = cv2.GaussianBlur(rng.normal(0, 25, value.shape).astype(np.float32), (0, 0), 2)
        saturation = saturation * (1 - 0.8 * snow) * 0.7
        value = value * (1 - snow) + snow * (205 + grain + 0.15 * value)
    else:
        hue = hue * (1 - green) + green * rng.uniform(5, 22)
        saturation = saturation * (1 + 0.6 * green)
        value = value * (1 - green * rng.uniform(0, 0.4))
    seen = cv2.cvtColor(_pixels(np.stack([hue, saturation, value], axis=2)), cv2.COLOR_HSV2RGB)
    mean = seen.mean()
    return _pixels((seen - mean) * rng.uniform(0.6, 0.95) + mean * rng.uniform(0.8, 1.2))


def zoom(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A part of the photo, 0.65 to 0.8 of its side, enlarged to the size of the photo."""
    rows, cols = photo.shape[:2]
    share = rng.uniform(0.65, 0.8)
    top, left = rng.uniform(0, 1 - share, 2) * [rows, cols]
    part = photo[int(top) : int(top + share * rows), int(left) : int(left + share * cols)]
    return cv2.resize(part, (cols, rows))


CHANGES: dict[str, Change] = {
    "dusk": dusk, "night": night, "lamps": lamps, "season": season, "zoom": zoom,
}  # fmt: skip


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("places", metavar="READER:PATH")
    parser.add_argument("--model", type=Path, nargs="+", required=True)
    parser.add_argument("--radius-m", type=float, default=25.0)
    own = parser.parse_args()
    from placevec.evaluation import evaluate_photos
    from placevec.models import load_model
    from placevec.retrieval import describe
    from placevec.sources import open_places

    dataset = open_places(own.places)
    if (dataset.is_query & dataset.is_database).any():
        parser.error(f"{own.places} has photos that are query and database at once")
    print(f"| recall@1, % | as taken | {' | '.join(CHANGES)} | mean |")
    print("|---" * (3 + len(CHANGES)) + "|")
    for path in own.model:
        model = load_model(path)
        found = [describe(model, dataset.paths())]
        for number, change in enumerate(CHANGES.values()):
            descriptors, kept = found[0]
            descriptors = descriptors.copy()
            descriptors[dataset.queries], _ = describe(
                model, dataset.paths(dataset.queries), change=_seeded(change, number)
            )
            found.append((descriptors, kept))
        shares = []
        for each in found:
            results = evaluate_photos(
                dataset,
                model,
                radius_m=own.radius_m,
                min_time_difference_s=None,
                image_size=None,
                skip_unreadable=False,
                describe_photos=_returning(each),
            )
            shares.append(100 * results.recall[1])
        cells = " | ".join(f"{share:.1f}" for share in [*shares, np.mean(shares)])
        print(f"| {path} | {cells} |", flush=True)


def _seeded(change: Change, number: int) -> Callable[[np.ndarray, int], np.ndarray]:
    return lambda photo, place: change(photo, np.random.default_rng([number, place]))


def _returning(found: tuple[np.ndarray, np.ndarray]) -> Callable:
    return lambda *_, **__: found


def _pixels(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    with one_line_errors():
        main()
