"""The photos of the report: queries that fail, with what was found for them."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config.refusals import in_words
from placevec.counted import counted
from placevec.evaluation.judge import Judgment
from placevec.pages.joined import join_photos
from placevec.pages.page import Card, Gallery, Photo
from placevec.pages.thumbnail import jpeg_base64

_MOST_CARDS = 150


def failures(judged: Mapping[str, Judgment]) -> Gallery:
    """Returns the failures of all models, those of the first before others, worst first.

    Args:
        judged: mapping of label to Judgment.
    """
    labels, (first, *others) = list(judged), list(judged.values())
    worst = {label: _worst(each).tolist() for label, each in judged.items()}
    filters = {"wrong": "wrong", "outside": "just outside"}
    if others:
        filters = {_fails_with(model): f"{label} fails" for model, label in enumerate(labels)}
        filters["outside"] = f"{labels[0]} just outside"
        filters["better"] = f"{labels[0]} right, {labels[1]} wrong"
        filters["worse"] = f"{labels[0]} wrong, {labels[1]} right"
    some = [rows[: _MOST_CARDS // len(judged)] for rows in worst.values()]
    chosen = list(dict.fromkeys(itertools.chain(*some, *worst.values())))[:_MOST_CARDS]
    cards = [_card(judged, query) for query in chosen]
    failing = in_words([f"{len(rows)} with {label}" for label, rows in worst.items()])
    note = (
        f"Of {counted(int(first.has_answer.sum()), 'query', 'queries')} with an answer fail: "
        f"{failing}. The most certain wrong answers come first. "
        f"{counted(len(cards), 'query is', 'queries are')} shown. Click one to enlarge it."
    )
    if any(each.evaluation.points is not None for each in judged.values()):
        note += " Lines join the points by which re-ranking compared two photos, 40 at most."
    return Gallery("Failures", note, filters, cards)


def least_sure(judged: Judgment) -> NDArray[np.int64]:
    """Returns queries in gallery order: failures, worst first, then the least certain right ones.

    Args:
        judged: Judgment.
    """
    right = np.flatnonzero(judged.is_right)
    return np.concatenate([_worst(judged), right[np.argsort(judged.gaps[right], kind="stable")]])


def _worst(judged: Judgment) -> NDArray[np.int64]:
    """Returns the queries that have an answer and fail, the most certain wrong answers first."""
    failed = np.flatnonzero(judged.has_answer & ~judged.is_right)
    return failed[np.argsort(-judged.gaps[failed], kind="stable")]


def _fails_with(model: int) -> str:
    return f"fails-with-{model}"


def _card(judged: Mapping[str, Judgment], query: int) -> Card:
    first, *others = judged.values()
    dataset = first.evaluation.dataset
    name, path = str(dataset.names[dataset.queries[query]]), dataset.path(dataset.queries[query])
    kinds = [first.kind(query)]
    kinds += [_fails_with(model) for model, each in enumerate(judged.values())
              if each.has_answer[query] and not each.is_right[query]]  # fmt: skip
    if others and first.is_right[query] and not others[0].is_right[query]:
        kinds.append("better")
    if others and others[0].is_right[query] and not first.is_right[query]:
        kinds.append("worse")
    answers = _first_answers(judged, query)
    photos = [_answer(path, labels, judged, query) for labels in answers.values()]
    if not any(len(photo.lines) for photo in photos):
        photos.insert(0, Photo(jpeg_base64(path), "query", name=name))
    photos.sort(key=lambda photo: not len(photo.lines))
    if len(right := first.evaluation.relevant[query]):
        rank = next(iter(np.flatnonzero(first.evaluation.is_right[query]).tolist()), None)
        row = right[0] if rank is None else first.evaluation.neighbors[query, rank]
        best = int(dataset.database[row])
        if str(dataset.names[best]) not in answers:
            photos.append(_right(first, query, rank, best))
    return Card(query, f"{name}: gap {first.gaps[query]:.3f}", kinds, photos)


def _first_answers(judged: Mapping[str, Judgment], query: int) -> dict[str, list[str]]:
    """Returns each photo that a model found first, with the labels of those models."""
    found = {}
    for label, each in judged.items():
        row, dataset = each.evaluation.neighbors[query, 0], each.evaluation.dataset
        name = "" if row < 0 else str(dataset.names[dataset.database[row]])
        found.setdefault(name, []).append(label)
    return found


def _answer(
    query_path: Path, labels: Sequence[str], judged: Mapping[str, Judgment], query: int
) -> Photo:
    """Returns a first answer, joined with the query by the points that re-ranking matched."""
    each = judged[labels[0]]
    evaluation, dataset = each.evaluation, each.evaluation.dataset
    row = evaluation.neighbors[query, 0]
    if row < 0:
        return Photo(None, f"{', '.join(labels)}: nothing found")
    scores = [f"{judged[label].evaluation.similarities[query, 0]:.3f}" for label in labels]
    if len(judged) > 1:
        scores = [f"{label} {score}" for label, score in zip(labels, scores, strict=True)]
    facts = [f"similarity {', '.join(scores)}", *_apart(each, query, 0)]
    kind = each.kind(query)
    tag = "wrong" if kind == "unanswerable" else kind
    path, name = dataset.path(dataset.database[row]), str(dataset.names[dataset.database[row]])
    if len(points := _points(judged, labels, query)):
        caption = "; ".join([*facts, f"{counted(len(points), 'point')} shared with the query"])
        if joined := join_photos(query_path, path, points, caption, tag, name):
            return joined
    return Photo(jpeg_base64(path), "; ".join(facts), tag, name)


def _points(
    judged: Mapping[str, Judgment], labels: Sequence[str], query: int
) -> NDArray[np.float32]:
    """Returns the points that a query shares with its first answer, or none if unknown."""
    for label in labels:
        points = judged[label].evaluation.points
        if points is not None and len(points[query]):
            return points[query]
    return np.zeros((0, 4), np.float32)


def _right(judged: Judgment, query: int, rank: int | None, photo: int) -> Photo:
    """Returns the best right answer that was found, or else any right answer."""
    evaluation, dataset = judged.evaluation, judged.evaluation.dataset
    path, name = dataset.path(photo), str(dataset.names[photo])
    if rank is None:
        found = evaluation.neighbors.shape[1]
        caption = f"a right answer, not among the first {found}"
        return Photo(jpeg_base64(path), caption, "right", name)
    facts = [f"similarity {evaluation.similarities[query, rank]:.3f}"]
    facts += _apart(judged, query, rank)
    caption = f"best right answer, rank {rank + 1}: {'; '.join(facts)}"
    return Photo(jpeg_base64(path), caption, "right", name)


def _apart(judged: Judgment, query: int, rank: int) -> list[str]:
    """Returns the distance and heading difference of a query and an answer, if known."""
    evaluation, facts = judged.evaluation, []
    if np.isfinite(distance := evaluation.distances_m[query, rank]):
        facts.append(f"{distance:.1f} {evaluation.dataset.unit}")
    if np.isfinite(turn := evaluation.heading_differences_deg[query, rank]):
        facts.append(f"{turn:.0f}° apart")
    return facts
