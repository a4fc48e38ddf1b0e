"""Writes loops as a pose graph for g2o."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.loops.relative_pose import relative_pose

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

    from placevec.loops.find import LoopsFound
    from placevec.places import PlaceDataset

_log = logging.getLogger(__name__)
_KNOWN = np.ones(6)
_SHIFT_SIGMA, _TURN_SIGMA_DEG = 10.0, 5.0  # from photos, which do not show the length of a shift
_TOLD = np.repeat([_SHIFT_SIGMA**-2, np.radians(_TURN_SIGMA_DEG) ** -2], 3)


def known_poses(
    dataset: "PlaceDataset",
) -> "tuple[NDArray[np.floating], Rotation] | None":
    """Returns positions (N, 3) in metres east, north and up, and camera rotations; None if unknown.

    A camera looks along its own x axis, which is taken as level, because only the heading is known.
    Up is 0 unless all altitudes are known.
    """
    from scipy.spatial.transform import Rotation

    headings_deg, positions_m = dataset.headings_deg, dataset.positions_m
    if positions_m is None or headings_deg is None or dataset.unit == "frames":
        return None
    if not np.isfinite(headings_deg).all():
        return None
    up_m = np.zeros(len(dataset))
    if dataset.altitudes_m is not None and np.isfinite(dataset.altitudes_m).all():
        up_m = dataset.altitudes_m
    turns = Rotation.from_euler("z", (90 - headings_deg)[:, None], degrees=True)
    return np.column_stack([positions_m, up_m]), turns


def known_graph(positions_m: NDArray[np.floating], turns: "Rotation", loops: list) -> list[str]:
    """Returns a vertex for each photo, an edge to the next photo, and an edge for each loop.

    Args:
        positions_m: (N, 3) float.
        turns: Rotation of length N.
        loops: list of Loop.
    """
    lines = list(_vertices(positions_m, turns))
    follow = [(row, row + 1) for row in range(len(positions_m) - 1)]
    for one, other in follow + [(loop.match, loop.query) for loop in loops]:
        shift_m = turns[one].inv().apply(positions_m[other] - positions_m[one])
        lines.append(_edge(one, other, shift_m, turns[one].inv() * turns[other], _KNOWN))
    return lines


def told_graph(found: "LoopsFound", fovs_deg: NDArray[np.floating]) -> list[str]:
    """Returns a vertex for each photo, and an edge for each loop with a pose found from its photos.

    A shift has length 1 and a standard deviation of 10, because photos show only its direction. A
    rotation has a standard deviation of 5 degrees.

    Args:
        found: LoopsFound.
        fovs_deg: (N,) float. Horizontal fields of view.
    """
    from scipy.spatial.transform import Rotation

    dataset = found.dataset
    poses = known_poses(dataset)
    if poses is None:
        poses = np.zeros((len(dataset), 3)), Rotation.identity(len(dataset))
    lines = list(_vertices(*poses))
    for loop in found.accepted:
        pair = loop.match, loop.query
        one, other = (dataset.path(row) for row in pair)
        told = relative_pose(one, other, (float(fovs_deg[pair[0]]), float(fovs_deg[pair[1]])))
        if told is not None:
            turn = Rotation.from_matrix(told.rotation)
            lines.append(_edge(*pair, told.direction, turn, _TOLD))
    missing = len(dataset) + len(found.accepted) - len(lines)
    if missing:
        _log.warning("loops.g2o leaves out %s with too few points", counted(missing, "loop"))
    return lines


def _vertices(positions_m: NDArray[np.floating], turns: "Rotation") -> Iterator[str]:
    for row, position_m in enumerate(positions_m):
        yield f"VERTEX_SE3:QUAT {row} {_numbers(position_m, turns[row])}"


def _edge(
    one: int, other: int, shift: NDArray[np.floating], turn: "Rotation", weights: NDArray
) -> str:
    upper = np.diag(weights)[np.triu_indices(6)]
    information = " ".join(f"{value:g}" for value in upper)
    return f"EDGE_SE3:QUAT {one} {other} {_numbers(shift, turn)} {information}"


def _numbers(position: NDArray[np.floating], turn: "Rotation") -> str:
    values = [*position, *turn.as_quat(canonical=True)]
    return " ".join(f"{value + 0.0:.9g}" for value in values)
