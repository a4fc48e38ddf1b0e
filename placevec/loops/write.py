"""Writes loops as a table, as pictures, and in formats of SLAM and structure from motion."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from placevec.input_file import shown
from placevec.loops.draw import draw_similarities, draw_trajectory
from placevec.loops.pose_graph import known_graph, known_poses, told_graph
from placevec.sources.tables.rows.csv_file import write_frame
from placevec.whole_file import require_new_folder, whole_file

if TYPE_CHECKING:
    from placevec.loops.find import LoopsFound

_TEXT: Any = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
_log = logging.getLogger(__name__)

_TABLE, _SIMILARITIES, _MAP = "loops.csv", "similarity.png", "trajectory.png"
_HLOC, _KAPTURE, _TUM, _G2O = "pairs.txt", "kapture_pairs.txt", "tum_pairs.txt", "loops.g2o"
LOOPS_FILES = (_TABLE, _SIMILARITIES, _MAP, _HLOC, _KAPTURE, _TUM, _G2O)
"""All files that `write_loops` can write."""


def write_loops(
    found: "LoopsFound", out: Path, *, fovs_deg: NDArray[np.floating] | None = None
) -> None:
    """Writes the loops in every form that the data allow, and logs the forms that they do not.

    `loops.csv` has a row for each photo that has a match. The other files have only the accepted
    loops: `pairs.txt` (names, for hloc and COLMAP's `matches_importer`), `kapture_pairs.txt`,
    `tum_pairs.txt` (times and gap), `loops.g2o` (a pose graph). `similarity.png` shows the
    similarity of all photos to each other, `trajectory.png` the loops on a map.

    Args:
        found: LoopsFound.
        out: Path. Folder; made if it is missing.
        fovs_deg: (N,) float or None. Horizontal fields of view. If given, the relative poses of the
            graph come from the photos. None: they come from the known poses.

    Raises:
        FileNotFoundError: If the folder that `out` lies in is missing.
        OSError: If a file cannot be written.
    """
    require_new_folder(out)
    out.mkdir(exist_ok=True)
    write_frame(out / _TABLE, found.to_frame(), ["query", "match"])
    draw_similarities(found, out / _SIMILARITIES)
    forms: dict[str, Callable[[LoopsFound], Iterable[str]]] = {
        _HLOC: _hloc,
        _KAPTURE: _kapture,
        _TUM: _tum,
        _G2O: _g2o if fovs_deg is None else lambda found: told_graph(found, fovs_deg),
    }
    for name, form in forms.items():
        try:
            lines = list(form(found))
        except _CannotSayError as reason:
            _log.warning("%s is left out: %s", name, reason)
            (out / name).unlink(missing_ok=True)  # It would show the loops of an earlier run.
            continue
        with whole_file(out / name) as unfinished:
            text = "".join(f"{line}\n" for line in lines)
            unfinished.write_text(text, **_TEXT)
    if found.dataset.positions_m is None or found.dataset.unit == "frames":
        _log.warning("%s is left out: positions are not known", _MAP)
        (out / _MAP).unlink(missing_ok=True)
    else:
        draw_trajectory(found, out / _MAP)
    _log.info("wrote %s", shown(out))


class _CannotSayError(ValueError):
    """The data do not have what a form needs."""


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
            f"its format does not allow {what} in names (first: {shown(bad[0])}). Rename the photos"
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
    poses = known_poses(found.dataset)
    if poses is None:
        raise _CannotSayError(
            "positions and headings are not all known, and photos show no distance. `--g2o "
            "essential` writes what they show"
        )
    return known_graph(*poses, found.accepted)
