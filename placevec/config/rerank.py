"""How the first answers of a search are compared once more."""

from dataclasses import dataclass
from typing import Annotated

from placevec.config.choices import Reranker
from placevec.config.limits import AtLeast


@dataclass(frozen=True, kw_only=True)
class Reranks:
    """What the verbs that search have in common."""

    rerank: Reranker | None = None
    """Order the first answers again by what both photos show where: features compares the local
    features of the model, from the same pass; sift, points that need no network. Only queries whose
    first and second answer are about as similar are ordered again."""
    rerank_top: Annotated[int, AtLeast(1)] = 20
    """Answers of a query that are compared, with `rerank`."""

    def check_rerank(self) -> None:
        """Refuses settings of `rerank` that do not fit."""
        if self.rerank is None and self.rerank_top != Reranks.rerank_top:
            raise ValueError(
                "`rerank_top` has no effect without `rerank`. Received: "
                f"rerank_top={self.rerank_top}"
            )
