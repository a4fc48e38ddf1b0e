"""How answers are found by more than one vector each."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import Reranker
from placevec.config.limits import AtLeast


@dataclass(frozen=True, kw_only=True)
class BeyondOneVector:
    """What the verbs that search have in common."""

    sequence: Annotated[int, AtLeast(1)] = 1
    """Photos that are matched together: a query and those before it in its run, with a run of the
    database, in either direction and at 0.8 to 1.2 of the speed. A run is a sequence, a folder or
    a video, in the order of its times or names. 1: each photo alone."""
    rerank: Reranker | None = None
    """Order the first answers again by what both photos show where: features compares the local
    features of the model, from the same pass; sift, points that need no network. Only queries whose
    first and second answer are about as similar are ordered again."""
    rerank_top: Annotated[int, AtLeast(1)] = 20
    """Answers of a query that are compared, with `rerank`."""

    def check_beyond_one_vector(self) -> None:
        """Refuses settings that do not fit."""
        if self.rerank is None and self.rerank_top != BeyondOneVector.rerank_top:
            raise ValueError(
                "`rerank_top` has no effect without `rerank`. Received: "
                f"rerank_top={self.rerank_top}"
            )
