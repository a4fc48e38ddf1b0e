"""How answers are found with more than one vector per photo."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import Reranker
from placevec.config.limits import AtLeast


@dataclass(frozen=True, kw_only=True)
class BeyondOneVector:
    """Settings shared by all verbs that search."""

    sequence: Annotated[int, AtLeast(1)] = 1
    """Number of photos to match together: a query and the photos before it in its run, against a
    run of the database, in either direction and at 0.8 to 1.2 times the speed. A run is a sequence,
    a folder or a video, in the order of its times or names. 1: match each photo alone."""
    rerank: Reranker | None = None
    """Reorder the first answers by what both photos show at the same points: features compares
    local features of the model, from the same pass; sift compares points that need no network.
    placevec only reorders queries whose first and second answer are about as similar."""
    rerank_top: Annotated[int, AtLeast(1)] = 20
    """Number of answers per query to compare, with `rerank`."""

    def check_beyond_one_vector(self) -> None:
        """Refuses settings that do not fit."""
        if self.rerank is None and self.rerank_top != BeyondOneVector.rerank_top:
            raise ValueError(
                "`rerank_top` has no effect without `rerank`. Received: "
                f"rerank_top={self.rerank_top}"
            )
