"""How data sets are checked."""

from dataclasses import dataclass
from pathlib import Path

from placevec.config.refusals import need_at_least, need_between, need_positive, settle_types


@dataclass(frozen=True)
class CheckConfig:
    """How a data set is checked, and what counts as a finding."""

    out: Path | None = None
    """The report: an .html file, or a folder for check.html; a .csv file of all findings is written
    beside it. None: check.html in the current folder, unless photos lie there."""
    overwrite: bool = False
    """Replace an earlier report instead of writing check-2.html."""
    quick: bool = False
    """Read the headers and ends of photos, but decode none: what is damaged in the middle and what
    is nearly equal is not found."""
    radius_m: float = 25.0
    """A query needs another database photo within this distance, in metres (in frames for a
    sequence); positives of the samples lie within it."""
    negative_radius_m: float | None = None
    """Negatives of the samples lie beyond this distance, in metres. None: beyond `radius_m`."""
    max_heading_difference_deg: float | None = None
    """Positives of the samples look in the query's direction, up to so many degrees. None:
    headings are not looked at."""
    max_speed_m_s: float = 50.0
    """Photos that follow each other in time and lie farther apart than this allows, in metres per
    second, are a jump."""
    duplicate_bits: int = 31
    """Photos whose fingerprints differ in so many of 512 bits at most are nearly equal, 0 to 31."""
    buffer_m: float | None = None
    """Photos of two splits must lie so far apart, in metres; 0 allows any distance. None: what the
    split was made with, 25 where splits.csv does not tell."""
    samples: int = 6
    """Tuples to draw, 50 at most."""
    seed: int = 0
    """Seed of the draw of tuples."""
    num_workers: int = 2
    """Threads that read photos."""

    def __post_init__(self) -> None:
        settle_types(self)
        need_at_least(self, 0, "radius_m", "seed")
        if self.buffer_m is not None:
            need_at_least(self, 0, "buffer_m")
        if self.negative_radius_m is not None:
            need_at_least(self, self.radius_m, "negative_radius_m")
        if self.max_heading_difference_deg is not None:
            need_between(self, 0, 180, "max_heading_difference_deg")
        need_at_least(self, 1, "num_workers")
        need_positive(self, "max_speed_m_s")
        need_between(self, 0, 31, "duplicate_bits")
        need_between(self, 0, 50, "samples")
