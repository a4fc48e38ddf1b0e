"""Compares training settings on streets of the same town that are held out by area.

It writes two tables beside the training photos of a town: `north.csv` for training, and
`south.csv`, the southern 35 % beyond a gap of 30 m, with a quarter of its places as queries. Then
it trains `lite0_netvlad` on the first, with the flags that you add, and prints recall on the
second:
    python benchmarks/held_out_area.py CAMBRIDGE/train --out FOLDER --train-from-layer None
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from placevec.cli import flags_over, one_line_errors, progress_bar
from placevec.recipes import recipe

_SOUTH, _GAP_M, _QUERIES = 0.35, 30.0, 0.25
_METRES_PER_DEGREE = 111_195.0


def split(photos: Path, out: Path) -> None:
    """Writes `out/north/images.csv` and `out/south/images.csv` with links to the photos."""
    table = pd.read_csv(photos / "images.csv")
    north_m = table.lat.to_numpy() * _METRES_PER_DEGREE
    edge_m = np.quantile(north_m, _SOUTH)
    parts = {"north": table[north_m > edge_m + _GAP_M], "south": table[north_m <= edge_m]}
    places = np.sort(parts["south"].place.unique())
    drawn = np.random.default_rng(0).permutation(places)[: int(_QUERIES * len(places))]
    role = np.where(parts["south"].place.isin(drawn), "query", "database")
    parts["south"] = parts["south"].assign(role=role)
    for name, part in parts.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        link = out / name / "images"
        if not link.exists():
            link.symlink_to((photos / "images").resolve())
        part.to_csv(out / name / "images.csv", index=False)


def main() -> None:
    """Splits, trains and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="folder of images.csv and images")
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and the run")
    own, flags = parser.parse_known_args()
    split(own.photos, own.out)
    from placevec.training import train

    tables = {
        "places": f"table:{own.out}/north",
        "validation": f"table:{own.out}/south",
        "out": own.out / "run",
        "overwrite": True,
    }
    config = dataclasses.replace(recipe("lite0_netvlad", own.photos.parent), **tables)
    config = flags_over(config, flags)
    print(train(config, progress=progress_bar))


if __name__ == "__main__":
    with one_line_errors():
        main()
