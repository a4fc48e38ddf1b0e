"""Would other shrinkage of a map's statistics find more places? Each set judges what others chose.

    python benchmarks/shrinkage.py --data DATA --model tiny small --town-dir data/town

`fit_map_statistics` shrinks the mean of a map by `N / (N + m)` and its spread by the share
`p D / (p D + N)` toward an even one, with the same `m` and `p` for every network. Each photo loses
as much of the shrunk mean as it contains. The table gives
recall@1 without statistics and the points that they add with `--normalize map`: *today* with the
`m` and `p` of placevec; *one rule* with those that are best for all networks together on the other
sets; *a rule each* with those that are best for this network on the other sets. Photos of one
source (cambridge as taken and changed) are left out together. Sets are those of
`development_sets.py`.
"""

import itertools
from pathlib import Path

import numpy as np
import tyro
from development_sets import DevelopmentSet, models_and_sets

from placevec.cli import one_line_errors

PRIOR_MEANS = (30, 100, 300, 1000, np.inf)
PRIOR_SPREADS = (1, 3, 10, 30, np.inf)
RULES = tuple(itertools.product(PRIOR_MEANS, PRIOR_SPREADS))
TODAY = (100, 3)


def gains(each: DevelopmentSet, descriptors: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns recall@1 in percent without statistics, and the points that each rule adds.

    Args:
        each: DevelopmentSet.
        descriptors: (N, D) float32. One of unit length for each of its photos.
    """
    from placevec.principal_directions import principal_directions

    mean, variances, directions = principal_directions(descriptors[each.database])
    count, dim = len(each.database), descriptors.shape[1]
    spread = variances * dim / variances.sum()
    contained = descriptors @ mean / (mean @ mean)
    plain, found = 100 * each.found(descriptors).mean(), np.empty(len(RULES))
    for prior in PRIOR_SPREADS:
        share = 1.0 if np.isinf(prior) else prior * dim / (prior * dim + count)
        scales, rest = ((1 - share) * spread + share) ** -0.25, share**-0.25
        projection = (directions * (scales - rest)) @ directions.T + rest * np.eye(dim)
        moved, middle = descriptors @ projection, mean[None] @ projection
        for photos in PRIOR_MEANS:
            # As much of the shrunk mean as a photo contains, at most once.
            rows = moved - contained.clip(0, count / (count + photos))[:, None] * middle
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            found[RULES.index((photos, prior))] = 100 * each.found(rows).mean()
    return plain, found - plain


def main(
    data: Path | None = None,
    model: tuple[Path, ...] = (),
    town_dir: Path = Path("data/town"),
    short: bool = False,
) -> None:
    """Prints the table.

    Args:
        data: Folder of the sets.
        model: Networks.
        town_dir: Folder that `placevec render town` wrote; rendered if it does not exist.
        short: A few photos of a small town and an untrained network, to see whether it runs.
    """
    from placevec.models import open_engine
    from placevec.retrieval import describe

    with models_and_sets(data, model, town_dir, short) as (models, sets):
        engines = [open_engine(path, threads=1) for path in models]
        names, plain, added = [], [], []
        for each in sets():
            found = [gains(each, describe(engine, each.photos)[0]) for engine in engines]
            names.append(each.name)
            plain.append([recall for recall, _ in found])
            added.append([points for _, points in found])
    print_table([path.stem for path in models], names, np.array(plain), np.array(added))


def print_table(models: list[str], names: list[str], plain: np.ndarray, added: np.ndarray) -> None:
    """Prints a row for each set.

    Args:
        models: list of M str.
        names: list of S str. The sets.
        plain: (S, M) float. Recall without statistics.
        added: (S, M, R) float. The points that each rule adds.
    """
    today = added[:, :, RULES.index(TODAY)]  # (S, M)
    together, apart = np.empty_like(today), np.empty_like(today)
    for row, name in enumerate(names):
        others = np.array([other.split()[0] != name.split()[0] for other in names])
        scores = added[others if others.any() else ~others].mean(axis=0)  # (M, R)
        together[row] = added[row, :, scores.mean(axis=0).argmax()]
        apart[row] = added[row, np.arange(len(models)), scores.argmax(axis=1)]
    heads = (f"{name}: none | today | one rule | a rule each" for name in models)
    print(f"\n| recall@1, % | {' | '.join(heads)} |")
    print("|---" * (1 + 4 * len(models)) + "|")
    table = np.stack([plain, today, together, apart], axis=2)  # (S, M, 4)
    for name, row in zip([*names, "mean of the sets"], [*table, table.mean(axis=0)], strict=True):
        cells = (f"{none:.1f} | " + " | ".join(f"{each:+.1f}" for each in rest)
                 for none, *rest in row)  # fmt: skip
        print(f"| {name} | {' | '.join(cells)} |")
    for score, title in ((added.mean(axis=(0, 1)), "all networks"),
                         *zip(added.mean(axis=0), models, strict=True)):  # fmt: skip
        best = RULES[int(score.argmax())]
        print(f"best on all sets for {title}: m = {best[0]}, p = {best[1]}, {score.max():+.2f}; "
              f"today {score[RULES.index(TODAY)]:+.2f}")  # fmt: skip


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
