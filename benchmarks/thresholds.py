"""Measures whether a threshold learned on one kind of place holds on others.

    python benchmarks/thresholds.py --data DATA

`development_sets.py` describes `DATA` and the sets. The score of a query is its gap: the similarity
to the best candidate minus that to the best candidate of another place, after the means of queries
and database are subtracted. Two database photos show one place if both are right answers of a
query. Every query has a right answer. A threshold is learned on one set with `learn_threshold` and
used on every other set. A cell gives the precision and recall there in percent. Sets that do not
reach the precision say so.
"""

import tempfile
from pathlib import Path

import numpy as np
import tyro
from development_sets import DevelopmentSet, development_sets

from placevec.cli import one_line_errors
from placevec.evaluation import learn_threshold


def main(data: Path, town_dir: Path | None = None, model: str = "small") -> None:
    """Prints the table.

    Args:
        data: Folder of the development sets.
        town_dir: Folder of the synthetic town; rendered if it does not exist. None: a temporary
            folder.
        model: A .keras file, or the name of a network that ships with placevec.
    """
    from placevec.models import open_engine
    from placevec.models.files.model_file import model_path

    engine = open_engine(model_path(model))
    with tempfile.TemporaryDirectory() as folder:
        scored = {}
        for each in development_sets(data, town_dir or Path(folder)):
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
    sides = [
        descriptors[rows] - descriptors[rows].mean(0) for rows in (each.queries, each.database)
    ]
    sides = [
        side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in sides
    ]
    similarities = np.where(each.is_candidate, sides[0] @ sides[1].T, -np.inf)
    best = similarities.argmax(1)
    right = each.is_right.astype(np.float32)
    is_elsewhere = (right.T @ right)[best] == 0
    is_elsewhere[np.arange(len(best)), best] = False
    others = np.where(is_elsewhere, similarities, -np.inf).max(1)
    rows = np.arange(len(best))
    return similarities[rows, best] - others, each.is_right[rows, best]


def _cell(gaps: np.ndarray, is_right: np.ndarray, threshold: float) -> str:
    accepted = gaps >= threshold
    if not accepted.any():
        return "none"
    return f"{100 * is_right[accepted].mean():.1f}, {100 * (accepted & is_right).mean():.1f}"


if __name__ == "__main__":
    with one_line_errors():
        tyro.cli(main)
