"""How much recall is left when the queries are darkened?

Describes a data set as it is, and with its queries as at dusk: gamma 1.5, a gain between 0.35 and
0.6, warmer colours and noise of 3 grey levels, seeded. Prints recall@1 of each model on both:

    python benchmarks/dusk.py table:CAMBRIDGE/val --model A.keras B.keras
"""

import argparse
from pathlib import Path

import numpy as np

from placevec.cli import import_keras, one_line_errors

_COLOUR = np.array([1.1, 1.0, 0.85])
_IMAGE_SIZE = (240, 320)


def darken(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns a photo (H, W, 3) uint8 as at dusk."""
    dark = (photo / 255.0) ** 1.5 * rng.uniform(0.35, 0.6) * 255 * _COLOUR
    return np.clip(dark + rng.normal(0, 3, photo.shape), 0, 255).astype(np.uint8)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", metavar="READER:PATH")
    parser.add_argument("--model", type=Path, nargs="+", required=True)
    parser.add_argument("--radius-m", type=float, default=25.0)
    own = parser.parse_args()
    import_keras()
    from placevec.images import read_image
    from placevec.models import load_model
    from placevec.places import relevant_database
    from placevec.retrieval import nearest, recall
    from placevec.sources import open_places

    dataset = open_places(own.places)
    relevant = relevant_database(dataset, own.radius_m)
    photos = np.stack([read_image(path, image_size=_IMAGE_SIZE) for path in dataset.paths()])
    rng = np.random.default_rng(1)
    queries = {
        "by day": photos[dataset.queries],
        "at dusk": np.stack([darken(photo, rng) for photo in photos[dataset.queries]]),
    }
    print(f"| recall@1, % | {' | '.join(queries)} |\n|---|---|---|")
    for path in own.model:
        model = load_model(path)
        database = model.predict(photos[dataset.database], batch_size=8, verbose=0)
        shares = [
            recall(nearest(database, model.predict(each, batch_size=8, verbose=0), 1)[0],
                   relevant, ranks=(1,))[1]
            for each in queries.values()
        ]  # fmt: skip
        print(f"| {path} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    with one_line_errors():
        main()
