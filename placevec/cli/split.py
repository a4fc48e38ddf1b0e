"""`placevec split`: train, val and test of a set."""

from typing import Annotated

from placevec.cli.arguments import Flags, Places
from placevec.cli.surroundings import progress_bar
from placevec.config import SplitConfig


def split(
    places: Places,
    /,
    settings: Annotated[SplitConfig, Flags] = SplitConfig(),  # noqa: B008
) -> None:
    """Make train, val and test of a set: no place and no near-duplicate photo on two sides.

    Writes splits.csv and a map, splits.svg, beside the photos; then READER:PATH#train, #val and
    #test open the splits.

    Args:
        places: Photos with positions: READER:PATH, or a path whose format placevec recognizes.
        settings: How photos are split.
    """
    import numpy as np

    from placevec.evaluation import make_split
    from placevec.places import SPLITS
    from placevec.sources import SPLITS_FILE, find_reader, open_places

    dataset = open_places(places, skip_unreadable=settings.skip_unreadable)
    model = None
    if settings.model is not None:
        from placevec.models import load_model

        model = load_model(settings.model)
    parts, roles = make_split(dataset, settings, model, progress=progress_bar)
    for name in SPLITS:
        rows = parts.rows(name)
        if len(rows):
            counts = [(roles[rows] == role).sum() for role in ("query", "database", "both")]
            words = zip(counts, ("queries", "database", "both"), strict=True)
            print(f"{name}: {len(rows)} photos ({', '.join(f'{n} {w}' for n, w in words if n)})")
    reasons, counts = np.unique(parts.left_out[parts.names == ""], return_counts=True)
    for reason, count in zip(reasons, counts, strict=True):
        print(f"left out: {count} photos ({reason})")
    reader, path = find_reader(places)
    print(f"{dataset.root / SPLITS_FILE}: open a split as {reader}:{path}#{SPLITS[0]}")
