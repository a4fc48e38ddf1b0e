"""Measures whether a threshold learned on one kind of place holds on others.

    python benchmarks/thresholds.py --data DATA

`development_sets.py` describes `DATA` and the sets. The score of a query is its gap: the similarity
to the best candidate minus that to the best candidate of another place, after queries and database
lost their own means. Two database photos show one place if both are right answers of a
query. Every query has a right answer. A threshold is learned on one set with `learn_threshold` and
used on every other set. A cell gives the precision and recall there in percent. Sets that do not
reach the precision say so.

    python benchmarks/thresholds.py --data DATA --groups

measures `placevec group` instead, on cambridge, corridor, ie_tower and town, by the threshold that
the photos show and by those of `loops --sequence 1` that ship with the network. Two photos show one
place within 25 m, within 2 frames of the corridor, or within 5 frames of a video of ie_tower. They
show two places otherwise; those of ie_tower only from 10 frames of one video on, as nobody says
what two videos share. A row has

    photos    grouped photos that have another photo of their place in their group: what
              `--precision` promises
    pairs     pairs of photos in one group that show one place, and such pairs that were found of
              all that look into one direction (45 degrees)
    groups    groups without two photos of two places
"""

import csv
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro
from development_sets import RADIUS_M, DevelopmentSet, development_sets

from placevec.cli import one_line_errors
from placevec.evaluation import learn_threshold

if TYPE_CHECKING:
    from placevec.models import Engine
    from placevec.places import PlaceDataset


_GROUPED = ("cambridge", "corridor", "ie_tower", "town")
_CORRIDOR_FRAMES, _NEAR_FRAMES, _FAR_FRAMES = 2, 5, 10
_SAME_VIEW_DEG = 45.0
_PRECISIONS = (0.8, 0.9, 0.95)


def main(
    data: Path, town_dir: Path | None = None, model: str = "small", groups: bool = False
) -> None:
    """Prints the table.

    Args:
        data: Folder of the development sets.
        town_dir: Folder of the synthetic town; rendered if it does not exist. None: a temporary
            folder.
        model: A .keras file, or the name of a network that ships with placevec.
        groups: Measure groups of photos.
    """
    from placevec.models import open_engine
    from placevec.models.files.model_file import model_path

    engine = open_engine(model_path(model))
    with tempfile.TemporaryDirectory() as folder:
        if groups:
            print_groups(grouped_sets(data, town_dir or Path(folder) / "town"), engine)
            return
        scored = {}
        for each in development_sets(data, town_dir or Path(folder) / "town"):
            scored[each.name] = scores(each, engine.describe(each.photos))
    for precision in (0.95, 0.99):
        print(f"\nlearned for a precision of {100 * precision:g} % on (accepted, wrong there):")
        print(" " * 34 + "".join(f"{name[:13]:>15s}" for name in scored))
        for name, (gaps, is_right) in scored.items():
            try:
                found = learn_threshold(gaps, is_right, precision=precision)
            except ValueError as error:
                print(f"{name:22s} {str(error).split('.')[0][-60:]}")
                continue
            cells = [_cell(*other, found.score) for other in scored.values()]
            head = f"{name:19s} {found.num_accepted:5d} {found.num_wrong:3d}"
            print(f"{head:34s}" + "".join(f"{cell:>15s}" for cell in cells))


def scores(each: DevelopmentSet, descriptors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the gap of each query and whether its best candidate is right."""
    from placevec.store import MapStatistics

    sides = [
        MapStatistics(side.mean(0), None, len(side)).adapt(side)
        for side in (descriptors[each.queries], descriptors[each.database])
    ]
    similarities = np.where(each.is_candidate, sides[0] @ sides[1].T, -np.inf)
    best = similarities.argmax(1)
    right = each.is_right.astype(np.float32)
    is_elsewhere = (right.T @ right)[best] == 0
    is_elsewhere[np.arange(len(best)), best] = False
    others = np.where(is_elsewhere, similarities, -np.inf).max(1)
    rows = np.arange(len(best))
    return similarities[rows, best] - others, each.is_right[rows, best]


@dataclass(frozen=True)
class GroupedSet:
    """Photos, and which of them show one place.

    Args:
        name: str.
        photos: PlaceDataset. N photos.
        is_right: (N, N) bool. Pairs that show one place.
        is_wrong: (N, N) bool. Pairs that show two places.
        is_wanted: (N, N) bool. Pairs of one place that a group should hold.
    """

    name: str
    photos: "PlaceDataset"
    is_right: np.ndarray
    is_wrong: np.ndarray
    is_wanted: np.ndarray


def grouped_sets(data: Path, town_dir: Path) -> Iterator[GroupedSet]:
    """Yields the sets whose photos are grouped."""
    from placevec.places import PlaceDataset
    from placevec.places.turn import turn_deg
    from placevec.sources import open_places

    sources = {"cambridge": f"table:{data / 'cambridge' / 'val'}",
               "town": f"folder:{town_dir / 'val'}"}  # fmt: skip
    for each in development_sets(data, town_dir, _GROUPED):
        if each.name in sources:
            photos = open_places(sources[each.name])
            apart_m = np.linalg.norm(photos.positions_m[:, None] - photos.positions_m, axis=2)
            apart_deg = turn_deg(photos.headings_deg[:, None], photos.headings_deg)
            is_right = apart_m <= RADIUS_M
            is_wanted, is_wrong = is_right & (apart_deg <= _SAME_VIEW_DEG), ~is_right
        else:
            root = data / each.name
            names = [Path(path).relative_to(root).as_posix() for path in each.photos]
            photos = PlaceDataset(root, names)
            videos, frames = _videos_and_frames(each.name, photos)
            apart = np.abs(frames[:, None] - frames)
            same = videos[:, None] == videos
            is_corridor = each.name == "corridor"
            is_right = same & (apart <= (_CORRIDOR_FRAMES if is_corridor else _NEAR_FRAMES))
            is_wanted = is_right
            is_wrong = ~is_right if is_corridor else same & (apart >= _FAR_FRAMES)
        others = ~np.eye(len(photos), dtype=bool)
        yield GroupedSet(each.name, photos, is_right & others, is_wrong, is_wanted & others)


def _videos_and_frames(name: str, photos: "PlaceDataset") -> tuple[np.ndarray, np.ndarray]:
    """Returns the video of each photo, and its frame there; both passes of a corridor are one."""
    if name == "corridor":
        half = len(photos) // 2
        return np.zeros(2 * half, int), np.tile(np.arange(half), 2)
    with (photos.root / "images.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    found = [rows[name] for name in photos.names.tolist()]
    return np.array([row["place"] for row in found]), np.array([int(row["frame"]) for row in found])


def print_groups(sets: Iterator[GroupedSet], engine: "Engine") -> None:
    """Prints a row for each set and threshold."""
    from placevec.grouping.group import group_descriptors
    from placevec.retrieval.calibration import loops_score, of_score, shipped_calibrations

    score = loops_score(engine.image_size, sequence=1, rerank=None, min_inliers=None)
    shipped = of_score(shipped_calibrations(engine.model_id), score)
    learned = [] if shipped is None else shipped.thresholds
    print("| set, photos | threshold | groups, photos in them | right photos | pairs, precision "
          "and recall, % | right groups |")  # fmt: skip
    print("|---" * 6 + "|")
    for each in sets:
        descriptors = engine.describe(each.photos.paths())
        limits = [("own", precision, None) for precision in _PRECISIONS]
        limits += [("of loops", row["precision"], row["score"]) for row in learned]
        for name, precision, limit in limits:
            found = group_descriptors(each.photos, descriptors, limit, precision=precision)
            how = f"{name}, {100 * precision:g} % ({found.threshold:.3f})"
            head = f"{each.name}, {len(each.photos)} | {how}"
            print(f"| {head} | {_groups_row(each, found.numbers)} |", flush=True)


def _groups_row(each: GroupedSet, numbers: np.ndarray) -> str:
    """Returns the cells of one grouping; what is not known counts neither way."""
    together = (numbers[:, None] == numbers) & (numbers > 0)
    right, wrong = together & each.is_right, together & each.is_wrong
    grouped = numbers > 0
    is_known = grouped & (right | wrong).any(axis=1)
    has_match = right.any(axis=1)[is_known]
    bad = set(numbers[wrong.any(axis=1)].tolist())
    known = set(numbers[is_known].tolist())
    recall = (together & each.is_wanted).sum() / each.is_wanted.sum()
    cells = [
        f"{numbers.max()}, {grouped.sum()}",
        f"{has_match.sum()} of {len(has_match)}",
        f"{_share(right.sum(), right.sum() + wrong.sum())}, {100 * recall:.1f}",
        f"{len(known - bad)} of {len(known)}",
    ]
    return " | ".join(cells)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "none"


def _cell(gaps: np.ndarray, is_right: np.ndarray, threshold: float) -> str:
    accepted = gaps >= threshold
    if not accepted.any():
        return "none"
    return f"{100 * is_right[accepted].mean():.1f}, {100 * (accepted & is_right).mean():.1f}"


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
