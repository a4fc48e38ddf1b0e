"""Measures how a JPEG decoder that shrinks photos changes pixels, cosine and recall.

    python benchmarks/scaled_decoding.py READER:PATH --model MODEL --image-size 160 160

docs/lab/performance.md has what it printed. It describes the photos of a data set with positions
twice: read by `read_image`, and decoded in full and then averaged over areas. Give a size of at
most half of the photos' own size.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np
import tyro
from machine import describe_machine

from placevec.evaluation import evaluate
from placevec.images import read_image
from placevec.images.read import resize_image
from placevec.models import open_engine
from placevec.sources import open_places


def main(places: tyro.conf.Positional[str], model: Path, image_size: tuple[int, int]) -> None:
    """Prints a table.

    Args:
        places: READER:PATH of photos with positions.
        model: A .keras file.
        image_size: Rows and columns.
    """
    dataset = open_places(places)
    engine = open_engine(model, image_size=image_size)
    descriptors = {}
    print(describe_machine())
    print("| | photos/s to decode | recall@1 | recall@5 | recall@10 |\n|---|---|---|---|---|")
    for way, read in (("decoded in full", in_full), ("shrunk by the decoder", read_image)):
        start = time.perf_counter()
        for path in dataset.paths()[:300]:
            read(path, image_size=image_size, channels=3)
        speed = min(300, len(dataset)) / (time.perf_counter() - start)
        with_reader(read)
        found = []

        def keep(photos: np.ndarray, found: list = found) -> np.ndarray:
            found.append(engine(photos))
            return found[-1]

        shares = evaluate(dataset, keep, image_size=image_size).recall.values()
        descriptors[way] = np.concatenate(found)[: len(dataset)]
        print(f"| {way} | {speed:.0f} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |")
    cosines = np.sum(np.multiply(*descriptors.values()), axis=1)
    differences = [
        np.abs(read_image(path, image_size=image_size) - in_full(path, image_size).astype(int))
        for path in dataset.paths()[:300]
    ]
    print(f"gray levels: {np.mean(differences):.2f} on average; cosine: median "
          f"{np.median(cosines):.4f}, least {cosines.min():.4f}")  # fmt: skip


def in_full(path: Path, image_size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Reads a photo without the scaling of the decoder."""
    return cv2.cvtColor(resize_image(cv2.imread(str(path)), *image_size), cv2.COLOR_BGR2RGB)


def with_reader(read: object) -> None:
    """Makes `describe` read photos with another function."""
    sys.modules["placevec.models.describe"].read_image = read


if __name__ == "__main__":
    tyro.cli(main)
