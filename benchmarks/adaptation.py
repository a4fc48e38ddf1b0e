"""Measures what adapting to the map gains: recall@1 on the development sets, with and without.

    python benchmarks/adaptation.py --data DATA --model tiny small --town-dir data/town

`development_sets.py` describes the sets and `DATA`. The database of each set is the map, whose
statistics are fitted. There is a column for the queries as they are; for queries normalized by the
mean of the map, by the running mean of the queries, and by the mean of all queries; and for each of
these with CSLS. Queries come in the order of the set.
"""

import functools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tyro
from development_sets import DevelopmentSet, models_and_sets

from placevec.cli import one_line_errors

COLUMNS = (
    ("none", "none"),
    ("map", "none"),
    ("running", "none"),
    ("own", "none"),
    ("map", "csls"),
    ("map", "csls_batch"),
    ("own", "csls_batch"),
)


def adapted(
    each: DevelopmentSet, descriptors: np.ndarray, normalize: str, hubness: str
) -> np.ndarray:
    """Returns (Q,) bool: whether the most similar candidate of each query is right.

    Args:
        each: DevelopmentSet.
        descriptors: (N, D) float32, of unit length, one for each of its photos.
        normalize: str. A row of `NORMALIZATIONS`.
        hubness: str. A row of `HUBNESS`.
    """
    from placevec.config.choices import HUBNESS
    from placevec.retrieval.normalize import Normalizer
    from placevec.store import fit_map_statistics, nearest

    database, queries = descriptors[each.database], descriptors[each.queries]
    if normalize != "none":
        statistics = fit_map_statistics(database)
        queries = Normalizer(statistics, normalize)(queries)
        database = statistics.adapt(database)
    similarity = queries @ database.T
    if hubness != "none":
        find, rows = functools.partial(nearest, database), np.arange(len(database))
        similarity = 2 * similarity - HUBNESS[hubness].find()(rows, database, queries, find)
    best = np.where(each.is_candidate, similarity, -np.inf).argmax(axis=1)
    return each.is_right[np.arange(len(best)), best]


def main(
    data: Path | None = None,
    model: tuple[Path, ...] = (),
    town_dir: Path = Path("data/town"),
    short: bool = False,
) -> None:
    """Prints a table for each model.

    Args:
        data: Folder of the sets.
        model: Networks.
        town_dir: Folder that `placevec render town` wrote; rendered if it does not exist.
        short: A few photos of a small town and an untrained network, to see whether it runs.
    """
    with models_and_sets(data, model, town_dir, short) as (models, sets):
        for path in models:
            print_table(path, sets())


def print_table(path: Path, sets: Iterable[DevelopmentSet]) -> None:
    """Prints a row for each set and a column for each way to adapt."""
    from placevec.models import open_engine
    from placevec.retrieval import describe

    engine = open_engine(path, threads=1)
    names = [normalize if hubs == "none" else f"{normalize}, {hubs}" for normalize, hubs in COLUMNS]
    print(f"\n| {path.stem}: recall@1, % | map | queries | {' | '.join(names)} |")
    print("|---" * (3 + len(names)) + "|")
    shares = []
    for each in sets:
        descriptors = describe(engine, each.photos)[0]
        found = [adapted(each, descriptors, *way) for way in COLUMNS]
        shares.append([row.mean() for row in found])
        whole = {each.name: np.ones(len(each.queries), bool)}
        for name, of in (
            whole | {f"&nbsp;&nbsp;{part}": of for part, of in each.parts.items()}
        ).items():
            cells = [f"{100 * row[of].mean():.1f}" for row in found]
            print(
                f"| {name} | {len(each.database)} | {of.sum()} | {' | '.join(cells)} |", flush=True
            )
    means = [f"{100 * mean:.1f}" for mean in np.mean(shares, axis=0)]
    print(f"| mean of the sets | | | {' | '.join(means)} |")


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
