"""Writes the result of an evaluation as files for people and programs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from placevec.evaluation.evaluation import Evaluation
from placevec.evaluation.judge import Judgment
from placevec.evaluation.measures.intervals import Comparison, compare_shares
from placevec.evaluation.report.cluster_maps import ClusterMaps, clusters_section
from placevec.evaluation.report.gallery import failures, least_sure
from placevec.evaluation.report.sections import curves, headline, hubs, places_map, versions
from placevec.pages.page import page
from placevec.sources.tables.rows.csv_file import csv_cell
from placevec.whole_file import require_new_folder, whole_file

REPORT_FILES = ("report.html", "predictions.csv", "metrics.json")
_RANKS_WRITTEN = 20  # answers of a query in predictions.csv


def write_report(
    evaluations: Mapping[str, Evaluation],
    out: Path | str,
    *,
    wrong_beyond_m: float | None = None,
    cluster_maps: ClusterMaps | None = None,
    settings: Mapping[str, object] | None = None,
) -> Path:
    """Writes `report.html`, `predictions.csv` and `metrics.json`.

    Args:
        evaluations: mapping of label to Evaluation. Models side by side, on the same queries. The
            results of other ways to search, such as with adaptation, are shown after them.
        out: Path. Folder; made if it is missing.
        wrong_beyond_m: float or None. Answers between the radius and this distance count neither
            as right nor as wrong in the precision.
        cluster_maps: ClusterMaps or None. Shows where each cluster of the first model looks.
        settings: mapping or None. Other settings, shown at the end of the page.

    Returns:
        Path. The page.

    Raises:
        FileNotFoundError: If the folder that `out` lies in is missing.
        ValueError: If there is no evaluation, or the evaluations have different queries.
    """
    out = Path(out)
    evaluations = _with_variants(evaluations)
    judged = {label: Judgment(each, wrong_beyond_m) for label, each in evaluations.items()}
    _require_same_queries(evaluations)
    require_new_folder(out)
    out.mkdir(exist_ok=True)
    html, predictions, figures = (out / name for name in REPORT_FILES)
    compared = _compare(list(judged.values()))
    _write_predictions(evaluations, predictions)
    metrics = {
        label: metrics_of(each, compared, model)
        for model, (label, each) in enumerate(judged.items())
    }
    with whole_file(figures) as unfinished:
        unfinished.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    first = next(iter(judged.values()))
    text = page(
        f"How well places are found in {first.evaluation.dataset.root}",
        [*headline(judged, compared, metrics), curves(judged), *places_map(judged)],
        failures(judged),
        [
            clusters_section(cluster_maps, first.evaluation, least_sure(first)),
            hubs(judged),
            versions(judged, settings or {}),
        ],
    )
    with whole_file(html) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return html


def metrics_of(judged: Judgment, compared: Mapping[int, Comparison], model: int) -> dict:
    """Returns the figures of one model as plain values that fit into JSON.

    Args:
        judged: Judgment.
        compared: mapping of N to Comparison of recall@N of all models.
        model: int. Index of this model among them.
    """
    evaluation = judged.evaluation
    by_gap, by_similarity = judged.curve(judged.gaps), judged.curve(evaluation.similarities[:, 0])
    intervals = {str(rank): each.intervals[model] for rank, each in compared.items()}
    answered = float(judged.has_answer.mean())
    return {
        **evaluation.summary(),
        "recall": {rank: each.share for rank, each in intervals.items()},
        "recall_interval": {rank: [each.low, each.high] for rank, each in intervals.items()},
        "recall_of_all_queries": {rank: each.share * answered for rank, each in intervals.items()},
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
    """Returns evaluations, each followed by those of adapted, sequential and reranked search."""
    shown = dict(found)
    for label, each in found.items():
        variants = {
            "adapted": each.adapted,
            f"in sequences of {each.sequence}": each.in_sequence,
            f"reranked by {each.rerank}": each.reranked,
        }
        shown |= {f"{label} {how}": one for how, one in variants.items() if one is not None}
    return shown


def _compare(judged: Sequence[Judgment]) -> dict[int, Comparison]:
    """Returns recall@N of all models with intervals, over the queries that have an answer.

    N goes as far as all of them searched. All values of N, and all models, use the same resamples.
    """
    kept, count = judged[0].has_answer, len(judged)
    most = min(each.found_within.shape[1] for each in judged)
    found = np.stack([each.found_within[kept, :most] for each in judged], axis=2)  # (Q, k, M)
    every = compare_shares(found.reshape(len(found), -1), judged[0].places[kept])
    return {
        rank: Comparison(every.intervals[at : at + count], every.resampled[:, at : at + count])
        for rank, at in zip(range(1, most + 1), range(0, most * count, count), strict=True)
    }


def _require_same_queries(evaluations: Mapping[str, Evaluation]) -> None:
    if not evaluations:
        raise ValueError("A report needs at least one model. Received: none")
    first, *others = evaluations.values()
    queries = first.dataset.paths(first.dataset.queries)
    for each in others:
        if each.dataset.paths(each.dataset.queries) != queries:
            raise ValueError(
                "Models must be compared on the same queries. Received: different ones, because "
                "some photos were left out for one model. Take those that all have, with "
                "`of_queries`"
            )


def _write_predictions(evaluations: Mapping[str, Evaluation], path: Path) -> None:
    with (
        whole_file(path) as unfinished,
        unfinished.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        for number, (label, evaluation) in enumerate(evaluations.items()):
            table = evaluation.to_frame(_RANKS_WRITTEN)
            for column in ("query", "match"):
                cells = {name: csv_cell(name, is_file=True) for name in table[column].unique()}
                table[column] = table[column].map(cells)
            table.insert(0, "model", csv_cell(label))
            table.to_csv(file, index=False, header=not number, lineterminator="\n")
