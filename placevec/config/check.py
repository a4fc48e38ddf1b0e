"""How data sets are checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.limits import Above, AtLeast, Between
from placevec.config.refusals import refuse, settle


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
    radius_m: Annotated[float, AtLeast(0)] = 25.0
    """A query needs another database photo within this distance, in metres (in frames for a
    sequence); positives of the samples lie within it."""
    negative_radius_m: float | None = None
    """Negatives of the samples lie beyond this distance, in metres. None: beyond `radius_m`."""
    max_heading_difference_deg: Annotated[float | None, Between(0, 180)] = None
    """Positives of the samples look in the query's direction, up to so many degrees. None:
    headings are not looked at."""
    max_speed_m_s: Annotated[float, Above(0)] = 50.0
    """Photos that follow each other in time and lie farther apart than this allows, in metres per
    second, are a jump."""
    duplicate_bits: Annotated[int, Between(0, 31)] = 31
    """Photos whose fingerprints differ in so many of 512 bits at most are nearly equal, 0 to 31."""
    buffer_m: Annotated[float | None, AtLeast(0)] = None
    """Photos of two splits must lie so far apart, in metres; 0 allows any distance. None: what the
    split was made with, 25 where splits.csv does not tell."""
    samples: Annotated[int, Between(0, 50)] = 6
    """Tuples to draw, 50 at most."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the draw of tuples."""
    num_workers: Annotated[int, AtLeast(1)] = 2
    """Threads that read photos."""

    def __post_init__(self) -> None:
        settle(self)
        if self.negative_radius_m is not None and not self.negative_radius_m >= self.radius_m:
            refuse(self, "negative_radius_m", f"at least {self.radius_m}")
