"""Loops as files: a table, pictures, and what SLAM systems and structure from motion read."""

import csv
import logging
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from placevec.input_file import shown
from placevec.loops.draw import draw_similarities, draw_trajectory
from placevec.sources.tables.rows.csv_file import csv_cell
from placevec.whole_file import require_new_folder, whole_file

if TYPE_CHECKING:
    from placevec.loops.find import LoopsFound

_TEXT: Any = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
_log = logging.getLogger(__name__)
_INFORMATION = tuple(float(row == column) for row in range(6) for column in range(row, 6))


def write_loops(found: "LoopsFound", out: Path) -> None:
    """Writes all forms of the loops that the data permits, and logs which it does not.

    `loops.csv` has a row for each photo that has a match; the other files have the accepted loops
    only: `pairs.txt` (names, for hloc and COLMAP's `matches_importer`), `kapture_pairs.txt`,
    `tum_pairs.txt` (times and gap), `loops.g2o` (a pose graph in the plane). `similarity.png` shows
    all photos against all, `trajectory.png` the loops on the map.

    Args:
        found: LoopsFound.
        out: Path. Folder; made if it is missing.

    Raises:
        FileNotFoundError: If the folder that `out` lies in is missing.
        OSError: If a file cannot be written.
    """
    require_new_folder(out)
    out.mkdir(exist_ok=True)
    _write_table(found, out / "loops.csv")
    draw_similarities(found, out / "similarity.png")
    forms: dict[str, Callable[[LoopsFound], Iterable[str]]] = {
        "pairs.txt": _hloc,
        "kapture_pairs.txt": _kapture,
        "tum_pairs.txt": _tum,
        "loops.g2o": _g2o,
    }
    for name, form in forms.items():
        try:
            lines = list(form(found))
        except _CannotSayError as reason:
            _log.warning("%s is left out: %s", name, reason)
            (out / name).unlink(missing_ok=True)  # of another run, with other loops
            continue
        with whole_file(out / name) as unfinished:
            text = "".join(f"{line}\n" for line in lines)
            unfinished.write_text(text, **_TEXT)
    if found.dataset.positions_m is None or found.dataset.unit == "frames":
        _log.warning("trajectory.png is left out: positions are not known")
        (out / "trajectory.png").unlink(missing_ok=True)
    else:
        draw_trajectory(found, out / "trajectory.png")
    _log.info("wrote %s", shown(out))


class _CannotSayError(ValueError):
    """The data does not have what a form needs."""


def _write_table(found: "LoopsFound", path: Path) -> None:
    table = found.to_frame()
    for name in ("inliers", "confidence"):
        table[name] = table[name].astype("string").fillna("")
    with whole_file(path) as unfinished, unfinished.open("w", **_TEXT) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        for query, match, *values in table.itertuples(index=False):
            writer.writerow([csv_cell(query, is_file=True), csv_cell(match, is_file=True), *values])


def _hloc(found: "LoopsFound") -> Iterable[str]:
    names = _names_without(found, lambda name: name.split() != [name], "blanks")
    return [f"{names[loop.query]} {names[loop.match]}" for loop in found.accepted]


def _kapture(found: "LoopsFound") -> Iterable[str]:
    names = _names_without(found, lambda name: "," in name or name != name.strip(), "commas")
    rows = (
        f"{names[one.query]}, {names[one.match]}, {one.similarity:.6f}" for one in found.accepted
    )
    return ["# kapture format: 1.0", "# query_image, map_image, score", *rows]


def _names_without(found: "LoopsFound", is_bad: Callable[[str], bool], what: str) -> dict[int, str]:
    rows = sorted({row for loop in found.accepted for row in (loop.query, loop.match)})
    names = {row: str(found.dataset.names[row]) for row in rows}
    if bad := [name for name in names.values() if is_bad(name)]:
        raise _CannotSayError(
            f"its form has no room for {what} in names (first: {shown(bad[0])}). Rename the photos"
        )
    return names


def _tum(found: "LoopsFound") -> Iterable[str]:
    times_s = found.dataset.times_s
    if times_s is None or not np.isfinite(times_s).all():
        raise _CannotSayError("times are not known")
    rows = (
        f"{times_s[loop.query]:.6f} {times_s[loop.match]:.6f} {loop.gap:.6f}"
        for loop in found.accepted
    )
    return ["# time of the query, time of the match, gap", *rows]


def _g2o(found: "LoopsFound") -> Iterable[str]:
    """Returns a vertex for each photo, an edge to the next one, and an edge for each loop.

    A pose is east, north and the heading as an angle from east, counterclockwise; x points the way
    that the camera looks. An appearance alone tells no relative pose, so poses must be known.
    """
    dataset = found.dataset
    positions_m, headings_deg = dataset.positions_m, dataset.headings_deg
    if (
        positions_m is None
        or headings_deg is None
        or dataset.unit == "frames"
        or not np.isfinite(headings_deg).all()
    ):
        raise _CannotSayError(
            "positions and headings are not all known, and photos alone do not give relative poses"
        )
    turns = np.radians(90 - headings_deg)
    lines = [
        f"VERTEX_SE3:QUAT {row} {_pose(east, north, turn)}"
        for row, ((east, north), turn) in enumerate(zip(positions_m, turns, strict=True))
    ]
    follow = [(row, row + 1) for row in range(len(dataset) - 1)]
    information = " ".join(f"{value:g}" for value in _INFORMATION)
    for one, other in follow + [(loop.match, loop.query) for loop in found.accepted]:
        east, north = positions_m[other] - positions_m[one]
        cos, sin = math.cos(turns[one]), math.sin(turns[one])
        relative = (cos * east + sin * north, cos * north - sin * east)
        pose = _pose(*relative, turns[other] - turns[one])
        lines.append(f"EDGE_SE3:QUAT {one} {other} {pose} {information}")
    return lines


def _pose(x: float, y: float, turn: float) -> str:
    return f"{x:.9g} {y:.9g} 0 0 0 {math.sin(turn / 2):.9g} {math.cos(turn / 2):.9g}"
