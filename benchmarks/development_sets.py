"""Measures how well networks find places of many kinds: recall@1 on the development sets.

    python benchmarks/development_sets.py --data DATA --model tiny small

`DATA` is the folder of the sets. Each set has a table `images.csv` or pairs of folders. None of
them is a test set: you may choose settings by them, so these figures do not show how a network does
on unseen places. The sets, and the right answers in each:

    cambridge          streets by day; right within 25 m
    cambridge changed  the queries at dusk, at night, in another season and zoomed, as
                       `changed_queries.py` changes them
    corridor           a gray walk; right within 2 frames
    webcam_tilde       84 windows of the sharpest bright photo of each camera; each query is a
                       shifted and scaled window of another photo
    ie_tower           indoor videos, each searched in itself; right is 3 to 5 frames away, wrong is
                       10 or more away, and other frames are not candidates
    strecha            buildings; right within 5 m and 20 degrees
    sfm_small          sights; right shows the same one
    town               validation streets of the synthetic town; right within 25 m

The table gives recall@1 in percent with its 95 % interval. The interval comes from repeatedly
drawing groups of queries (squares of 50 m, cameras, videos); all networks use the same draws.
Queries without a right answer are left out. Indented rows are parts of the set above them. The mean
is over the sets, not over their parts. Processor time is that of a network on one thread for a
photo of its size, without decoding.
"""

import contextlib
import csv
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import tyro
from changed_queries import CHANGES
from describe_rows import make_model
from machine import LeftOut

from placevec.cli import one_line_errors

if TYPE_CHECKING:
    from placevec.places import PlaceDataset

SIZE = (240, 320)
RADIUS_M = 25.0
_SQUARE_M = 50.0
_SPEED_PHOTOS, _SPEED_ROUNDS = 8, 6


@dataclass(frozen=True, kw_only=True)
class DevelopmentSet:
    """Photos, and which of them answer which.

    Args:
        name: str. Name of the set in the table.
        photos: list of Path or of (H, W, 3) uint8 RGB, as `describe` takes them.
        database: (M,) int. Rows of `photos`.
        queries: (Q,) int. Rows of `photos`; each has a right answer.
        is_right: (Q, M) bool. The right answers of each query.
        is_candidate: (Q, M) bool. Photos that a query is compared with, including right answers.
        groups: (Q,) int. One number for all queries of a place, camera or video.
        parts: dict of name -> (Q,) bool. Queries that get a further row in the table.
    """

    name: str
    photos: list[Path | np.ndarray]
    database: np.ndarray
    queries: np.ndarray
    is_right: np.ndarray
    is_candidate: np.ndarray
    groups: np.ndarray
    parts: dict[str, np.ndarray] = field(default_factory=dict)

    def found(self, descriptors: np.ndarray) -> np.ndarray:
        """Returns (Q,) bool: whether the most similar candidate of each query is right.

        Args:
            descriptors: (N, D) float, of unit length, one for each of `photos`.
        """
        similarity = descriptors[self.queries] @ descriptors[self.database].T
        best = np.where(self.is_candidate, similarity, -np.inf).argmax(axis=1)
        return self.is_right[np.arange(len(best)), best]


def cambridge(data: Path) -> DevelopmentSet:
    """Returns Cambridge's validation streets, unchanged."""
    from placevec.sources import open_places

    return _of_places("cambridge", open_places(f"table:{data / 'cambridge' / 'val'}"))


def cambridge_changed(data: Path) -> DevelopmentSet:
    """Returns the same database, with each query changed in five ways, at the default size."""
    from placevec.images import read_image

    plain = cambridge(data)
    photos, queries, parts = list(plain.photos), [], {}
    for number, (name, change) in enumerate(CHANGES.items()):
        for row in plain.queries:
            rng = np.random.default_rng([number, row])
            queries.append(len(photos))
            photos.append(change(read_image(plain.photos[row], image_size=SIZE), rng))
        parts[name] = np.repeat(np.arange(len(CHANGES)) == number, len(plain.queries))
    repeat = functools.partial(np.concatenate, axis=0)
    return DevelopmentSet(
        name="cambridge changed",
        photos=photos,
        database=plain.database,
        queries=np.array(queries),
        is_right=repeat([plain.is_right] * len(CHANGES)),
        is_candidate=repeat([plain.is_candidate] * len(CHANGES)),
        groups=repeat([plain.groups] * len(CHANGES)),
        parts=parts,
    )


def corridor(data: Path) -> DevelopmentSet:
    """Returns a walk through a corridor. Ten consecutive frames are a group."""
    paths = [sorted((data / "corridor" / folder).glob("*.jpg")) for folder in ("ref", "query")]
    frames = np.arange(len(paths[0]))
    return _some(
        "corridor",
        [*paths[0], *paths[1]],
        frames,
        len(frames) + frames,
        np.abs(frames[:, None] - frames) <= 2,
        groups=frames // 10,
    )


def webcam_tilde(data: Path) -> DevelopmentSet:
    """Returns windows of fixed cameras.

    The windows of a camera are two rows of three, each 0.4 of the photo's columns wide and half its
    rows high. Each photo gives one window as query, in turn, moved by up to 4 % of the photo's
    sides and scaled by 0.9 to 1.1. Part `dark`: the darkest quarter of each camera's photos. Part
    `season`: photos taken in another season, that is, two months or more from the day of the year
    of the database photo.
    """
    rows = _table(data / "webcam_tilde")
    photos, pairs, groups, parts = [], [], [], {"dark": [], "season": []}
    database = []
    rng = np.random.default_rng(0)
    for camera, place in enumerate(sorted({row["place"] for row in rows})):
        own = [row for row in rows if row["place"] == place]
        pixels = [cv2.cvtColor(cv2.imread(str(row["path"])), cv2.COLOR_BGR2RGB) for row in own]
        gray = [cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in pixels]
        light = np.array([each.mean() for each in gray])
        sharp = np.array([cv2.Laplacian(each, cv2.CV_64F).var() for each in gray])
        chosen = int(np.where(light >= np.median(light), sharp, -1).argmax())
        months = [int(row["time"].replace("_", "")[4:6]) for row in own]
        for window in range(6):
            database.append(len(photos))
            photos.append(_window(pixels[chosen], window))
        for number, row in enumerate(row for row in range(len(own)) if row != chosen):
            shift, scale = rng.uniform(-0.04, 0.04, 2), rng.uniform(0.9, 1.1)
            pairs.append((len(photos), 6 * camera + number % 6))
            photos.append(_window(pixels[row], number % 6, shift, scale))
            groups.append(camera)
            apart = abs(months[row] - months[chosen])
            parts["dark"].append(light[row] <= np.quantile(light, 0.25))
            parts["season"].append(min(apart, 12 - apart) >= 2)
    queries, answers = np.array(pairs).T
    return _some(
        "webcam_tilde",
        photos,
        np.array(database),
        queries,
        answers[:, None] == np.arange(len(database)),
        groups=np.array(groups),
        parts={name: np.array(values) for name, values in parts.items()},
    )


def ie_tower(data: Path) -> DevelopmentSet:
    """Returns indoor videos, each searched in itself."""
    rows = _table(data / "ie_tower")
    _, videos = np.unique([row["place"] for row in rows], return_inverse=True)
    frames = np.array([int(row["frame"]) for row in rows])
    apart = np.abs(frames[:, None] - frames)
    same = videos[:, None] == videos
    is_right = same & (apart >= 3) & (apart <= 5)
    is_wrong = same & (apart >= 10)
    return _among_themselves("ie_tower", rows, is_right, is_right | is_wrong, videos)


def strecha(data: Path) -> DevelopmentSet:
    """Returns photos of buildings with known poses within each of five sets."""
    rows = _table(data / "strecha")
    place, building = (np.array([row[name] for row in rows]) for name in ("place", "group"))
    at_m = np.array([(float(row["east"]), float(row["north"])) for row in rows])
    heading_deg = np.array([float(row["heading_deg"]) for row in rows])
    turn_deg = np.abs((heading_deg[:, None] - heading_deg + 180) % 360 - 180)
    near = np.linalg.norm(at_m[:, None] - at_m, axis=2) <= 5
    same = place[:, None] == place
    unknown = (building[:, None] == building) & ~same
    groups = np.unique(place, return_inverse=True)[1]
    return _among_themselves("strecha", rows, same & near & (turn_deg <= 20), ~unknown, groups)


def sfm_small(data: Path) -> DevelopmentSet:
    """Returns five small sets of sights."""
    rows = _table(data / "sfm_small")
    _, places = np.unique([row["place"] for row in rows], return_inverse=True)
    is_right = places[:, None] == places
    return _among_themselves("sfm_small", rows, is_right, np.ones_like(is_right), places)


def town(folder: Path) -> DevelopmentSet:
    """Returns the validation streets of the synthetic town, which it renders if necessary.

    Args:
        folder: Path. Folder that `placevec render town` wrote or is to write.
    """
    from placevec.config import TownRenderConfig
    from placevec.sources import open_places

    if not folder.exists():
        from placevec.rendering import render

        render(settings=TownRenderConfig(out=folder, points=False))
    return _of_places("town", open_places(f"folder:{folder / 'val'}"))


SETS: dict[str, Callable[[Path], DevelopmentSet]] = {
    "cambridge": cambridge,
    "cambridge changed": cambridge_changed,
    "corridor": corridor,
    "webcam_tilde": webcam_tilde,
    "ie_tower": ie_tower,
    "strecha": strecha,
    "sfm_small": sfm_small,
}
"""The sets in `DATA`. The synthetic town is not among them."""


def development_sets(
    data: Path, town_dir: Path, names: Sequence[str] = ()
) -> Iterator[DevelopmentSet]:
    """Yields those sets of `DATA` that exist, then the town.

    Args:
        data: Path. `DATA`.
        town_dir: Path. See `town`.
        names: sequence of str. Sets that are wanted. Empty: all.
    """
    for name, read in SETS.items():
        if names and name not in names:
            continue
        if (data / name.split()[0]).exists():
            yield read(data)
        else:
            print(f"left out: {name}, which is not in {data}", file=sys.stderr)
    if not names or "town" in names:
        yield town(town_dir)


@contextlib.contextmanager
def models_and_sets(
    data: Path | None,
    models: Sequence[Path],
    town_dir: Path,
    short: bool,
    names: Sequence[str] = (),
) -> Iterator[tuple[Sequence[Path], Callable[[], Iterable[DevelopmentSet]]]]:
    """Returns the networks that a benchmark measures, and a function that reads the sets.

    Args:
        data: Path or None. `DATA`; needed unless `short`.
        models: sequence of Path. Networks; needed unless `short`.
        town_dir: Path. See `town`.
        short: bool. Use an untrained network and a few photos of a small town instead.
        names: sequence of str. See `development_sets`.

    Raises:
        LeftOut: If data or models are missing.
    """
    if not short:
        if data is None or not models:
            raise LeftOut("Give --data and --model, or --short")
        yield models, functools.partial(development_sets, data, town_dir, names)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = make_model(Path(folder), "mobilenetv2", None)
        yield (path,), lambda: [small_town(Path(folder) / "town")]


def main(
    data: Path | None = None,
    model: tuple[Path, ...] = (),
    town_dir: Path = Path("data/town"),
    short: bool = False,
) -> None:
    """Prints the table.

    Args:
        data: Folder of the sets.
        model: Networks that ship with placevec, or files; one column each.
        town_dir: Folder that `placevec render town` wrote; rendered if it does not exist.
        short: A few photos of a small town and an untrained network, to see whether it runs.
    """
    with models_and_sets(data, model, town_dir, short) as (models, sets):
        print_table(sets(), models)


def print_table(sets: Iterable[DevelopmentSet], models: Sequence[Path]) -> None:
    """Prints a row for each set and a column for each model, then the cost of each model."""
    from placevec.evaluation.measures.intervals import Interval, compare_shares
    from placevec.models import load_model, open_engine
    from placevec.models.files.model_file import find_model_file
    from placevec.retrieval import describe

    engines = [open_engine(path, threads=1) for path in models]
    print(f"\n| recall@1, % | queries | {' | '.join(map(str, models))} |")
    print("|---" * (2 + len(models)) + "|")
    compared = []
    for each in sets:
        columns = [each.found(describe(engine, each.photos)[0]) for engine in engines]
        found = np.stack(columns, axis=1)  # (Q, models)
        compared.append(compare_shares(found, each.groups))
        _print_row(each.name, len(found), compared[-1].intervals)
        for part, of in each.parts.items():
            shares = compare_shares(found[of], each.groups[of])
            _print_row(f"&nbsp;&nbsp;{part}", of.sum(), shares.intervals)
    means = np.mean([each.resampled for each in compared], axis=0)  # (resamples, models)
    shares = [[each.share for each in row.intervals] for row in compared]
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    _print_row("mean of the sets", "", map(Interval, np.mean(shares, axis=0), low, high))
    better = 100 * np.mean(means > means[:, :1], axis=0)
    _print_row("% of resamples in which the mean beats the first network's", "",
               ["", *(f"{share:.0f}" for share in better[1:])])  # fmt: skip
    _print_row("ms of processor time a photo", "",
               [f"{1000 * _seconds(each):.1f}" for each in engines])  # fmt: skip
    _print_row("million parameters", "",
               [f"{load_model(path).count_params() / 1e6:.2f}" for path in models])  # fmt: skip
    _print_row("dimensions", "", [each.descriptor_dim for each in engines])
    sizes = [find_model_file(path).stat().st_size for path in models]
    _print_row("MB", "", [f"{size / 1e6:.1f}" for size in sizes])


def _print_row(name: str, queries: object, cells: Iterable[object]) -> None:
    print(f"| {name} | {queries} | {' | '.join(map(str, cells))} |", flush=True)


def _seconds(engine: Callable[[np.ndarray], np.ndarray]) -> float:
    """Returns the processor time of one photo without decoding, the smallest of some rounds."""
    shape = (_SPEED_PHOTOS, *engine.image_size, engine.channels)
    photos = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    taken = []
    for _ in range(_SPEED_ROUNDS):
        start = time.process_time()
        engine(photos)
        taken.append(time.process_time() - start)
    return min(taken) / len(photos)


def small_town(folder: Path) -> DevelopmentSet:
    """Returns the validation streets of a small town, rendered into a folder."""
    from placevec.config import TownRenderConfig
    from placevec.rendering import render

    settings = TownRenderConfig(
        out=folder, image_size=(48, 64), num_streets=1, num_validation_streets=2,
        places_per_street=4, points=False,
    )  # fmt: skip
    render(settings=settings)
    return town(folder)


def _of_places(name: str, dataset: "PlaceDataset") -> DevelopmentSet:
    """Returns a set with positions. Queries in a square of 50 m are a group."""
    from placevec.places import relevant_database

    relevant = relevant_database(dataset, RADIUS_M)
    is_right = np.zeros((len(relevant), len(dataset.database)), bool)
    for row, right in zip(is_right, relevant, strict=True):
        row[right] = True
    squares = np.floor(dataset.positions_m[dataset.queries] / _SQUARE_M)
    groups = np.unique(squares, axis=0, return_inverse=True)[1].ravel()
    return _some(name, dataset.paths(), dataset.database, dataset.queries, is_right, groups=groups)


def _among_themselves(
    name: str, rows: list[dict], is_right: np.ndarray, is_candidate: np.ndarray, groups: np.ndarray
) -> DevelopmentSet:
    """Returns a set in which each photo is searched among the others."""
    others = ~np.eye(len(rows), dtype=bool)
    photos, numbers = [row["path"] for row in rows], np.arange(len(rows))
    return _some(
        name, photos, numbers, numbers, is_right & others,
        is_candidate=is_candidate & others, groups=groups,
    )  # fmt: skip


def _some(
    name: str,
    photos: list,
    database: np.ndarray,
    queries: np.ndarray,
    is_right: np.ndarray,
    *,
    is_candidate: np.ndarray | None = None,
    groups: np.ndarray,
    parts: dict[str, np.ndarray] | None = None,
) -> DevelopmentSet:
    """Returns a set of the queries that have both a right and a wrong answer."""
    if is_candidate is None:
        is_candidate = np.ones_like(is_right)
    kept = is_right.any(axis=1) & (is_candidate & ~is_right).any(axis=1)
    return DevelopmentSet(
        name=name,
        photos=photos,
        database=database,
        queries=queries[kept],
        is_right=is_right[kept],
        is_candidate=is_candidate[kept],
        groups=groups[kept],
        parts={part: of[kept] for part, of in (parts or {}).items()},
    )


def _table(folder: Path) -> list[dict]:
    with open(folder / "images.csv", newline="") as file:
        return [row | {"path": folder / row["file"]} for row in csv.DictReader(file)]


def _window(
    photo: np.ndarray, number: int, shift: np.ndarray | tuple = (0.0, 0.0), scale: float = 1.0
) -> np.ndarray:
    """Returns window `number` (of 6) of a photo, moved by shares of its sides and scaled."""
    sides = np.array(photo.shape[:2])
    center = np.array([0.25 + 0.5 * (number // 3), 0.2 + 0.3 * (number % 3)]) + shift
    half = scale * np.array([0.25, 0.2])
    low = np.round(np.clip(center - half, 0, 1) * sides).astype(int)
    high = np.round(np.clip(center + half, 0, 1) * sides).astype(int)
    return np.ascontiguousarray(photo[low[0] : high[0], low[1] : high[1]])


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
