"""Shows which photos each rule for positives takes, and whether they show the same surface.

    python benchmarks/positives.py WORLDS/street-1 WORLDS/alpine-2

It renders two visits to each world with their depth. The depth says what is true: the pixels of one
photo are moved into the other, and count if the other's depth agrees within 3 %. The share of two
photos is the mean of both directions. Distance, headings and angles of view do not use the depth;
`shared_points` is made from the same depth, put into cubes. docs/rendering.md has what it printed.
"""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from machine import LeftOut

from placevec.cli import one_line_errors
from placevec.config import ModelRenderConfig, TupleConfig
from placevec.places.place_rule import PlaceRule
from placevec.rendering import render
from placevec.rendering.drawing.lenses import intrinsics
from placevec.rendering.scenes.camera import Pose
from placevec.sources import open_places

_TOLERANCE = 0.03
_SAME, _NOTHING = 0.3, 0.05
_STEP = 4  # One of this many pixels across and down is moved.


def main(
    worlds: tyro.conf.Positional[tuple[Path, ...]],
    *,
    radius_m: float = 25.0,
    num_photos: int = 400,
    short: bool = False,
) -> None:
    """Prints what each rule takes among all pairs within a radius.

    Args:
        worlds: 3-D models.
        radius_m: Largest distance of a positive, in metres.
        num_photos: Number of photos of each world.
        short: Fewer photos.
    """
    if not worlds:
        raise LeftOut("Name a 3-D model, or several")
    num_photos = 60 if short else num_photos
    rules = {
        "distance": {},
        "distance and 30 degrees": {"max_heading_difference_deg": 30.0},
        "view_overlap, 0.5": {"positive_rule": "view_overlap", "min_overlap": 0.5},
        "shared_points, 0.3": {"positive_rule": "shared_points", "min_overlap": 0.3},
    }
    print(
        f"| world, positives by | pairs taken | of them share at least {_SAME} | below {_NOTHING} "
        f"| of all pairs that share {_SAME} taken |\n|---|---|---|---|---|"
    )
    for world in worlds:
        with tempfile.TemporaryDirectory() as folder:
            chosen = ModelRenderConfig(
                out=Path(folder) / "photos", num_photos=num_photos, visits=("day", "overcast"),
                val_share=0, depth=True, pipe="software",
            )  # fmt: skip
            render(world, chosen)
            dataset = open_places(f"folder:{chosen.out}")
            views = [_View(chosen, row) for _, row in _table(chosen.out, dataset.names).iterrows()]
        taken = {name: _pairs(dataset, radius_m, changes) for name, changes in rules.items()}
        shares = {pair: _share(views[pair[0]], views[pair[1]]) for pair in taken["distance"]}
        same = {pair for pair, share in shares.items() if share >= _SAME}
        for name, pairs in taken.items():
            right = len(pairs & same)
            nothing = sum(shares[pair] < _NOTHING for pair in pairs)
            print(
                f"| {world.stem}, {name} | {len(pairs)} | {100 * right / max(len(pairs), 1):.0f} % "
                f"| {100 * nothing / max(len(pairs), 1):.0f} % "
                f"| {100 * right / max(len(same), 1):.0f} % |",
                flush=True,
            )


class _View:
    """The surface that a photo shows, and the position of its camera."""

    def __init__(self, chosen: ModelRenderConfig, row: pd.Series) -> None:
        self.depth_m = np.load((chosen.out / row.file).with_suffix(".depth.npy")).astype(float)
        position_m = (row.east, row.north, row.altitude_m)
        pose = Pose(position_m, row.heading_deg, row.pitch_deg, row.roll_deg).matrix()
        self.camera = intrinsics(chosen.image_size, row.fov_deg)
        self.world_to_camera = np.linalg.inv(pose)
        rows, columns = (each[::_STEP, ::_STEP].ravel() for each in np.indices(self.depth_m.shape))
        depths = self.depth_m[rows, columns]
        seen = np.isfinite(depths) & (depths > 0)
        pixels = np.stack([columns, rows, np.ones_like(rows)])[:, seen]
        points_m = np.linalg.solve(self.camera, pixels) * depths[seen]
        self.points_m = pose[:3, :3] @ points_m + pose[:3, 3:]


def _table(out: Path, names: np.ndarray) -> pd.DataFrame:
    return pd.read_csv(out / "positions.csv").set_index("file", drop=False).loc[names]


def _pairs(dataset: object, radius_m: float, changes: dict) -> set[tuple[int, int]]:
    defaults = TupleConfig()
    rule = PlaceRule(
        dataset,
        **{
            "positive_radius_m": radius_m,
            "negative_radius_m": defaults.negative_radius_m,
            "max_heading_difference_deg": None,
            "min_time_difference_s": None,
            "min_positive_distance_m": 0.0,
            "positive_rule": "distance",
            "min_overlap": defaults.min_overlap,
            "view_depth_m": defaults.view_depth_m,
            **changes,
        },
    )
    queries, photos = rule.positives(np.arange(len(dataset)))
    return {(int(a), int(b)) for a, b in zip(queries, photos, strict=True)}


def _share(one: _View, other: _View) -> float:
    return (_seen_share(one, other) + _seen_share(other, one)) / 2


def _seen_share(one: _View, other: _View) -> float:
    """Returns the share of the surface in one view that the other also sees."""
    moved = other.world_to_camera[:3, :3] @ one.points_m + other.world_to_camera[:3, 3:]
    ahead = moved[:, moved[2] > 0]
    columns, rows, _ = np.rint(other.camera @ ahead / ahead[2]).astype(int)
    height, width = other.depth_m.shape
    inside = (0 <= rows) & (rows < height) & (0 <= columns) & (columns < width)
    found = other.depth_m[rows[inside], columns[inside]]
    agrees = np.abs(found - ahead[2][inside]) <= _TOLERANCE * ahead[2][inside]
    return agrees.sum() / max(one.points_m.shape[1], 1)


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
