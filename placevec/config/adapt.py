"""How queries are made comparable with a map."""

from dataclasses import dataclass

from placevec.config.choices import Hubness, Normalization


@dataclass(frozen=True, kw_only=True)
class Adapts:
    """What the verbs that compare queries with a map have in common."""

    normalize: Normalization | None = None
    """What is taken off the queries before the map's statistics even out their spread: map, the
    map's mean; running, the mean of the queries so far; own, that of all queries of the call, such
    as those of one night. none leaves descriptors as they are. None: map if the map has statistics
    of at least 30 photos, else none."""
    hubness: Hubness = "none"
    """Let photos that are similar to everything answer fewer queries: csls goes by each photo's
    nearest neighbors in the map, csls_batch by its nearest queries of the call."""
