"""Which loops does a run find, by its own threshold, by a given one and with a geometric check?

    python benchmarks/loops.py --data DATA --model small tiny

`DATA` is that of `development_sets.py`, with `worlds/street-1` and `kitti_sequences` in it. Runs
with loops:

    street overcast, dusk   1.2 km of a street of the 3-D model street-1 by day, a photo every 10 m;
                            then the same way in other light, up to 1 m and 8 degrees beside.
                            Right within 5 m of the first lap, near within 15 m, a photo more
    corridor                two passes of a corridor as one run; right within 2 frames, near
                            within 6

A cell gives the accepted loops, how many of them are right and near, and the recall, the share of
the photos of the second lap that have a right loop. Runs without loops are the first lap of the
street alone, the two drives of kitti_sequences and the videos of ie_tower, each searched in itself:
what is accepted there is wrong, unless a video comes back to a place.
"""

import csv
import hashlib
import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro
from describe_rows import make_model
from development_sets import corridor, small_town
from machine import LeftOut

from placevec.cli import one_line_errors
from placevec.loops import find_loops

if TYPE_CHECKING:
    from placevec.models import Engine
    from placevec.places import PlaceDataset

_WAY_M = (
    (530, 376), (590, 410), (610, 417), (660, 424), (690, 441), (710, 463), (850, 663), (870, 682),
    (880, 686), (900, 684), (980, 634), (1000, 628), (1010, 629), (1030, 641), (1050, 662),
    (1070, 706), (1090, 732), (1110, 740), (1120, 739), (1140, 729), (1330, 601), (1350, 596),
    (1390, 614), (1400, 615), (1420, 607), (1480, 566),
)  # east and north of the middle of the road  # fmt: skip
_STEP_M = 10.05  # a little more than the spacing of places, so that each photo is a place
_LIGHTS = ("day", "overcast", "dusk")
_OWN = [
    {"precision": precision, "consistency": consistency}
    for precision, consistency in itertools.product((0.8, 0.9, 0.95), (1, 3))
]
_GIVEN = [
    {"threshold": threshold, **check}
    for threshold, check in itertools.product((0.1, 0.2, 0.3), ({}, {"rerank": "features"}))
]


@dataclass(frozen=True)
class Run:
    """Photos in the order of a run.

    Args:
        name: str. What the table calls it.
        parts: list of PlaceDataset. Runs that are searched one by one.
        second_lap: int. Number of the first photo of the second lap; the number of photos if there
            is none.
        distance: callable. Two numbers of photos to how far apart they were taken.
        right: float. Largest distance of a right match; a near one is up to three times as far.
    """

    name: str
    parts: list["PlaceDataset"]
    second_lap: int = 0
    distance: Callable[[int, int], float] = lambda query, match: np.inf
    right: float = 0.0


def main(
    data: Path | None = None,
    street_dir: Path | None = None,
    model: tuple[str, ...] = ("small", "tiny"),
    short: bool = False,
) -> None:
    """Print a table a network.

    Args:
        data: Folder of the development sets.
        street_dir: Folder that holds or gets the photos of the street. None: a temporary one.
        model: .keras files, or names of networks that ship with placevec.
        short: A few photos of a small town and an untrained network: whether it runs.
    """
    from placevec.models import open_engine
    from placevec.models.files.model_file import model_path

    with tempfile.TemporaryDirectory() as folder:
        if short:
            model = (str(make_model(Path(folder), "mobilenetv2", None)),)
            runs = [_two_passes("small town", small_town(Path(folder) / "town"))]
        elif data is None:
            raise LeftOut("Give --data, or --short")
        else:
            runs = _runs(data, street_dir or Path(folder) / "street")
        for name in model:
            engine = open_engine(model_path(name), features=True)
            print(f"\n{'' if short else name}", flush=True)
            print_table(runs, replace(engine, run=_once(engine.run)))


def print_table(runs: list[Run], engine: "Engine") -> None:
    """Prints a row a setting and a column a run: accepted, right, near, and recall in percent."""
    print(f"| settings | {' | '.join(run.name for run in runs)} |")
    print("|---" * (1 + len(runs)) + "|")
    for settings in _OWN + _GIVEN:
        words = ", ".join(f"{name} {value}" for name, value in settings.items())
        cells = [_cell(run, engine, settings) for run in runs]
        print(f"| {words} | {' | '.join(cells)} |", flush=True)


def _cell(run: Run, engine: "Engine", settings: dict) -> str:
    loops = [loop for part in run.parts for loop in find_loops(part, engine, **settings).accepted]
    if not run.right:
        return str(len(loops))
    of_lap = [one for one in loops if one.query >= run.second_lap > one.match]
    distances = np.array([run.distance(one.query, one.match) for one in of_lap])
    right, near = (int((distances <= times * run.right).sum()) for times in (1, 3))
    recall = 100 * right / (len(run.parts[0]) - run.second_lap)
    return f"{len(loops)}, {right}, {near}; {recall:.0f} %"


def _once(run: Callable[[np.ndarray], object]) -> Callable[[np.ndarray], object]:
    """Returns what runs a network once for each batch, however often it is asked."""
    known: dict[bytes, object] = {}

    def run_once(photos: np.ndarray) -> object:
        key = hashlib.sha256(photos.tobytes()).digest()
        if key not in known:
            known[key] = run(photos)
        return known[key]

    return run_once


def _runs(data: Path, street_dir: Path) -> list[Run]:
    street = _street(data / "worlds" / "street-1", street_dir)
    laps = [street.take(np.flatnonzero(street.sequence_ids == lap)) for lap in range(len(_LIGHTS))]
    runs = []
    for number in range(1, len(_LIGHTS)):
        rows = np.flatnonzero(np.isin(street.sequence_ids, (0, number)))
        both = street.take(rows)
        positions_m = both.positions_m
        runs.append(
            Run(
                f"street {_LIGHTS[number]}",
                [both],
                len(laps[0]),
                lambda query, match, at=positions_m: float(np.linalg.norm(at[query] - at[match])),
                5.0,
            )
        )
    return [
        *runs,
        _two_passes("corridor", corridor(data)),
        Run("first lap alone", [laps[0]]),
        Run("kitti_sequences", _by_place(data / "kitti_sequences")),
        Run("ie_tower", _by_place(data / "ie_tower")),
    ]


def _street(world: Path, out: Path) -> "PlaceDataset":
    """Returns the photos of all laps, which are rendered if they are not there."""
    from placevec.config import ModelRenderConfig
    from placevec.rendering import render
    from placevec.sources import open_places

    way_m = np.array(_WAY_M, float)
    steps_m = np.linalg.norm(np.diff(way_m, axis=0), axis=1)
    along_m = np.concatenate([[0], np.cumsum(steps_m)])
    at_m = np.arange(0, along_m[-1], _STEP_M)
    east, north = (np.interp(at_m, along_m, way_m[:, axis]) for axis in (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        drive = Path(folder) / "drive.csv"
        rows = [
            f"{row},{e:.2f},{n:.2f}\n" for row, (e, n) in enumerate(zip(east, north, strict=True))
        ]
        drive.write_text("file,east,north\n" + "".join(rows), encoding="utf-8")
        settings = ModelRenderConfig(
            out=out, trajectory=f"table:{drive}", visits=_LIGHTS, up="y", points=False, val_share=0
        )  # fmt: skip
        render(world, settings)
    return open_places(f"folder:{out}")


def _two_passes(name: str, each: object) -> Run:
    """Returns the database and then the queries of a set as one run; its rows tell the distance."""
    from placevec.places import PlaceDataset

    paths = [each.photos[row] for row in (*each.database, *each.queries)]
    root = Path(paths[0]).parents[1]
    names = [Path(path).relative_to(root).as_posix() for path in paths]
    length = len(each.database)
    dataset = PlaceDataset(root, names, times_s=np.arange(len(names)))
    return Run(name, [dataset], length, lambda query, match: abs(query - length - match), 2)


def _by_place(folder: Path) -> list["PlaceDataset"]:
    from placevec.places import PlaceDataset

    with (folder / "images.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["place"], int(row["frame"])))
    return [
        PlaceDataset(folder, [row["file"] for row in photos], times_s=np.arange(len(photos)))
        for photos in (list(part) for _, part in itertools.groupby(rows, lambda row: row["place"]))
    ]


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
