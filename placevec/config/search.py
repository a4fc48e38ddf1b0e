"""How a store of descriptors is indexed and searched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.adapt import Adapts
from placevec.config.beyond_one_vector import BeyondOneVector
from placevec.config.choices import FOUND_FILES, IndexKind
from placevec.config.limits import Above, AtLeast, Between
from placevec.config.refusals import need_used, refuse, settle


@dataclass(frozen=True)
class IndexConfig:
    """Which index a store of descriptors gets."""

    kind: IndexKind = "flat"
    """Kind of index. flat compares all photos exactly and needs no file; sq8 compares all photos
    with one byte per dimension; hnsw follows a graph, with two bytes per dimension; ivf_pq compares
    a few lists with one byte per 16 dimensions."""
    auto: bool = False
    """Measure all kinds on a sample and build the fastest that reaches `recall` in `memory_mb`."""
    recall: Annotated[float, Between(0, 1)] = 0.95
    """Share of the 10 most similar photos that the index must find. placevec searches hnsw and
    ivf_pq as thoroughly as this requires."""
    memory_mb: Annotated[float | None, Above(0)] = None
    """Maximum memory of a search, in millions of bytes, with `auto`. None: no limit."""
    sample: Annotated[int, AtLeast(2)] = 20_000
    """Number of photos in the sample, with `auto`."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the sample, and of the photos that are searched to measure recall."""
    statistics: bool = True
    """Fit the statistics of the map, so that `search` adapts to it, and index adapted descriptors.
    If false, descriptors are indexed and compared unchanged."""
    dim: Annotated[int | None, AtLeast(1)] = None
    """Dimensions of an adapted descriptor. None: the dimensions of the model, at most 4096."""

    def __post_init__(self) -> None:
        settle(self)
        if self.dim is not None and not self.statistics:
            raise ValueError(f"`dim` has no effect without `statistics`. Received: dim={self.dim}")
        if self.auto and self.kind != IndexConfig.kind:
            raise ValueError(f"Choose one of `auto` and `kind`. Received: auto, kind={self.kind}")
        if self.memory_mb is not None and not self.auto:
            raise ValueError(
                f"`memory_mb` has no effect without `auto`. Received: memory_mb={self.memory_mb}"
            )


@dataclass(frozen=True)
class SearchConfig(Adapts, BeyondOneVector):
    """How photos are searched in a store."""

    model: Path | None = None
    """Model that described the store: a .keras file or an old .h5 file. None: its path when it last
    described the store."""
    matches: Annotated[int, AtLeast(1)] = 5
    """Number of photos to find for each query."""
    radius_m: Annotated[float | None, AtLeast(0)] = None
    """Only find photos within this distance, in metres, of `of` or, if there is none, of each
    query's own position."""
    of: tuple[float, float] | None = None
    """Approximate position: metres east and north in the frame of the store."""
    before: str | None = None
    """Only find photos taken before this time, in any spelling of the times in tables, such as
    2024-05-01 or 2024-05-01T14:30:00+02:00. It is UTC if it has no offset."""
    earlier: bool = False
    """Only find photos taken before the query, if times are known."""
    calibration: Path | None = None
    """File that `placevec calibrate --of search` wrote for this model, which tells how likely each
    answer is right. None: what ships with the model, if it does."""
    out: Path | None = None
    """File for the answers: a readable page (.html), a table (.csv), points on a map (.geojson or
    .kml), or a picture of the first queries (.jpg or .png). None: print the table as CSV."""
    overwrite: bool = False
    """Replace an earlier file at `out`. If false, a file that exists is refused."""
    batch_size: Annotated[int, AtLeast(1)] = 8
    """Photos in a batch."""

    def __post_init__(self) -> None:
        settle(self)
        self.check_beyond_one_vector()
        if self.out is not None and self.out.suffix.lower() not in FOUND_FILES:
            refuse(self, "out", f"a file that ends in one of {', '.join(FOUND_FILES)}")
        need_used(self, "overwrite", self.out is not None, "`out` left out")
        if self.of is not None and self.radius_m is None:
            raise ValueError(f"`of` has no effect without `radius_m`. Received: of={self.of}")
