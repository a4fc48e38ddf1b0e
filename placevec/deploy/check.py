"""Checks that a file computes what Keras computes: on photos, and in recall."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placevec.deploy.files import Facts
from placevec.images import read_image
from placevec.models.engines.check import LARGEST_DIFFERENCE, compare
from placevec.models.files.shipped import PHOTOS_FOLDER

if TYPE_CHECKING:
    import keras

    from placevec.places import PlaceDataset

_LARGEST_IN_FLOAT16 = 5e-3
_LARGEST_RESIZED = 1e-3  # Libraries round a pixel between two gray levels up or down.
_LEAST_COSINE_IN_INT8 = 0.8
_MOST_RECALL_LOST = 0.05
_BATCHES = (1, 3)

Run = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
PhotosOfSize = Callable[[tuple[int, int]], NDArray[np.uint8]]


def photos_that_ship(channels: int) -> PhotosOfSize:
    """Returns a function that reads three of the photos that ship with placevec at a size."""
    paths: list[Path] = sorted(PHOTOS_FOLDER.rglob("*.jpg"))[: max(_BATCHES)]
    return lambda size: np.stack(
        [read_image(each, image_size=size, channels=channels) for each in paths]
    )


def check_file(
    run: Run, whole: "keras.Model", facts: Facts, precision: str, photos_of: PhotosOfSize
) -> list[dict[str, Any]]:
    """Compares the file with Keras at each size and batch.

    Args:
        run: callable. Runs the file as other programs do.
        whole: keras.Model. The network that was exported.
        facts: Facts.
        precision: str. Precision of the file.
        photos_of: callable. Returns at least three photos of a size.

    Returns:
        list of dict, each with `photos`, `least_cosine` and `largest_difference`.

    Raises:
        ValueError: If the file differs by more than its precision explains.
    """
    import keras

    rows, columns = facts.image_size
    sizes = [facts.image_size]
    if facts.takes_any_size:
        sizes.append((rows * 3 // 4 + 1, columns * 5 // 4 + 1))
    checked = []
    for size in sizes:
        photos = photos_of(size)
        for batch in _BATCHES:
            given = photos[:batch]
            expected = keras.ops.convert_to_numpy(whole(given))
            received = run(given)
            found = compare(lambda _, each=received: each, lambda _, each=expected: each, given[:1])
            checked.append({"photos": f"{batch} of {size[0]}x{size[1]}", **found})
    if problem := _problem(checked, facts, precision):
        raise ValueError(
            f"An export must compute what Keras computes. Received: {problem}. Nothing was "
            "written. Choose another format or precision"
        )
    return checked


def _problem(checked: list[dict[str, Any]], facts: Facts, precision: str) -> str | None:
    largest = _LARGEST_RESIZED if facts.resizes_inside else LARGEST_DIFFERENCE
    largest = _LARGEST_IN_FLOAT16 if precision == "float16" else largest
    for row in checked:
        if precision == "int8":
            if not row["least_cosine"] >= _LEAST_COSINE_IN_INT8:
                return (
                    f"for {row['photos']} a cosine of {row['least_cosine']:.3f}, below "
                    f"{_LEAST_COSINE_IN_INT8:g}"
                )
        elif not row["largest_difference"] <= largest:
            return (
                f"for {row['photos']} a largest difference of {row['largest_difference']:.1e}, "
                f"above {largest:g}"
            )
    return None


def check_recall(
    run: Run, whole: "keras.Model", facts: Facts, places: "PlaceDataset"
) -> dict[str, float]:
    """Measures recall@1 of Keras and of the file on the same places.

    Args:
        run: callable. Runs the file.
        whole: keras.Model. The network that was exported.
        facts: Facts.
        places: PlaceDataset.

    Returns:
        dict of `keras` and `file`, each from 0 to 1.

    Raises:
        ValueError: If the recall@1 of the file is lower by more than 0.05.
    """
    from placevec.evaluation import evaluate

    found = {
        name: evaluate(places, model, image_size=facts.image_size, normalize="none").recall[1]
        for name, model in (("keras", whole), ("file", run))
    }
    if found["keras"] - found["file"] > _MOST_RECALL_LOST:
        raise ValueError(
            f"An export may lose at most {100 * _MOST_RECALL_LOST:g} points of recall@1. Received: "
            f"{100 * found['keras']:.1f} % with Keras, {100 * found['file']:.1f} % with the file. "
            "Nothing was written. Choose another precision"
        )
    return found
