"""A model's recall on a data set."""

import functools
import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from placevec.config import EvaluateConfig
from placevec.evaluation.cautions import warn_of_own_run, warn_of_queries_in_database
from placevec.evaluation.recall import RANKS, recall
from placevec.models.describe import describe, no_progress
from placevec.places import PlaceDataset, may_answer, most_barred, relevant_database
from placevec.sources import open_places
from placevec.store.search.exact import nearest

if TYPE_CHECKING:
    import pandas as pd

_NUM_NEIGHBORS = 20
_MOST_PAIRS = 20_000_000  # of a query and a neighbour, searched together
_QUERIES_SHOWN, _MATCHES_SHOWN = 3, 3  # in a notebook


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a model found for the queries of a data set.

    Row `q` of all arrays belongs to the photo `dataset.queries[q]`. Take a part of the queries
    with `of_queries`, which keeps it so.

    Args:
        dataset: PlaceDataset. The photos that could be read.
        neighbors: (Q, k) int64. Rows of `dataset.database`, best first; -1 is no photo.
        similarities: (Q, k) float32. Larger is better; -infinity where there is no photo.
        relevant: Q arrays of int64. The rows of `dataset.database` that are right answers.
        descriptor_dim: int. `D`.

    Raises:
        ValueError: If these do not have one row for each query of the data set, or name photos
            that its database does not have.
    """

    dataset: PlaceDataset
    neighbors: np.ndarray
    similarities: np.ndarray
    relevant: Sequence[np.ndarray]
    descriptor_dim: int

    def __post_init__(self) -> None:
        num_queries, num_database = len(self.dataset.queries), len(self.dataset.database)
        shapes = (np.shape(self.neighbors), np.shape(self.similarities), (len(self.relevant),))
        if any(shape[:1] != (num_queries,) for shape in shapes) or shapes[0] != shapes[1]:
            raise ValueError(
                "`neighbors`, `similarities` and `relevant` must have one row for each of the "
                f"{num_queries} queries of `dataset`. Received: shapes {shapes[0]}, {shapes[1]} "
                f"and {shapes[2]}"
            )
        for name, rows in (("neighbors", [self.neighbors]), ("relevant", self.relevant)):
            if max((np.max(each, initial=-1) for each in rows), default=-1) >= num_database:
                raise ValueError(
                    f"`{name}` must be rows of the {num_database} database photos of `dataset`. "
                    "Received: a larger one"
                )

    @functools.cached_property
    def recall(self) -> dict[int, float]:
        """N -> share of queries in [0, 1]."""
        return recall(self.neighbors, self.relevant)

    def of_queries(self, is_kept: np.ndarray) -> "Evaluation":
        """Returns the evaluation of some of the queries, searched in the same database.

        Args:
            is_kept: (Q,) bool. True for each query to keep, in the order of `dataset.queries`.

        Raises:
            ValueError: If `is_kept` is not one truth value for each query.
        """
        is_kept, queries = np.asarray(is_kept), self.dataset.queries
        if is_kept.dtype != bool or is_kept.shape != queries.shape:
            raise ValueError(
                f"`is_kept` must be bool, one for each of the {len(queries)} queries. Received: "
                f"{is_kept.dtype}, shape {is_kept.shape}"
            )
        is_query = np.zeros(len(self.dataset), bool)
        is_query[queries[is_kept]] = True
        return Evaluation(
            dataset=replace(self.dataset, is_query=is_query),
            neighbors=self.neighbors[is_kept],
            similarities=self.similarities[is_kept],
            relevant=[self.relevant[row] for row in np.flatnonzero(is_kept).tolist()],
            descriptor_dim=self.descriptor_dim,
        )

    def to_frame(self) -> "pd.DataFrame":
        """Returns what was found as a pandas table.

        Returns:
            DataFrame with a row for each query and photo found for it: `query` and `match`, file
            names relative to `dataset.root`; `rank` from 1; `similarity`; `is_right`, whether the
            match is a right answer.
        """
        import pandas as pd

        rows, ranks = np.nonzero(self.neighbors >= 0)
        found = self.neighbors[rows, ranks]
        right = [
            np.isin(photos, good)
            for photos, good in zip(self.neighbors, self.relevant, strict=True)
        ]
        names = self.dataset.names.astype(object)
        return pd.DataFrame(
            {
                "query": names[self.dataset.queries[rows]],
                "rank": ranks + 1,
                "match": names[self.dataset.database[found]],
                "similarity": self.similarities[rows, ranks],
                "is_right": np.array(right, bool).reshape(self.neighbors.shape)[rows, ranks],
            }
        )

    def __repr__(self) -> str:
        shares = ", ".join(f"recall@{n} {100 * share:.1f} %" for n, share in self.recall.items())
        unanswerable = sum(not len(right) for right in self.relevant)
        without = f" ({unanswerable} without a right answer)" if unanswerable else ""
        return (
            f"Evaluation({shares}; {len(self.relevant)} queries{without}, "
            f"{len(self.dataset.database)} database photos, {self.descriptor_dim} dimensions)"
        )

    def _repr_html_(self) -> str:
        """Returns the line of `repr` and what was found for the first queries, for notebooks."""
        first = self.of_queries(np.arange(len(self.relevant)) < _QUERIES_SHOWN).to_frame()
        first = first[first["rank"] <= _MATCHES_SHOWN]
        return f"<p>{html.escape(repr(self))}</p>{first.to_html(index=False)}"

    def recall_at(self, ranks: Sequence[int]) -> dict[int, float]:
        """Returns recall at other values of N, as far as neighbors were searched."""
        return recall(self.neighbors, self.relevant, ranks)

    def saturation(self) -> list[str]:
        """Returns why recall cannot tell a better model from this one, a sentence for each rank.

        Empty if it can: recall@1 is below 100 %, and every rank is below the number of database
        photos.
        """
        num_database = len(self.dataset.database)
        num_queries = sum(len(right) > 0 for right in self.relevant)
        found = []
        if self.recall[RANKS[0]] == 1:
            found.append(
                f"recall@{RANKS[0]} is 100 % on {num_queries} queries and {num_database} database "
                "photos: it is saturated, and cannot show that another model is better. Add "
                "places, or harder photos"
            )
        if ranks := [rank for rank in self.recall if rank >= num_database > 1]:
            names = " and ".join(f"recall@{rank}" for rank in ranks)
            found.append(f"{names} of a database of {num_database} photos: 100 % for any model")
        return found

    def summary(self) -> dict:
        """Returns recall and counts as plain values that JSON can hold."""
        return {
            "recall": {str(rank): share for rank, share in self.recall.items()},
            "num_queries": len(self.relevant),
            "num_queries_without_positive": sum(not len(right) for right in self.relevant),
            "num_database": len(self.dataset.database),
            "descriptor_dim": self.descriptor_dim,
        }


def evaluate(
    model: Callable[[np.ndarray], np.ndarray] | Path | str,
    dataset: PlaceDataset | Path | str,
    *,
    radius_m: float = EvaluateConfig.radius_m,
    min_time_difference_s: float | None = EvaluateConfig.min_time_difference_s,
    image_size: tuple[int, int] | None = EvaluateConfig.image_size,
    batch_size: int | None = EvaluateConfig.batch_size,
    skip_unreadable: bool = EvaluateConfig.skip_unreadable,
    progress: Callable[..., Iterable] = no_progress,
    describe_photos: Callable[..., tuple[np.ndarray, np.ndarray]] = describe,
    warn: bool = True,
) -> Evaluation:
    """Describes all photos, searches each query in the database and measures recall.

    A photo that is query and database at once is never its own answer, nor is another one of the
    very same time; see `may_answer`.

    Args:
        model: keras.Model, Engine, or any callable from `(B, H, W, C)` uint8 to `(B, D)`; or the
            path of a saved model, which `open_engine` opens.
        dataset: PlaceDataset, or READER:PATH, which `open_places` opens.
        radius_m: float. A database photo within this distance is a right answer, in metres.
        min_time_difference_s: float or None. Photos nearer in time to the query are no answers.
        image_size: (int, int) or None. Rows and columns that photos are resized to. None: see
            `image_size_of`.
        batch_size: int or None. Photos in a batch. None: as the model has it, or 8.
        skip_unreadable: bool. Leave out photos that cannot be read instead of stopping.
        progress: callable. `tqdm`, or what has its arguments; draws a bar.
        describe_photos: callable. `describe`, or what has its arguments and results.
        warn: bool. Whether to log that queries are also in the database, or that most right
            answers are the photos beside the query in its own run. Defaults to `True`.

    Returns:
        Evaluation.

    Raises:
        FileNotFoundError: If the model or photos are missing.
        ValueError: If no query has a right answer in the database, `radius_m` is negative, or
            photos cannot be read and `skip_unreadable` is false.
    """
    if not isinstance(dataset, PlaceDataset):
        dataset = open_places(str(dataset), skip_unreadable=skip_unreadable)
    # Refused before the long work where possible.
    _answers(dataset, radius_m, min_time_difference_s)
    if isinstance(model, Path | str):
        from placevec.models import open_engine

        model = open_engine(Path(model), image_size=image_size)
    descriptors, kept = describe_photos(
        model, dataset.paths(), image_size=image_size, batch_size=batch_size, progress=progress
    )
    if len(kept) < len(dataset) and not skip_unreadable:
        first = dataset.names[np.setdiff1d(np.arange(len(dataset)), kept)[0]]
        raise ValueError(
            f"{len(dataset) - len(kept)} of {len(dataset)} photos in {dataset.root} cannot be read "
            f"(first: {first}). Mend them, or leave them out with `--skip-unreadable`"
        )
    dataset = dataset.take(kept)
    relevant = _answers(dataset, radius_m, min_time_difference_s)
    neighbors, similarities = _search(dataset, descriptors, min_time_difference_s)
    if warn:
        warn_of_queries_in_database(dataset, neighbors, similarities, min_time_difference_s)
        warn_of_own_run(dataset, neighbors, relevant)
    return Evaluation(
        dataset=dataset,
        neighbors=neighbors,
        similarities=similarities,
        relevant=relevant,
        descriptor_dim=descriptors.shape[1],
    )


def _answers(
    dataset: PlaceDataset, radius_m: float, min_time_difference_s: float | None
) -> list[np.ndarray]:
    """Returns the right answers of each query, and refuses a data set where none has one."""
    num_queries, num_database = len(dataset.queries), len(dataset.database)
    relevant = []
    if num_database:
        relevant = relevant_database(dataset, radius_m, min_time_difference_s)
    if not any(len(right) for right in relevant):
        raise ValueError(
            "Recall needs a query with a right answer in the database. Received: "
            f"{num_queries} queries, {num_database} database photos in {dataset.root}, none "
            f"within {radius_m:g} {dataset.unit} of a query and of another time. Enlarge the "
            "radius or take other photos"
        )
    return relevant


def _search(
    dataset: PlaceDataset, descriptors: np.ndarray, min_time_difference_s: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the most similar database photos that may answer; -1 where there are no more."""
    queries, database = dataset.queries, dataset.database
    deep = min(_NUM_NEIGHBORS + most_barred(dataset, min_time_difference_s), len(database))
    parts = np.array_split(queries, max(1, -(-len(queries) * deep // _MOST_PAIRS)))
    found = []
    for part in parts:
        neighbors, similarities = nearest(descriptors[database], descriptors[part], deep)
        allowed = may_answer(dataset, part[:, None], database[neighbors], min_time_difference_s)
        order = np.argsort(~allowed, axis=1, kind="stable")[:, :_NUM_NEIGHBORS]
        neighbors = np.where(allowed, neighbors, -1)
        similarities = np.where(allowed, similarities, np.float32(-np.inf))
        found.append([np.take_along_axis(each, order, 1) for each in (neighbors, similarities)])
    neighbors, similarities = map(np.concatenate, zip(*found, strict=True))
    return neighbors, similarities
