"""Measures what re-ranking by local features gains on the development sets, and what it costs.

    python benchmarks/reranking.py --data DATA --model small.keras [--others]

`development_sets.py` describes `DATA` and what is right in each set. For each query, the first 20
answers of the one-vector search are compared. The table gives recall@1 in percent of the one-vector
search and of `--rerank features`. With `--others`, also of `--rerank sift`, and of the same matched
cells if one homography must explain them (OpenCV's USAC_MAGSAC, 24 pixels of 240x320). `sure` is
the share of queries whose first answer is clear enough that re-ranking leaves it alone.

Costs are milliseconds of processor time per query on one thread, without computing the local
features. `ms for 20` compares all 20 answers, even for queries that are sure.
"""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import tyro
from development_sets import DevelopmentSet, models_and_sets

from placevec.cli import one_line_errors

TOP = 20
_TIMED = 50  # queries
_STRIDE = 16  # side of a cell in pixels
_FARTHEST = 24.0  # largest distance from a cell's center as the homography maps it, in pixels


def main(
    data: Path | None = None,
    model: tuple[Path, ...] = (),
    town_dir: Path = Path("data/town"),
    sets: tuple[str, ...] = (),
    others: bool = False,
    short: bool = False,
) -> None:
    """Prints a table for each network.

    Args:
        data: Folder of the sets.
        model: Networks.
        town_dir: Folder that `placevec render town` wrote; rendered if it does not exist.
        sets: Names of the sets to measure. Empty: all.
        others: Also measure one homography and SIFT, which take longer.
        short: A few photos of a small town and an untrained network, to see whether it runs.
    """
    cv2.setNumThreads(1)
    with models_and_sets(data, model, town_dir, short, sets) as (models, read):
        print_tables(read(), models, others)


def print_tables(sets: Iterable[DevelopmentSet], models: Sequence[Path], others: bool) -> None:
    """Prints a row for each set and model."""
    from placevec.models import open_engine

    engines = [(path, open_engine(path, threads=1, features=True)) for path in models]
    print(
        "\n| network | set | queries | one vector | features | homography | sift "
        "| sure | ms | ms for 20 |"
    )
    print("|---" * 10 + "|")
    for each in sets:
        for path, engine in engines:
            cells = _row(each, engine, others)
            print(
                f"| {path.stem} | {each.name} | {len(each.queries)} | {' | '.join(cells)} |",
                flush=True,
            )


def _row(each: DevelopmentSet, engine: object, others: bool) -> list[str]:
    from placevec.retrieval.reranking.local_features import describe_with_features
    from placevec.retrieval.reranking.rerank import map_matcher, rerank
    from placevec.retrieval.reranking.sift import sift_matcher

    descriptors, maps, _ = describe_with_features(engine, each.photos)
    similarity = descriptors[each.queries] @ descriptors[each.database].T
    similarity = np.where(each.is_candidate, similarity, -np.inf)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :TOP]
    similarity = np.take_along_axis(similarity, order, 1)
    order = np.where(np.isfinite(similarity), order, -1)
    matcher = map_matcher(
        lambda query: maps[each.queries[query]],
        lambda rows: maps[each.database[rows]],
        maps.shape[1:3],
    )
    found, seconds = _timed(lambda: rerank(order, similarity, matcher, top=TOP))
    part = slice(0, _TIMED)
    _, all_seconds = _timed(
        lambda: rerank(order[part], similarity[part], matcher, top=TOP, sure_gap=np.inf)
    )
    cells = [_recall(each, order), _recall(each, found.neighbors), "-", "-"]
    if others:
        by_plane = _homography_matcher(each, maps)
        cells[2] = _recall(each, rerank(order, similarity, by_plane, top=TOP).neighbors)
        by_sift = sift_matcher(
            lambda query: each.photos[each.queries[query]],
            lambda row: each.photos[each.database[row]],
            engine.image_size,
        )
        cells[3] = _recall(each, rerank(order, similarity, by_sift, top=TOP).neighbors)
    is_sure = (found.inliers[:, 1:] < 0).all(axis=1)
    milliseconds = 1000 * seconds / len(order), 1000 * all_seconds / min(_TIMED, len(order))
    return [*cells, f"{100 * is_sure.mean():.0f} %", *(f"{each:.1f}" for each in milliseconds)]


def _homography_matcher(each: DevelopmentSet, maps: np.ndarray) -> "LocalMatcher":  # noqa: F821
    """Returns a matcher that keeps the matched cells that one homography explains."""
    from placevec.retrieval.reranking.rerank import LocalMatcher, mutual_cells

    rows, columns = maps.shape[1:3]

    def centers(cells: np.ndarray) -> np.ndarray:
        at = np.stack([cells % columns, cells // columns], axis=1)
        return ((at + 0.5) * _STRIDE).astype(np.float32)

    def match(query: int, candidates: np.ndarray) -> list[np.ndarray]:
        found = []
        for cells in mutual_cells(maps[each.queries[query]], maps[each.database[candidates]]):
            here = np.flatnonzero(cells >= 0)
            points = np.concatenate([centers(here), centers(cells[here])], axis=1)
            is_kept = None
            if len(points) >= 4:
                _, is_kept = cv2.findHomography(
                    points[:, :2], points[:, 2:], cv2.USAC_MAGSAC, _FARTHEST, maxIters=500
                )
            found.append(points[:0] if is_kept is None else points[is_kept[:, 0].astype(bool)])
        return found

    return LocalMatcher(match, rows * columns)


def _recall(each: DevelopmentSet, neighbors: np.ndarray) -> str:
    return f"{100 * each.is_right[np.arange(len(neighbors)), neighbors[:, 0]].mean():.1f}"


def _timed(work: object) -> tuple[object, float]:
    start = time.process_time()
    return work(), time.process_time() - start


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
