"""The result of evaluating a model on a data set."""

import functools
import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from placevec.counted import counted
from placevec.evaluation.measures.recall import RANKS, recall
from placevec.places import PlaceDataset, turn_deg

if TYPE_CHECKING:
    import pandas as pd

    from placevec.models import Engine

_QUERIES_SHOWN, _MATCHES_SHOWN = 3, 3  # shown in a notebook
_COUNTS = ("num_queries", "num_queries_without_positive", "num_database", "descriptor_dim")


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a model found for the queries of a data set.

    Row `q` of each array belongs to the photo `dataset.queries[q]`. `of_queries` returns the same
    for some of the queries.

    Args:
        dataset: PlaceDataset. The photos that could be read.
        neighbors: (Q, k) int64. Rows of `dataset.database`, best first; -1 means no photo.
        similarities: (Q, k) float32. Larger is better; -infinity if there is no photo.
        relevant: Q arrays of int64. Rows of `dataset.database` that are right answers.
        descriptor_dim: int. `D`.
        radius_m: float or None. Largest distance of a right answer, in the unit of the data set.
        engine: Engine or None. The engine that described the photos. None: an open model did.
        in_float32: Evaluation or None. The result of the same model in float32, if this one is in
            another precision.
        adapted: Evaluation or None. The result of the same queries after adaptation.
        adaptation: (str, str) or None. `normalize` and `hubness` of `adapted`.
        in_sequence: Evaluation or None. The result if each query is matched together with those
            before it; its `similarities` are those of runs.
        sequence: int. Number of photos of a run that were matched together.
        reranked: Evaluation or None. The result with the first answers reordered; its
            `similarities` are `Reranked.scores`.
        rerank: str or None. How they were reordered.
        points: sequence of Q or None. The points that each query shares with its first answer,
            `(m, 4)` as `LocalMatcher` returns them. None: nothing was compared point by point.
        rules: sequence of str. What was excluded from the answers, one sentence per rule.

    Raises:
        ValueError: If these do not have one row for each query of the data set, or contain a row
            that its database does not have.
    """

    dataset: PlaceDataset
    neighbors: NDArray[np.int64]
    similarities: NDArray[np.float32]
    relevant: Sequence[NDArray[np.int64]]
    descriptor_dim: int
    radius_m: float | None = None
    engine: "Engine | None" = None
    in_float32: "Evaluation | None" = None
    adapted: "Evaluation | None" = None
    adaptation: tuple[str, str] | None = None
    in_sequence: "Evaluation | None" = None
    sequence: int = 1
    reranked: "Evaluation | None" = None
    rerank: str | None = None
    points: Sequence[NDArray[np.float32]] | None = None
    rules: Sequence[str] = ()

    def __post_init__(self) -> None:
        num_queries, num_database = len(self.dataset.queries), len(self.dataset.database)
        shapes = (np.shape(self.neighbors), np.shape(self.similarities), (len(self.relevant),))
        if any(shape[:1] != (num_queries,) for shape in shapes) or shapes[0] != shapes[1]:
            raise ValueError(
                "`neighbors`, `similarities` and `relevant` must have one row for each of the "
                f"{counted(num_queries, 'query', 'queries')} of `dataset`. Received: shapes "
                f"{shapes[0]}, {shapes[1]} and {shapes[2]}"
            )
        for name, rows in (("neighbors", [self.neighbors]), ("relevant", self.relevant)):
            if max((np.max(each, initial=-1) for each in rows), default=-1) >= num_database:
                raise ValueError(
                    f"`{name}` must be rows of the {counted(num_database, 'database photo')} of "
                    "`dataset`. Received: a larger one"
                )

    @functools.cached_property
    def recall(self) -> dict[int, float]:
        """N -> share of queries that are found among the first N, in [0, 1]."""
        return recall(self.neighbors, self.relevant)

    def of_queries(self, is_kept: NDArray[np.bool_]) -> "Evaluation":
        """Returns the result for some of the queries, searched in the same database.

        Args:
            is_kept: (Q,) bool. True for each query to keep, in the order of `dataset.queries`.

        Raises:
            ValueError: If `is_kept` does not have one truth value for each query.
        """
        is_kept, queries = np.asarray(is_kept), self.dataset.queries
        if is_kept.dtype != bool or is_kept.shape != queries.shape:
            raise ValueError(
                "`is_kept` must be bool, one for each of the "
                f"{counted(len(queries), 'query', 'queries')}. Received: {is_kept.dtype}, shape "
                f"{is_kept.shape}"
            )
        is_query = np.zeros(len(self.dataset), bool)
        is_query[queries[is_kept]] = True
        return replace(
            self,
            dataset=replace(self.dataset, is_query=is_query),
            neighbors=self.neighbors[is_kept],
            similarities=self.similarities[is_kept],
            relevant=[self.relevant[row] for row in np.flatnonzero(is_kept).tolist()],
            in_float32=self.in_float32 and self.in_float32.of_queries(is_kept),
            adapted=self.adapted and self.adapted.of_queries(is_kept),
            in_sequence=self.in_sequence and self.in_sequence.of_queries(is_kept),
            reranked=self.reranked and self.reranked.of_queries(is_kept),
            points=self.points and [self.points[row] for row in np.flatnonzero(is_kept).tolist()],
        )

    @functools.cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """(Q, k) bool. Whether each photo found is a right answer."""
        rows = [
            np.isin(found, right)
            for found, right in zip(self.neighbors, self.relevant, strict=True)
        ]
        return np.array(rows, bool).reshape(self.neighbors.shape)

    @functools.cached_property
    def distances_m(self) -> NDArray[np.float64]:
        """(Q, k) float. Distance to each photo found, in the data set's unit; NaN if unknown."""
        dataset = self.dataset
        if dataset.positions_m is None:
            return np.full(self.neighbors.shape, np.nan)
        found_m = dataset.positions_m[dataset.database][self.neighbors]
        queries_m = dataset.positions_m[dataset.queries]
        distances = np.linalg.norm(found_m - queries_m[:, None], axis=2)
        return np.where(self.neighbors >= 0, distances, np.nan)

    @functools.cached_property
    def heading_differences_deg(self) -> NDArray[np.float64]:
        """(Q, k) float in [0, 180]. Heading difference to each photo found; NaN if unknown."""
        headings_deg = self.dataset.headings_deg
        if headings_deg is None:
            return np.full(self.neighbors.shape, np.nan)
        found_deg = headings_deg[self.dataset.database][self.neighbors]
        turned_deg = turn_deg(found_deg, headings_deg[self.dataset.queries][:, None])
        return np.where(self.neighbors >= 0, turned_deg, np.nan)

    def to_frame(self, num_ranks: int | None = None) -> "pd.DataFrame":
        """Returns what was found as a pandas table.

        Args:
            num_ranks: int or None. Number of answers per query. None: all that were found.

        Returns:
            DataFrame with a row for each photo found for each query. `query` and `match` are file
            names relative to `dataset.root`. `distance_m` (called `distance_frames` or
            `distance_units` if positions are counted in these) and `heading_difference_deg` are
            NaN if unknown. `right` says whether the match is a right answer, `just_outside`
            whether it is not but lies within two radii. Further columns: `rank`, from 1, and
            `similarity`.
        """
        import pandas as pd

        rows, ranks = np.nonzero(self.neighbors[:, :num_ranks] >= 0)
        found = self.neighbors[rows, ranks]
        names, cells = self.dataset.names.astype(object), (rows, ranks)
        return pd.DataFrame(
            {
                # dtype=object, because a file name may not be UTF-8.
                "query": pd.Series(names[self.dataset.queries[rows]], dtype=object),
                "rank": ranks + 1,
                "match": pd.Series(names[self.dataset.database[found]], dtype=object),
                "similarity": self.similarities[cells],
                f"distance_{self.dataset.unit}": self.distances_m[cells].round(2),
                "heading_difference_deg": self.heading_differences_deg[cells].round(1),
                "right": self.is_right[cells],
                "just_outside": self.is_just_outside[cells],
            }
        )

    @functools.cached_property
    def is_just_outside(self) -> NDArray[np.bool_]:
        """(Q, k) bool. Whether each photo found is not a right answer but lies within two radii."""
        if self.radius_m is None:
            return np.zeros(self.neighbors.shape, bool)
        return ~self.is_right & (self.distances_m <= 2 * self.radius_m)

    def __str__(self) -> str:
        """Returns the table that `placevec evaluate` prints."""
        summary, lines = self.summary(), []
        adaptation = " and ".join(each for each in self.adaptation or () if each != "none")
        others = {"float32": self.in_float32, f"adapted by {adaptation}": self.adapted}
        others[f"{self.sequence} photos together"] = self.in_sequence
        others[f"re-ranked, {self.rerank}"] = self.reranked
        for rank, share in self.recall.items():
            beside = [
                f"  ({what}: {100 * other.recall[rank]:5.1f} %)"
                for what, other in others.items()
                if other is not None
            ]
            lines.append(f"recall@{rank:<3d} {100 * share:5.1f} %{''.join(beside)}")
        lines += [f"{name.replace('_', ' ')}: {summary[name]}" for name in _COUNTS]
        if self.radius_m is not None:
            lines.append(f"radius {self.radius_m:g} {self.dataset.unit}")
        if self.engine is not None:
            lines[-1] += f", photos resized to {'x'.join(map(str, self.engine.image_size))}"
            lines.append(self.engine.cost())
        return "\n".join([*lines, *self.rules, *self.saturation()])

    def __repr__(self) -> str:
        shares = ", ".join(f"recall@{n} {100 * share:.1f} %" for n, share in self.recall.items())
        unanswerable = sum(not len(right) for right in self.relevant)
        without = f" ({unanswerable} without a right answer)" if unanswerable else ""
        return (
            f"Evaluation({shares}; {counted(len(self.relevant), 'query', 'queries')}{without}, "
            f"{counted(len(self.dataset.database), 'database photo')}, "
            f"{counted(self.descriptor_dim, 'dimension')})"
        )

    def _repr_html_(self) -> str:
        """Returns the line of `repr` and the results of the first queries, for notebooks."""
        first = self.of_queries(np.arange(len(self.relevant)) < _QUERIES_SHOWN)
        table = first.to_frame(_MATCHES_SHOWN)
        return f"<p>{html.escape(repr(self))}</p>{table.to_html(index=False)}"

    def recall_at(self, ranks: Sequence[int]) -> dict[int, float]:
        """Returns recall at other values of N, up to the number of neighbors searched."""
        return recall(self.neighbors, self.relevant, ranks)

    def saturation(self) -> list[str]:
        """Returns reasons why recall cannot tell a better model from this one, one sentence each.

        Empty if it can: recall@1 is below 100 %, and each N is below the number of database
        photos.
        """
        num_database = len(self.dataset.database)
        num_queries = sum(len(right) > 0 for right in self.relevant)
        found = []
        if self.recall[RANKS[0]] == 1:
            found.append(
                f"recall@{RANKS[0]} is 100 % on {counted(num_queries, 'query', 'queries')} and "
                f"{counted(num_database, 'database photo')}: it is saturated, and cannot show that "
                "another model is better. Add places, or harder photos"
            )
        if ranks := [rank for rank in self.recall if rank >= num_database > 1]:
            names = " and ".join(f"recall@{rank}" for rank in ranks)
            found.append(
                f"{names} of a database of {counted(num_database, 'photo')}: 100 % for any model"
            )
        return found

    def summary(self) -> dict:
        """Returns recall and counts as plain values that fit into JSON.

        If the precision is not float32, it also has `precision`, `float32_recall` and
        `least_cosine` (the smallest cosine between the descriptors of both). If queries were
        adapted, it also has `normalize`, `hubness` and `adapted_recall`.
        """
        counts = (
            len(self.relevant),
            sum(not len(right) for right in self.relevant),
            len(self.dataset.database),
            self.descriptor_dim,
        )
        summary = {"recall": _by_text(self.recall)} | dict(zip(_COUNTS, counts, strict=True))
        if self.in_float32 is not None and self.engine is not None:
            summary |= {
                "precision": self.engine.precision,
                "float32_recall": _by_text(self.in_float32.recall),
                "least_cosine": self.engine.least_cosine,
            }
        if self.adapted is not None and self.adaptation is not None:
            summary |= {
                **dict(zip(("normalize", "hubness"), self.adaptation, strict=True)),
                "adapted_recall": _by_text(self.adapted.recall),
            }
        if self.in_sequence is not None:
            recall_together = _by_text(self.in_sequence.recall)
            summary |= {"sequence": self.sequence, "recall_in_sequence": recall_together}
        if self.reranked is not None:
            summary |= {"rerank": self.rerank, "reranked_recall": _by_text(self.reranked.recall)}
        return summary


def _by_text(shares: dict[int, float]) -> dict[str, float]:
    return {str(rank): share for rank, share in shares.items()}
