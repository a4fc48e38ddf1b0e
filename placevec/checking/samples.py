"""Draws a few tuples, as a training would, for you to look at."""

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import CheckConfig, TupleConfig
from placevec.counted import counted
from placevec.images.contact_sheet import draw_tuples, find_thumbnail
from placevec.places import PlaceDataset, TupleSampler

_NUM_POSITIVES = _NUM_NEGATIVES = 2


@dataclass(frozen=True)
class Samples:
    """A sample of tuples.

    Args:
        jpeg_base64: str. Contact sheet of the tuples. Empty if none could be drawn.
        captions: list of (photo, its role and the reason), tuple by tuple.
        message: str. How many queries have positives, or why there are no tuples.
    """

    jpeg_base64: str
    captions: list[tuple[str, str]]
    message: str


def draw_samples(dataset: PlaceDataset, settings: CheckConfig) -> Samples:
    """Draws tuples from photos that can be read: query, positives, negatives.

    Args:
        dataset: PlaceDataset. Photos that can be read.
        settings: CheckConfig. Its radii, heading difference, number of samples and seed are used.
    """
    rng = np.random.default_rng(settings.seed)
    try:
        sampler = TupleSampler(
            dataset,
            **vars(
                TupleConfig(
                    num_positives=_NUM_POSITIVES,
                    num_negatives=_NUM_NEGATIVES,
                    positive_radius_m=settings.radius_m,
                    negative_radius_m=settings.negative_radius_m or settings.radius_m,
                    max_heading_difference_deg=settings.max_heading_difference_deg,
                )
            ),
        )
    except ValueError as error:
        return Samples("", [], f"No tuples can be drawn. {error}")
    queries = sampler.shuffled_queries(rng)[: settings.samples]
    tuples, titles, captions = [], [], []
    for query in queries:
        query, positives, negatives = sampler.draw(query, rng)
        others = [*dict.fromkeys(positives.tolist()), *negatives.tolist()]
        tuples.append([query, *positives, *negatives])
        titles.append([_title(dataset, query, photo) for photo in tuples[-1]])
        captions.append((str(dataset.names[query]), "query" + _heading(dataset, query)))
        captions += [(str(dataset.names[photo]), sampler.why(query, photo)) for photo in others]
    message = (
        f"{len(sampler.queries)} of {counted(len(dataset.queries), 'query has', 'queries have')} a "
        f"positive to train on. {counted(len(queries), 'tuple')}, drawn with "
        f"{_limits(dataset, settings)}the seed {settings.seed}:"
    )
    if not tuples:
        return Samples("", [], message)
    # Sorted, because the frames of a video are read fastest in order.
    rows = sorted({int(photo) for photos in tuples for photo in photos})
    thumbnails = {row: _thumbnail(dataset.path(row)) for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "samples.jpg"
        draw_tuples(
            [[thumbnails[photo] for photo in photos] for photos in tuples],
            picture,
            num_positives=_NUM_POSITIVES,
            titles=titles,
        )
        jpeg = base64.b64encode(picture.read_bytes()).decode("ascii")
    return Samples(jpeg, captions, message)


def _thumbnail(path: Path) -> NDArray[np.uint8]:
    """Returns a thumbnail, or a white one if the photo cannot be read (possible with `--quick`)."""
    photo = find_thumbnail(path)
    return np.full((3, 4, 3), 255, np.uint8) if photo is None else photo


def _limits(dataset: PlaceDataset, settings: CheckConfig) -> str:
    """Returns the limits of positives and negatives, as the first part of a list."""
    if dataset.positions_m is None:
        limits = []
    else:
        beyond = settings.negative_radius_m or settings.radius_m
        limits = [
            f"positives within {settings.radius_m:g} {dataset.unit}",
            f"negatives beyond {beyond:g} {dataset.unit}",
        ]
    if settings.max_heading_difference_deg is not None:
        limits.append(f"headings up to {settings.max_heading_difference_deg:g}° apart")
    return "".join(f"{limit}, " for limit in limits)


def _title(dataset: PlaceDataset, query: int, photo: int) -> str:
    if photo == query:
        return "query" + _heading(dataset, query)
    parts = []
    if dataset.positions_m is not None:
        apart_m = np.linalg.norm(dataset.positions_m[photo] - dataset.positions_m[query])
        parts.append(f"{apart_m:.1f} {dataset.unit}")
    elif dataset.place_ids is not None:
        parts.append(f"place {dataset.place_ids[photo]}")
    return ", ".join(parts) + _heading(dataset, photo)


def _heading(dataset: PlaceDataset, photo: int) -> str:
    if dataset.headings_deg is None or np.isnan(dataset.headings_deg[photo]):
        return ""
    return f", {dataset.headings_deg[photo]:.0f}°"
