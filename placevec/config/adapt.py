"""How queries are made comparable with a map."""

from dataclasses import dataclass

from placevec.config.choices import Hubness, Normalization


@dataclass(frozen=True, kw_only=True)
class Adapts:
    """Settings shared by all verbs that compare queries with a map."""

    normalize: Normalization | None = None
    """Mean to subtract from the queries, as far as each contains it, before the map's statistics
    even out their spread: map is the map's mean, running the mean of the queries so far, own the
    mean of all queries of the call, such as those of one night. none leaves descriptors unchanged.
    None: map if the map has statistics of at least 30 photos, else none."""
    hubness: Hubness = "none"
    """Lower the score of photos that are similar to everything: csls measures this with each
    photo's nearest neighbors in the map, csls_batch with its nearest queries of the call."""
