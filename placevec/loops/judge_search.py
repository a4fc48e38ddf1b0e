"""Judges the answers of searches by known positions."""

import numpy as np
from numpy.typing import NDArray

from placevec.loops.judged import JudgedMatches
from placevec.places import PlaceDataset, may_answer
from placevec.retrieval.gap import PLACE_RADIUS_M
from placevec.retrieval.normalize import Normalizer
from placevec.store.map_statistics import fit_map_statistics

_SURROUNDINGS = 4  # times the radius; a photo closer than that may show the same houses


def judge_search(
    dataset: PlaceDataset,
    descriptors: NDArray[np.floating],
    *,
    radius_m: float,
    wrong_beyond_m: float | None = None,
) -> JudgedMatches:
    """Looks up the queries in the database, as `search` does, and judges the best answers.

    Each query with a right answer is looked up a second time without the photos of its
    surroundings, up to four times the radius. So at least half of the lookups are for a place that
    the map does not have.

    Args:
        dataset: PlaceDataset. Queries and database, with positions.
        descriptors: (N, D) float, of unit L2 norm. Descriptors of all its photos.
        radius_m: float. Largest distance of a right answer.
        wrong_beyond_m: float or None. Smallest distance of a wrong answer. None: `radius_m`.

    Raises:
        ValueError: If the database shows only one place.
    """
    queries, database = dataset.queries, dataset.database
    statistics = fit_map_statistics(descriptors[database])
    looked_up = Normalizer(statistics, "map")(descriptors[queries])
    known = statistics.adapt(descriptors[database])
    places_m = dataset.known("positions_m")
    rows: list[tuple[float, bool, bool, bool]] = []
    for vector, query in zip(looked_up, queries.tolist(), strict=True):
        allowed = may_answer(dataset, np.full(len(database), query), database)
        apart_m = np.linalg.norm(places_m[database] - places_m[query], axis=1)
        is_right = allowed & (apart_m <= radius_m)
        is_ignored = ~is_right & (apart_m <= (wrong_beyond_m or radius_m))
        similarities = known @ vector
        without = allowed & (apart_m > _SURROUNDINGS * radius_m)
        for is_open in (allowed, without)[: 1 + is_right.any()]:
            values = np.where(is_open, similarities, -np.inf)
            best = int(values.argmax())
            to_best_m = np.linalg.norm(places_m[database] - places_m[database[best]], axis=1)
            second = values[to_best_m > PLACE_RADIUS_M].max(initial=-np.inf)
            if np.isfinite(second):
                gap = float(values[best] - second)
                rows.append((gap, is_right[best], is_ignored[best], is_right[is_open].any()))
    if not rows:
        raise ValueError(
            "Answers of searches are judged by their lead over any other place, more than "
            f"{PLACE_RADIUS_M:g} {dataset.unit} away. Received: {dataset.root}, whose database has "
            "photos of only one place. Add photos of more places"
        )
    gaps, is_right, is_ignored, has_answer = map(np.array, zip(*rows, strict=True))
    return JudgedMatches(
        gaps=gaps,
        inliers=np.zeros(len(gaps), np.int64),
        is_open=np.ones(len(gaps), bool),
        is_right=is_right,
        is_ignored=is_ignored,
        has_answer=has_answer,
    )
