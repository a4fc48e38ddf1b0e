"""What an evaluation found, as files that people look at and programs read."""

import csv
import itertools
import json
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from placevec.evaluation.evaluation import Evaluation
from placevec.evaluation.intervals import Comparison, compare_shares
from placevec.evaluation.judge import Judgment
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
from placevec.pages.page import Card, Gallery, Photo, Section, page
from placevec.pages.thumbnail import jpeg_base64
from placevec.sources.tables.rows.csv_file import csv_cell
from placevec.whole_file import require_new_folder, whole_file

RANKS = (1, 5, 10, 20, 100)
_RANKS_WRITTEN = 20  # of a query in predictions.csv
_MOST_CARDS = 150
_MOST_HUBS = 10


def write_report(
    evaluations: Mapping[str, Evaluation],
    out: Path | str,
    *,
    wrong_beyond_m: float | None = None,
    settings: Mapping[str, object] | None = None,
) -> Path:
    """Writes `report.html`, `predictions.csv` and `metrics.json`.

    Args:
        evaluations: mapping of label to Evaluation. Models side by side, on the same queries; what
            was searched in another way, too, such as adapted, is shown beside each.
        out: Path. Folder; made if it is missing.
        wrong_beyond_m: float or None. Answers between the radius and this count neither way in
            precision.
        settings: mapping or None. What else was set, shown at the end of the page.

    Returns:
        Path. The page.

    Raises:
        FileNotFoundError: If the folder that `out` lies in is missing.
        ValueError: If there is no evaluation, or they are of different queries.
    """
    out = Path(out)
    evaluations = _with_variants(evaluations)
    judged = {label: Judgment(each, wrong_beyond_m) for label, each in evaluations.items()}
    _require_same_queries(evaluations)
    require_new_folder(out)
    out.mkdir(exist_ok=True)
    compared = _compare(list(judged.values()))
    _write_predictions(evaluations, out / "predictions.csv")
    metrics = {label: metrics_of(each, compared, at) for at, (label, each) in _counted(judged)}
    with whole_file(out / "metrics.json") as unfinished:
        unfinished.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    text = _page(judged, compared, metrics, settings or {})
    with whole_file(out / "report.html") as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return out / "report.html"


def metrics_of(judged: Judgment, compared: Mapping[int, Comparison], model: int) -> dict:
    """Returns the figures of one model as plain values that JSON can hold.

    Args:
        judged: Judgment.
        compared: mapping of N to Comparison of recall@N of all models.
        model: int. The place of this one among them.
    """
    evaluation = judged.evaluation
    by_gap, by_similarity = judged.curve(judged.gaps), judged.curve(evaluation.similarities[:, 0])
    intervals = {rank: each.intervals[model] for rank, each in compared.items()}
    return {
        **evaluation.summary(),
        "recall": _by_rank(judged.recalls),
        "recall_interval": {str(rank): [each.low, each.high] for rank, each in intervals.items()},
        "recall_of_all_queries": _by_rank(judged.recalls * judged.has_answer.mean()),
        "average_precision": {
            "gap": by_gap.average_precision,
            "similarity": by_similarity.average_precision,
        },
        "recall_at_full_precision": {
            "gap": by_gap.recall_at_full_precision,
            "similarity": by_similarity.recall_at_full_precision,
        },
        "num_just_outside": int(evaluation.is_just_outside[:, 0].sum()),
        "radius": evaluation.radius_m,
        "unit": evaluation.dataset.unit,
    }


def _with_variants(found: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """Returns evaluations with those of adapted, sequential and reranked search beside each."""
    shown = {}
    for label, each in found.items():
        variants = {
            "adapted": each.adapted,
            f"in sequences of {each.sequence}": each.in_sequence,
            f"reranked by {each.rerank}": each.reranked,
        }
        shown[label] = each
        shown |= {f"{label}, {how}": one for how, one in variants.items() if one is not None}
    return shown


def _compare(judged: Sequence[Judgment]) -> dict[int, Comparison]:
    """Returns recall@N of all models with intervals, over the queries that have an answer."""
    kept, most = judged[0].has_answer, judged[0].found_within.shape[1]
    found = {
        rank: np.stack([each.found_within[kept, rank - 1] for each in judged], 1)
        for rank in RANKS
        if rank <= most
    }
    return {rank: compare_shares(hits, judged[0].places[kept]) for rank, hits in found.items()}


def _by_rank(recalls: NDArray[np.floating]) -> dict[str, float]:
    return {str(rank): share for rank, share in enumerate(recalls.tolist(), start=1)}


def _require_same_queries(evaluations: Mapping[str, Evaluation]) -> None:
    if not evaluations:
        raise ValueError("A report is of at least one model. Received: none")
    first, *others = evaluations.values()
    queries = first.dataset.paths(first.dataset.queries)
    for each in others:
        if each.dataset.paths(each.dataset.queries) != queries:
            raise ValueError(
                "Models are compared on the same queries. Received: different ones, because some "
                "photos were left out for one model. Take those that all have, with `of_queries`"
            )


def _write_predictions(evaluations: Mapping[str, Evaluation], path: Path) -> None:
    how: Any = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
    with whole_file(path) as unfinished, unfinished.open("w", **how) as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, (label, evaluation) in enumerate(evaluations.items()):
            table = evaluation.to_frame(_RANKS_WRITTEN)
            if not number:
                writer.writerow(["model", *table.columns])
            for query, rank, match, *values in table.itertuples(index=False):
                names = (csv_cell(query, is_file=True), rank, csv_cell(match, is_file=True))
                writer.writerow([csv_cell(label), *names, *values])


def _page(
    judged: Mapping[str, Judgment],
    compared: Mapping[int, Comparison],
    metrics: Mapping[str, dict],
    settings: Mapping[str, object],
) -> str:
    first = next(iter(judged.values()))
    dataset = first.evaluation.dataset
    sections = [
        _headline(judged, compared, metrics),
        Section("Curves", drawings=_curves(judged), notes=_CURVES_NOTES),
        *_map(judged),
    ]
    tail = [_hubs(judged), _settings(judged, settings)]
    return page(f"How well places are found in {dataset.root}", sections, _gallery(judged), tail)


_CURVES_NOTES = (
    "Precision is right / accepted first answers; recall is right accepted / queries that have an "
    "answer. Solid: over the gap to the best photo of another place. Dashed: over the similarity.",
)


def _headline(
    judged: Mapping[str, Judgment],
    compared: Mapping[int, Comparison],
    metrics: Mapping[str, dict],
) -> Section:
    first = next(iter(judged.values()))
    evaluation, unit = first.evaluation, first.evaluation.dataset.unit
    header = ["model", *(f"recall@{rank} %" for rank in compared), "AP (gap)", "AP (similarity)"]
    header += ["R@100P %", "just outside", "dimensions"]
    rows = []
    for at, (label, each) in _counted(judged):
        found = metrics[label]
        row = [label, *(str(compared[rank].intervals[at]) for rank in compared)]
        row += [f"{found['average_precision'][score]:.3f}" for score in ("gap", "similarity")]
        row += [f"{100 * found['recall_at_full_precision']['gap']:.1f}"]
        rows.append([*row, str(found["num_just_outside"]), str(each.evaluation.descriptor_dim)])
    answered = int(first.has_answer.sum())
    radius = "" if evaluation.radius_m is None else f" within {evaluation.radius_m:g} {unit}"
    notes = [
        f"{len(first.has_answer)} queries, {answered} of them with a right answer{radius}; "
        f"{len(evaluation.dataset.database)} database photos. In brackets: 95 % intervals over "
        f"{len(np.unique(first.places[first.has_answer]))} places or runs.",
    ]
    if answered < len(first.has_answer):
        shares = ", ".join(
            f"{label} {100 * found['recall_of_all_queries']['1']:.1f} %"
            for label, found in metrics.items()
        )
        notes.append(f"recall@1 of all queries, also those without an answer: {shares}.")
    for (one, a), (other, b) in itertools.combinations(_counted(judged), 2):
        share = compared[1].better(one, other)
        notes.append(
            f"{a[0]} has a higher recall@1 than {b[0]} in {100 * share:.0f} % of resamples."
        )
    notes += [*evaluation.rules, *evaluation.saturation()]
    return Section("Figures", notes, header, rows)


def _curves(judged: Mapping[str, Judgment]) -> list[str]:
    recalls, precisions, radii, drawings = [], [], [], []
    for at, (label, each) in _counted(judged):
        color, evaluation = COLORS[at % len(COLORS)], each.evaluation
        ranks = np.arange(1, len(each.recalls) + 1)
        recalls.append(Line(label, ranks, 100 * each.recalls, color))
        scores = {"gap": each.gaps, "similarity": evaluation.similarities[:, 0]}
        for name, score in scores.items():
            curve = each.curve(score)
            x, y = 100 * curve.recall, 100 * curve.precision
            precisions.append(Line(f"{label}, {name}", x, y, color, name == "similarity"))
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
    return plots + drawings


def _map(judged: Mapping[str, Judgment]) -> list[Section]:
    label, first = next(iter(judged.items()))
    dataset = first.evaluation.dataset
    if dataset.positions_m is None or dataset.unit == "frames":
        return []
    kinds = [_kind(first, query) for query in range(len(first.is_right))]
    colors = {"right": RIGHT, "outside": OUTSIDE, "wrong": WRONG}
    drawing = draw_answers_map(
        dataset.positions_m[dataset.queries],
        [colors.get(kind, "#999") for kind in kinds],
        [str(dataset.names[query]) for query in dataset.queries],
        dataset.positions_m[dataset.database],
        dataset.unit,
    )
    note = (
        f"Queries of {label}: green right, red wrong, orange just outside the radius, gray without "
        "a right answer; light gray: the database. Click a dot to see the photos below."
    )
    return [Section("Where it succeeds and fails", [note], drawings=[drawing])]


def _kind(judged: Judgment, query: int) -> str:
    if judged.is_right[query]:
        return "right"
    if not judged.has_answer[query]:
        return "unanswerable"
    return "outside" if judged.evaluation.is_just_outside[query, 0] else "wrong"


def _gallery(judged: Mapping[str, Judgment]) -> Gallery:
    """Returns the failures of the first model, worst first, and where two models differ."""
    labels, (first, *others) = list(judged), list(judged.values())
    failed = np.flatnonzero(first.has_answer & ~first.is_right)
    worst = failed[np.argsort(-first.gaps[failed], kind="stable")]
    filters = {"wrong": "wrong", "outside": "just outside"}
    chosen = worst.tolist()
    if others:
        filters["better"] = f"{labels[0]} right, {labels[1]} wrong"
        filters["worse"] = f"{labels[0]} wrong, {labels[1]} right"
        lost = np.flatnonzero(first.has_answer & first.is_right & ~others[0].is_right)
        chosen = chosen[: _MOST_CARDS - min(len(lost), _MOST_CARDS // 3)] + lost.tolist()
    cards = [_card(judged, query) for query in chosen[:_MOST_CARDS]]
    note = (
        f"{len(failed)} of {int(first.has_answer.sum())} queries with an answer fail with "
        f"{labels[0]}; the surest wrong answers come first. {len(cards)} queries are shown. Click "
        "one to enlarge it."
    )
    return Gallery("Failures", note, filters, cards)


def _card(judged: Mapping[str, Judgment], query: int) -> Card:
    (label, first), *others = judged.items()
    dataset = first.evaluation.dataset
    name = str(dataset.names[dataset.queries[query]])
    kinds = [_kind(first, query)]
    photos = [Photo(jpeg_base64(dataset.path(dataset.queries[query])), f"query {name}")]
    for each_label, each in judged.items():
        tag = _kind(each, query)
        said = f"{each_label}: " if others else ""
        photos.append(_answer(each, query, 0, said, "outside" if tag == "outside" else ""))
    for _, other in others[:1]:
        if first.is_right[query] and not other.is_right[query]:
            kinds.append("better")
        if other.is_right[query] and not first.is_right[query]:
            kinds.append("worse")
    hits = np.flatnonzero(first.evaluation.is_right[query])
    if len(hits) and hits[0]:
        photos.append(_answer(first, query, int(hits[0]), "best right answer, "))
    elif not len(hits) and len(first.evaluation.relevant[query]):
        right = dataset.database[first.evaluation.relevant[query][0]]
        found = first.evaluation.neighbors.shape[1]
        caption = f"a right answer, not among the first {found}: {dataset.names[right]}"
        photos.append(Photo(jpeg_base64(dataset.path(right)), caption, "right"))
    head = f"{name}: gap {first.gaps[query]:.3f}"
    return Card(query, head, kinds, photos)


def _answer(judged: Judgment, query: int, rank: int, said: str, tag: str = "") -> Photo:
    evaluation, dataset = judged.evaluation, judged.evaluation.dataset
    found = evaluation.neighbors[query, rank]
    if found < 0:
        return Photo("", f"{said}nothing found")
    row = dataset.database[found]
    facts = [f"similarity {evaluation.similarities[query, rank]:.3f}"]
    if np.isfinite(distance := evaluation.distances_m[query, rank]):
        facts.append(f"{distance:.1f} {dataset.unit}")
    if np.isfinite(turn := evaluation.heading_differences_deg[query, rank]):
        facts.append(f"{turn:.0f}° apart")
    tag = tag or ("right" if evaluation.is_right[query, rank] else "wrong")
    caption = f"{said}rank {rank + 1}: {', '.join(facts)}; {dataset.names[row]}"
    return Photo(jpeg_base64(dataset.path(row)), caption, tag)


def _hubs(judged: Mapping[str, Judgment]) -> Section:
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


def _settings(judged: Mapping[str, Judgment], settings: Mapping[str, object]) -> Section:
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


def _counted(judged: Mapping[str, Judgment]) -> list[tuple[int, tuple[str, Judgment]]]:
    return list(enumerate(judged.items()))
