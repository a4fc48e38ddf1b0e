"""Draws results as pictures."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from placevec.evaluation.evaluation import Evaluation
from placevec.images.contact_sheet import (
    QUERY,
    RIGHT,
    WRONG,
    frame_photo,
    new_figure,
    read_thumbnail,
    save_figure,
)
from placevec.places import SPLITS, PlaceDataset, Split

_SPLIT_COLORS = dict(zip(("", *SPLITS), ("#bbbbbb", "#4477aa", "#ee8866", "#228833"), strict=True))


def draw_recall(curves: Mapping[str, Mapping[int, float]], path: Path) -> None:
    """Draws recall@N of one or more models.

    Args:
        curves: dict of label -> {N: share in [0, 1]}.
        path: Path. Picture file to write.

    Raises:
        ValueError: If there is no curve.
    """
    if not curves or not all(curves.values()):
        raise ValueError("Give at least one model and one N to draw recall. Received: none")
    figure = new_figure(5, 3.6)
    axes = figure.subplots()
    for label, curve in curves.items():
        shares = [100 * share for share in curve.values()]
        axes.plot(list(curve), shares, marker="o", label=label)
        axes.annotate(f"{shares[0]:.1f}", (next(iter(curve)), shares[0]), (6, -12),
                      textcoords="offset points")  # fmt: skip
    axes.set(xlabel="N", ylabel="recall@N, %", ylim=(0, 102))
    axes.set_xticks(list(next(iter(curves.values()))))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    save_figure(figure, path, dpi=120)


def draw_matches(
    evaluations: Mapping[str, Evaluation],
    path: Path,
    *,
    num_queries: int = 6,
    num_matches: int = 3,
    seed: int = 0,
) -> None:
    """Draws queries beside their best matches: right ones with a green frame, wrong ones red.

    Args:
        evaluations: dict of label -> Evaluation of the same data set.
        path: Path. Picture file to write.
        num_queries: int. Number of rows, drawn at random among queries that have a right answer.
        num_matches: int. Number of matches of each model beside a query.
        seed: int. Seed of the draw.

    Raises:
        ValueError: If there is no evaluation, no query has a right answer, or the evaluations have
            different queries.
    """
    if not evaluations:
        raise ValueError("Give at least one model to draw matches. Received: none")
    first = next(iter(evaluations.values()))
    for label, each in evaluations.items():
        if _queries(each) != _queries(first):
            raise ValueError(
                "The evaluations to draw must be of the same queries. Received: others for "
                f"{label!r}. Take the queries that all of them have, with `of_queries`"
            )
    answerable = [row for row, right in enumerate(first.relevant) if len(right)]
    rows = np.random.default_rng(seed).permutation(answerable)[:num_queries]
    if not len(rows):
        raise ValueError("No query has a right answer, so there is no match to draw")
    columns = 1 + num_matches * len(evaluations)
    figure = new_figure(1.9 * columns, 1.6 * len(rows))
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes_row, row in zip(grid, rows, strict=True):
        dataset = first.dataset
        query = read_thumbnail(dataset.path(dataset.queries[row]))
        frame_photo(axes_row[0], query, QUERY, "query")
        column = 1
        for label, evaluation in evaluations.items():
            for rank in range(num_matches):
                axes = axes_row[column]
                column += 1
                axes.axis("off")
                if rank >= evaluation.neighbors.shape[1]:
                    continue
                found = evaluation.neighbors[row, rank]
                if found < 0:
                    continue
                right = found in evaluation.relevant[row]
                title = f"{label} {rank + 1}: {evaluation.similarities[row, rank]:.2f}"
                photo = evaluation.dataset.path(evaluation.dataset.database[found])
                frame_photo(axes, read_thumbnail(photo), RIGHT if right else WRONG, title)
    save_figure(figure, path, dpi=80)


def _queries(evaluation: Evaluation) -> list[Path]:
    return evaluation.dataset.paths(evaluation.dataset.queries)


def draw_split(dataset: PlaceDataset, split: Split, path: Path) -> None:
    """Draws where the photos of train, val and test were taken, and those in no split.

    Args:
        dataset: PlaceDataset. It must have positions.
        split: Split. The split of its photos.
        path: Path. Picture file to write.

    Raises:
        ValueError: If the data set has no positions.
    """
    if dataset.positions_m is None:
        raise ValueError(f"A map needs positions. Received: none in {dataset.root}")
    figure = new_figure(6, 5)
    axes = figure.subplots()
    corner_m = np.floor(dataset.positions_m.min(axis=0))
    for name, color in _SPLIT_COLORS.items():
        rows = split.rows(name)
        label = f"{name or 'left out'}: {len(rows)}"
        places_m = (dataset.positions_m[rows] - corner_m).T
        axes.scatter(*places_m, s=4, color=color, label=label, rasterized=True)
    east, north = corner_m
    if dataset.unit == "frames":
        axes.set(xlabel=f"frames after {east:.0f}")
    else:
        unit = dataset.unit
        axes.set(xlabel=f"{unit} east of {east:.0f}", ylabel=f"{unit} north of {north:.0f}")
    axes.set_title(f"frame: {dataset.frame}", fontsize=9)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    save_figure(figure, path, dpi=100)
