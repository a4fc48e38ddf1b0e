"""The sections of the report around the gallery: figures, curves, map, hubs, settings."""

import platform
import time
from collections.abc import Mapping
from importlib.metadata import version

import numpy as np

from placevec.counted import counted
from placevec.evaluation.judge import Judgment
from placevec.evaluation.measures.intervals import Comparison, Interval
from placevec.evaluation.report.plots import (
    COLORS,
    OUTSIDE,
    RIGHT,
    WRONG,
    Line,
    draw_answers_map,
    draw_histogram,
    draw_lines,
)
from placevec.pages.page import Section

_RANKS = (1, 5, 10, 20, 100)
_MOST_HUBS = 10


def headline(
    judged: Mapping[str, Judgment],
    compared: Mapping[int, Comparison],
    metrics: Mapping[str, dict],
) -> list[Section]:
    """Returns the figures of all models, and which model is better.

    Args:
        judged: mapping of label to Judgment.
        compared: mapping of N to Comparison of recall@N of all models.
        metrics: mapping of label to the result of `metrics_of`.
    """
    first = next(iter(judged.values()))
    evaluation, unit = first.evaluation, first.evaluation.dataset.unit
    ranks = [rank for rank in _RANKS if rank in compared]
    header = ["model", *(f"recall@{rank} %" for rank in ranks), "AP (gap)", "AP (similarity)"]
    header += ["R@100P %", "just outside", "dimensions"]
    rows = []
    for at, (label, each) in enumerate(judged.items()):
        found = metrics[label]
        row = [label, *(_with_interval(compared[rank].intervals[at]) for rank in ranks)]
        row += [f"{found['average_precision'][score]:.3f}" for score in ("gap", "similarity")]
        row += [f"{100 * found['recall_at_full_precision']['gap']:.1f}"]
        rows.append([*row, str(found["num_just_outside"]), str(each.evaluation.descriptor_dim)])
    answered = int(first.has_answer.sum())
    num_places = len(np.unique(first.places[first.has_answer]))
    places = counted(num_places, "place or run", "places or runs")
    radius = "" if evaluation.radius_m is None else f" within {evaluation.radius_m:g} {unit}"
    notes = [
        f"{counted(len(first.has_answer), 'query', 'queries')}, {answered} of them with a right "
        f"answer{radius}; {counted(len(evaluation.dataset.database), 'database photo')}. Below the "
        f"figures: 95 % intervals over {places}.",
    ]
    if answered < len(first.has_answer):
        shares = ", ".join(
            f"{label} {100 * found['recall_of_all_queries']['1']:.1f} %"
            for label, found in metrics.items()
        )
        notes.append(f"recall@1 of all queries, including those without an answer: {shares}.")
    notes += [*evaluation.rules, *evaluation.saturation()]
    figures = Section("Figures", notes, header, rows)
    return [figures, _better(list(judged), compared[1])] if len(judged) > 1 else [figures]


def _with_interval(interval: Interval) -> tuple[str, str]:
    value, _, bounds = str(interval).partition(" (")
    return value, bounds.rstrip(")")


def _better(labels: list[str], compared: Comparison) -> Section:
    rows = [
        [label, *("" if one == other else f"{100 * compared.better(one, other):.0f} %"
                  for other in range(len(labels)))]
        for one, label in enumerate(labels)
    ]  # fmt: skip
    note = (
        f"The share of {len(compared.resampled)} resamples in which the model of the row has a "
        "higher recall@1 than the model of the column. Ties count half."
    )
    return Section("Which model is better", [note], ["", *labels], rows)


def curves(judged: Mapping[str, Judgment]) -> Section:
    """Returns the plots of recall, precision, radius and similarity.

    Args:
        judged: mapping of label to Judgment.
    """
    recalls, precisions, radii, drawings = [], [], [], []
    for at, (label, each) in enumerate(judged.items()):
        color, evaluation = COLORS[at % len(COLORS)], each.evaluation
        ranks = np.arange(1, len(each.recalls) + 1)
        recalls.append(Line(label, ranks, 100 * each.recalls, color))
        scores = {"gap": each.gaps, "similarity": evaluation.similarities[:, 0]}
        for name, score in scores.items():
            curve = each.curve(score)
            x, y = 100 * curve.recall, 100 * curve.precision
            is_dashed = name == "similarity"
            precisions.append(
                Line(f"{label}, {name}" if is_dashed else label, x, y, color, is_dashed)
            )
        if evaluation.radius_m:
            steps_m = np.linspace(0.2, 4, 39) * evaluation.radius_m
            radii.append(Line(label, steps_m, 100 * each.recall_over_radius(steps_m), color))
        if np.isfinite(evaluation.similarities[:, 0]).all():
            groups = [
                ("right", evaluation.similarities[each.is_right, 0], RIGHT),
                ("wrong", evaluation.similarities[~each.is_right, 0], WRONG),
            ]
            drawings.append(draw_histogram(groups, f"similarity of the first answer, {label}"))
    unit = next(iter(judged.values())).evaluation.dataset.unit
    plots = [
        draw_lines(recalls, "N", "recall@N, %", is_log=True),
        draw_lines(precisions, "recall, %", "precision, %"),
    ]
    if radii:
        plots.append(draw_lines(radii, f"radius, {unit}", "recall@1, %"))
    note = (
        "Precision is right / accepted first answers; recall is right accepted / queries that have "
        "an answer. Solid: over the gap to the best photo of another place. Dashed: over the "
        "similarity."
    )
    return Section("Curves", [note], drawings=plots + drawings)


def places_map(judged: Mapping[str, Judgment]) -> list[Section]:
    """Returns the map of the first model's answers, or nothing if positions are unknown.

    Args:
        judged: mapping of label to Judgment.
    """
    label, first = next(iter(judged.items()))
    dataset = first.evaluation.dataset
    if dataset.positions_m is None or dataset.unit == "frames":
        return []
    colors = {"right": RIGHT, "outside": OUTSIDE, "wrong": WRONG}
    drawing = draw_answers_map(
        dataset.positions_m[dataset.queries],
        [colors.get(first.kind(query), "#999") for query in range(len(first.is_right))],
        [str(dataset.names[query]) for query in dataset.queries],
        dataset.positions_m[dataset.database],
        dataset.unit,
    )
    note = (
        f"Queries of {label}. Green: right; red: wrong; orange: just outside the radius; gray: no "
        "right answer exists; light gray: the database. Click a dot to see the photos below."
    )
    return [Section("Where it succeeds and fails", [note], drawings=[drawing])]


def hubs(judged: Mapping[str, Judgment]) -> Section:
    """Returns the database photos that attract the most wrong queries with the first model.

    Args:
        judged: mapping of label to Judgment.
    """
    label, first = next(iter(judged.items()))
    evaluation, dataset = first.evaluation, first.evaluation.dataset
    answers = evaluation.neighbors[:, 0]
    counts = np.bincount(answers[answers >= 0], minlength=len(dataset.database))
    wrong = np.bincount(answers[(answers >= 0) & ~first.is_right], minlength=len(dataset.database))
    rows = [
        [str(dataset.names[dataset.database[at]]), str(counts[at]), str(wrong[at])]
        for at in np.argsort(-wrong, kind="stable")[:_MOST_HUBS].tolist()
        if wrong[at]
    ]
    notes = [f"Database photos that attract the most wrong queries with {label}."]
    return Section("Hubs", notes, ["photo", "first answer of", "wrongly"], rows)


def versions(judged: Mapping[str, Judgment], settings: Mapping[str, object]) -> Section:
    """Returns all settings, the engine of each model, and the versions of packages.

    Args:
        judged: mapping of label to Judgment.
        settings: mapping. Name to value.
    """
    rows = [[str(name), str(value)] for name, value in settings.items()]
    rows += [
        [f"model {label}", f"id {each.evaluation.engine.model_id}, {each.evaluation.engine.cost()}"]
        for label, each in judged.items()
        if each.evaluation.engine is not None
    ]
    packages = ", ".join(f"{name} {version(name)}" for name in ("placevec", "keras", "numpy"))
    rows.append(["versions", f"{packages}, Python {platform.python_version()}"])
    rows.append(["written", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())])
    return Section("Settings", rows=rows, header=["what", "value"])
