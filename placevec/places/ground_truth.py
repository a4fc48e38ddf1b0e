"""Which database photos are right answers for each query."""

import numpy as np

from placevec.places.dataset import PlaceDataset
from placevec.places.neighbours import DatabaseNeighbours


def relevant_database(dataset: PlaceDataset, radius_m: float) -> list[np.ndarray]:
    """Finds the database photos that show the place of each query.

    These are the photos within the radius or, in a data set without positions, those of the same
    place; never the query itself.

    Args:
        dataset: PlaceDataset.
        radius_m: float. Largest distance, in metres; not looked at where there are no positions.

    Returns:
        One array of int64, ascending, for each of `dataset.queries`: places in
        `dataset.database` (0 is its first photo), not rows of the data set.

    Raises:
        ValueError: If `radius_m` is negative or no number.

    Example:

    >>> line = PlaceDataset("photos", ["a", "b", "c"], positions_m=[[0, 0], [5, 0], [20, 0]])
    >>> [photos.tolist() for photos in relevant_database(line, radius_m=15.0)]
    [[1], [0, 2], [1]]
    """
    if not radius_m >= 0:
        raise ValueError(f"`radius_m` must not be negative. Received: radius_m={radius_m}")
    neighbours = DatabaseNeighbours(dataset)
    owners, found = neighbours.within(dataset.queries, radius_m)
    others = neighbours.database[found] != dataset.queries[owners]
    counts = np.bincount(owners[others], minlength=len(dataset.queries))
    return np.split(found[others], np.cumsum(counts)[:-1]) if len(counts) else []
