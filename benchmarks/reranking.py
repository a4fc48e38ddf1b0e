"""What re-ranking by local features gains on the development sets, and what it costs.

    python benchmarks/reranking.py --data DATA --model small.keras [--sift]

`DATA` is that of `development_sets.py`, which says what is right in each set. Of each query the
first 20 answers of the one-vector search are compared. The table gives recall@1 in percent of the
search by one vector, of `--rerank features`, of `--rerank sift` if asked for, and the share of
queries that are sure of their first answer, which re-ranking leaves alone. Costs are processor time
on one thread, in milliseconds a query, without computing the local features; `ms for 20` compares
all 20 answers, also of queries that are sure.
"""

import functools
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import tyro
from describe_rows import make_model
from development_sets import SETS, DevelopmentSet, _small_town, town
from machine import LeftOut

from placevec.cli import one_line_errors

TOP = 20
_TIMED = 50  # queries


def main(
    data: Path | None = None,
    model: tuple[Path, ...] = (),
    town_dir: Path = Path("data/town"),
    sets: tuple[str, ...] = (),
    sift: bool = False,
    short: bool = False,
) -> None:
    """Prints a table a network.

    Args:
        data: The folder of the sets.
        model: Networks.
        town_dir: What `placevec render town` wrote; rendered if it is not there.
        sets: Names of the sets to measure. None named: all.
        sift: Measure SIFT as well.
        short: A few photos of a small town and an untrained network: whether it runs.
    """
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        if short:
            model = (make_model(Path(folder), "mobilenetv2", None),)
            found = [_small_town(Path(folder) / "town")]
        elif data is None or not model:
            raise LeftOut("Give --data and --model, or --short")
        else:
            every = {name: functools.partial(read, data) for name, read in SETS.items()}
            every["town"] = functools.partial(town, town_dir)
            found = (read() for name, read in every.items() if not sets or name in sets)
        print_tables(found, model, sift)


def print_tables(sets: Iterable[DevelopmentSet], models: Sequence[Path], sift: bool) -> None:
    """Prints a row a set for each model."""
    from placevec.models import open_engine

    engines = [(path, open_engine(path, threads=1, features=True)) for path in models]
    print("\n| network | set | queries | one vector | features | sift | sure | ms | ms for 20 |")
    print("|---" * 9 + "|")
    for each in sets:
        for path, engine in engines:
            cells = _row(each, engine, sift)
            print(
                f"| {path.stem} | {each.name} | {len(each.queries)} | {' | '.join(cells)} |",
                flush=True,
            )


def _row(each: DevelopmentSet, engine: object, sift: bool) -> list[str]:
    from placevec.retrieval.local_features import describe_with_features
    from placevec.retrieval.rerank import map_matcher, rerank
    from placevec.retrieval.sift import sift_matcher

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
    cells = [_recall(each, order), _recall(each, found.neighbors), "-"]
    if sift:
        by_sift = sift_matcher(
            lambda query: each.photos[each.queries[query]],
            lambda row: each.photos[each.database[row]],
            engine.image_size,
        )
        cells[2] = _recall(each, rerank(order, similarity, by_sift, top=TOP).neighbors)
    is_sure = (found.inliers[:, 1:] < 0).all(axis=1)
    milliseconds = 1000 * seconds / len(order), 1000 * all_seconds / min(_TIMED, len(order))
    return [*cells, f"{100 * is_sure.mean():.0f} %", *(f"{each:.1f}" for each in milliseconds)]


def _recall(each: DevelopmentSet, neighbors: np.ndarray) -> str:
    return f"{100 * each.is_right[np.arange(len(neighbors)), neighbors[:, 0]].mean():.1f}"


def _timed(work: object) -> tuple[object, float]:
    start = time.process_time()
    return work(), time.process_time() - start


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
