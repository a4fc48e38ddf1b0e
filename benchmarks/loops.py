"""Measures which loops a run finds, and whether thresholds learned on other runs hold.

    python benchmarks/loops.py --data DATA --model small tiny
    python benchmarks/loops.py --data DATA --model small tiny --write

`DATA` is described in `development_sets.py`; it must also contain `worlds` and `kitti_sequences`.
The runs with loops:

    street overcast, dusk   1.2 km of a street of the 3-D model street-1 by day, a photo every 10 m;
                            then the same way in other light, up to 1 m and 8 degrees beside it
    alpine overcast, dusk   1.8 km of a mountain road of the 3-D model alpine-2, in the same way
    corridor                two passes of a corridor as one run

A match is right within 15 m, or within 6 frames of the corridor. The runs without loops are the two
drives of kitti_sequences and the videos of ie_tower, each searched in itself. What is accepted
there is wrong, unless a video returns to a place.

A cell gives the accepted loops, how many of them are right, and the recall: the share of photos
with an answer that have a right loop. `own`: the threshold comes from the run itself. `other runs`:
the threshold for that precision is learned on all runs except those of the same kind, so that
nothing of the street decides about the street. `--write` learns on all runs and writes the
thresholds that ship with the networks.
"""

import csv
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro
from changed_queries import CHANGES
from describe_rows import make_model
from development_sets import cambridge, cambridge_changed, corridor, small_town
from machine import LeftOut

from placevec.cli import one_line_errors
from placevec.config import LoopsConfig
from placevec.config.choices import Hubness, Normalization
from placevec.loops.calibrate import judge
from placevec.loops.judge_search import judge_search
from placevec.loops.judged import JudgedMatches
from placevec.loops.run import Run, describe_run, score_of

if TYPE_CHECKING:
    from placevec.models import Engine
    from placevec.places import PlaceDataset

_STREET_M = (
    (530, 376), (590, 410), (610, 417), (660, 424), (690, 441), (710, 463), (850, 663), (870, 682),
    (880, 686), (900, 684), (980, 634), (1000, 628), (1010, 629), (1030, 641), (1050, 662),
    (1070, 706), (1090, 732), (1110, 740), (1120, 739), (1140, 729), (1330, 601), (1350, 596),
    (1390, 614), (1400, 615), (1420, 607), (1480, 566),
)  # east and north of the middle of the road  # fmt: skip
_ALPINE_M = (
    (7, 450), (11, 409), (19, 386), (34, 373), (62, 362), (136, 335), (156, 330), (174, 332),
    (219, 353), (238, 357), (258, 356), (326, 344), (355, 336), (372, 326), (386, 312), (400, 285),
    (404, 244), (401, 193), (391, 164), (373, 138), (357, 124), (339, 114), (309, 105), (249, 102),
    (230, 95), (222, 89), (213, 72), (213, 53), (216, 44), (222, 35), (231, 28), (252, 20),
    (291, 17), (336, 22), (605, 22), (626, 18), (673, 21), (773, 21), (794, 22), (814, 27),
    (833, 34), (851, 44), (875, 63), (881, 72), (890, 91), (892, 102), (891, 122), (884, 142),
    (871, 159), (854, 171), (745, 213),
)  # fmt: skip
_WORLDS = {"street": ("street-1", _STREET_M), "alpine": ("alpine-2", _ALPINE_M)}
_STEP_M = 10.05  # slightly more than the spacing of places, so that each photo is a place
_LIGHTS = ("day", "overcast", "dusk")
_RADIUS_M, _FRAME_M = 15.0, 2.5  # a frame of the corridor counts as `_FRAME_M`
_FAR_M = 1000.0  # between photos of which none shows a place again
_PRECISIONS = (0.95, 0.99)
_LEAST_PRECISION = 0.8  # All settings reach it, so that their gaps have a confidence.
_SETTINGS = [LoopsConfig(sequence=sequence, rerank=rerank)
             for sequence, rerank in itertools.product((5, 1), (None, "features"))]  # fmt: skip
_LEARNED_ON = (
    "rendered laps of a street and of a mountain road, two passes of a corridor, and drives and "
    "walks without loops"
)
_SEARCHED_ON = "Street View photos of Cambridge, queries as they are and changed in five ways"


@dataclass(frozen=True)
class Kind:
    """Runs of one column of the table.

    Args:
        name: str. Name in the table.
        kind: str. Runs of equal kinds show the same world.
        runs: list of PlaceDataset. Their positions say what is right.
    """

    name: str
    kind: str
    runs: list["PlaceDataset"]


def main(
    data: Path | None = None,
    worlds_dir: Path | None = None,
    model: tuple[str, ...] = ("small", "tiny"),
    normalize: Normalization = LoopsConfig.normalize,
    hubness: Hubness = LoopsConfig.hubness,
    write: bool = False,
    short: bool = False,
) -> None:
    """Prints a table for each network.

    Args:
        data: Folder of the development sets.
        worlds_dir: Folder for the photos of the worlds; missing ones are rendered. None: a
            temporary folder.
        model: .keras files, or names of networks that ship with placevec.
        normalize: Mean that descriptors lose.
        hubness: How photos that are similar to everything are held back.
        write: Write what was learned into the package, for the networks that ship with placevec.
        short: A few photos of a small town and an untrained network, to see whether it runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        if short:
            model = (str(make_model(Path(folder), "mobilenetv2", None)),)
            town = _two_passes(small_town(Path(folder) / "town"))
            kinds = [Kind(f"town {half}", half, [town]) for half in ("again", "once more")]
        elif data is None:
            raise LeftOut("Give --data, or --short")
        else:
            kinds = _kinds(data, worlds_dir or Path(folder))
        from placevec.models import open_engine  # after worlds are drawn
        from placevec.models.files.model_file import model_path

        for name in model:
            engine = open_engine(model_path(name), features=True)
            described = {each.name: list(_described(each.runs, engine)) for each in kinds}
            print(f"\n{'' if short else name}", flush=True)
            adapts = {"normalize": normalize, "hubness": hubness}
            found = print_table(kinds, described, [replace(each, **adapts) for each in _SETTINGS])
            if write:
                _write(data, model_path(name), engine, found)


def print_table(
    kinds: list[Kind], described: dict[str, list[Run]], settings: list[LoopsConfig]
) -> list[tuple[LoopsConfig, JudgedMatches]]:
    """Prints a row for each setting and a column for each kind of run.

    Returns:
        The matches of all runs, for each setting.
    """
    print(f"| settings | threshold | {' | '.join(each.name for each in kinds)} |")
    print("|---" * (2 + len(kinds)) + "|")
    found = []
    for how in settings:
        words = f"sequence {how.sequence}" + (", features" if how.rerank else "")
        runs = {name: _with(parts, how) for name, parts in described.items()}
        # Two laps only: accepted loops do not change later gaps.
        judged = {
            name: [judge(run, np.inf, radius_m=_RADIUS_M) for run in parts]
            for name, parts in runs.items()
        }
        own = [
            _cell(judged[each.name], [run.match(None, precision=LoopsConfig.precision)[1].value()
                                      for run in runs[each.name]])
            for each in kinds
        ]  # fmt: skip
        print(f"| {words} | own | {' | '.join(own)} |", flush=True)
        for precision in _PRECISIONS:
            cells = []
            for each in kinds:
                others = [judged[other.name] for other in kinds if other.kind != each.kind]
                joined = JudgedMatches.joined(list(itertools.chain(*others)))
                cells.append(_learned_cell(judged[each.name], joined, precision))
            row = f"| {words} | other runs, {100 * precision:g} % | {' | '.join(cells)} |"
            print(row, flush=True)
        found.append((how, JudgedMatches.joined(list(itertools.chain(*judged.values())))))
    return found


def _learned_cell(parts: list[JudgedMatches], others: JudgedMatches, precision: float) -> str:
    try:
        threshold = others.threshold(precision).score
    except ValueError:
        return "not carried"
    return f"{_cell(parts, [threshold] * len(parts))} ({threshold:.3f})"


def _cell(parts: list[JudgedMatches], thresholds: list[float]) -> str:
    accepted, right = 0, 0
    for judged, threshold in zip(parts, thresholds, strict=True):
        is_accepted = judged.is_open & (judged.gaps >= threshold)
        accepted += int(is_accepted.sum())
        right += int((is_accepted & judged.is_right).sum())
    num_answerable = sum(int(judged.has_answer.sum()) for judged in parts)
    recall = f"; {100 * right / num_answerable:.0f} %" if num_answerable else ""
    return f"{accepted}, {right}{recall}"


def _write(
    data: Path, path: Path, engine: "Engine", found: list[tuple[LoopsConfig, JudgedMatches]]
) -> None:
    """Writes what all runs show about a network beside its file."""
    from placevec.models.files.shipped import CALIBRATION_FILE
    from placevec.retrieval.calibration import search_score, write_calibrations

    learned = [
        judged.calibration(score_of(settings, engine, None), _LEARNED_ON, _LEAST_PRECISION)
        for settings, judged in found
    ]
    score = search_score(engine.image_size)
    searched = search_matches(data, engine)
    learned.append(searched.calibration(score, _SEARCHED_ON, LoopsConfig.precision))
    write_calibrations(path.with_name(CALIBRATION_FILE), engine.model_id, learned)


def search_matches(data: Path, engine: "Engine") -> JudgedMatches:
    """Judges the answers to the queries of Cambridge, unchanged and changed in five ways."""
    from placevec.places import PlaceDataset
    from placevec.sources import open_places

    plain = open_places(f"table:{data / 'cambridge' / 'val'}")
    changed = cambridge_changed(data)
    again = np.tile(cambridge(data).queries, len(CHANGES))
    rows = np.concatenate([np.arange(len(plain)), again])
    is_changed = np.arange(len(rows)) >= len(plain)
    photos = PlaceDataset(
        plain.root,
        [str(number) for number in range(len(rows))],
        positions_m=plain.positions_m[rows],
        is_query=plain.is_query[rows],
        is_database=plain.is_database[rows] & ~is_changed,
    )
    descriptors = engine.describe(changed.photos)
    return judge_search(photos, descriptors, radius_m=25.0, wrong_beyond_m=50.0)


def _with(runs: Iterable[Run], settings: LoopsConfig) -> list[Run]:
    """Returns the same runs, to be matched with other settings."""
    return [
        replace(
            run,
            sequence=settings.sequence,
            matcher=run.matcher if settings.rerank else None,
            normalize=settings.normalize,
            hubness=settings.hubness,
        )
        for run in runs
    ]


def _described(runs: list["PlaceDataset"], engine: "Engine") -> Iterable[Run]:
    settings = LoopsConfig(rerank="features")
    for dataset in runs:
        yield describe_run(dataset, engine, settings, image_size=None, batch_size=None)


def _kinds(data: Path, worlds_dir: Path) -> list[Kind]:
    kinds = []
    for name, (world, way_m) in _WORLDS.items():
        photos = _laps(data / "worlds" / world, way_m, worlds_dir / name)
        for lap, light in enumerate(_LIGHTS[1:], start=1):
            rows = np.flatnonzero(np.isin(photos.sequence_ids, (0, lap)))
            kinds.append(Kind(f"{name} {light}", name, [photos.take(rows)]))
    return [
        *kinds,
        Kind("corridor", "corridor", [_two_passes(corridor(data))]),
        Kind("kitti_sequences", "kitti", _by_place(data / "kitti_sequences")),
        Kind("ie_tower", "ie", _by_place(data / "ie_tower")),
    ]


def _laps(world: Path, way_m: tuple, out: Path) -> "PlaceDataset":
    """Returns the photos of all laps, which are rendered if they are missing."""
    from placevec.sources import open_places

    if not out.exists():
        way = np.array(way_m, float)
        steps_m = np.linalg.norm(np.diff(way, axis=0), axis=1)
        along_m = np.concatenate([[0], np.cumsum(steps_m)])
        at_m = np.arange(0, along_m[-1], _STEP_M)
        east, north = (np.interp(at_m, along_m, way[:, axis]) for axis in (0, 1))
        with tempfile.TemporaryDirectory() as folder:
            drive = Path(folder) / "drive.csv"
            rows = [
                f"{row},{e:.2f},{n:.2f}\n"
                for row, (e, n) in enumerate(zip(east, north, strict=True))
            ]
            drive.write_text("file,east,north\n" + "".join(rows), encoding="utf-8")
            render = ["render", "model", str(world), "--out", str(out), "--up", "y", "--no-points"]
            render += ["--trajectory", f"table:{drive}", "--val-share", "0", "--visits", *_LIGHTS]
            subprocess.run([sys.executable, "-m", "placevec", *render], check=True)
    return open_places(f"folder:{out}")


def _two_passes(each: object) -> "PlaceDataset":
    """Returns the database followed by the queries of a set as one run."""
    from placevec.places import PlaceDataset

    paths = [each.photos[row] for row in (*each.database, *each.queries)]
    root = Path(paths[0]).parents[1]
    names = [Path(path).relative_to(root).as_posix() for path in paths]
    frames = np.concatenate([np.arange(len(each.database)), np.arange(len(each.queries))])
    positions_m = np.stack([_FRAME_M * frames, np.zeros(len(frames))], axis=1)
    return PlaceDataset(root, names, positions_m=positions_m, times_s=np.arange(len(names)))


def _by_place(folder: Path) -> list["PlaceDataset"]:
    """Returns drives and videos that return to no place."""
    from placevec.places import PlaceDataset

    with (folder / "images.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["place"], int(row["frame"])))
    found = []
    for _, part in itertools.groupby(rows, lambda row: row["place"]):
        names = [row["file"] for row in part]
        numbers = np.arange(len(names))
        positions_m = _FAR_M * np.stack([numbers, np.zeros(len(names))], axis=1)
        found.append(PlaceDataset(folder, names, positions_m=positions_m, times_s=numbers))
    return found


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
