"""Hard negatives: photos of other places that the network takes for the query's place."""

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import numpy as np

from placevec.places import TupleSampler
from placevec.retrieval import describe, nearest, no_progress
from placevec.whole_file import whole_file


def hardest_negatives(
    model: keras.Model,
    sampler: TupleSampler,
    count: int,
    *,
    image_size: tuple[int, int],
    progress: Callable[..., Iterable] = no_progress,
) -> np.ndarray:
    """Finds the negatives of each query that are most similar to it.

    Every photo is described once and compared with the whole database.

    Args:
        model: keras.Model. A descriptor model.
        sampler: TupleSampler. Knows which photos are no negatives of a query.
        count: int. `M`, how many to find for each query.
        image_size: (int, int). Rows and columns that photos are resized to.
        progress: callable. `tqdm`, or what has its arguments; draws a bar.

    Returns:
        (Q, M) int64. For each of `sampler.queries` rows of the data set, most similar first; -1
        where a query has fewer, or is a photo that cannot be read.
    """
    dataset = sampler.dataset
    descriptors, kept = describe(model, dataset.paths(), image_size=image_size, progress=progress)
    row_of = np.full(len(dataset), -1)
    row_of[kept] = np.arange(len(kept))
    database = dataset.database[row_of[dataset.database] >= 0]
    hardest = np.full((len(sampler.queries), count), -1, np.int64)
    barred = [sampler.near(query) for query in sampler.queries]
    wanted = count + max(len(near) for near in barred)
    readable = np.flatnonzero(row_of[sampler.queries] >= 0)
    found, _ = nearest(
        descriptors[row_of[database]], descriptors[row_of[sampler.queries[readable]]], wanted
    )
    for place, photos in zip(readable, database[found], strict=True):
        negatives = photos[~np.isin(photos, barred[place])][:count]
        hardest[place, : len(negatives)] = negatives
    return hardest


def save_mined(path: Path, epoch: int, negatives: np.ndarray) -> None:
    """Writes the negatives mined for an epoch, whole or not at all."""
    with whole_file(path) as unfinished:
        np.savez(unfinished, epoch=epoch, negatives=negatives)


def load_mined(path: Path, epoch: int) -> np.ndarray | None:
    """Reads the negatives mined for an epoch; None if the file has none of that epoch."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["negatives"] if int(arrays["epoch"]) == epoch else None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
