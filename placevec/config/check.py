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
    """File for the report (.html), or a folder for check.html. All findings are also written to a
    .csv file beside it. None: check.html in the current folder, unless it contains photos."""
    overwrite: bool = False
    """Replace an earlier report instead of writing check-2.html."""
    quick: bool = False
    """Read only the headers and ends of photos and decode none. This does not find damage in the
    middle of a file, nor photos that are nearly equal."""
    radius_m: Annotated[float, AtLeast(0)] = 25.0
    """A query needs another database photo within this distance, in metres (in frames for a
    sequence). Positives of the sample tuples are within it."""
    negative_radius_m: float | None = None
    """Negatives of the sample tuples are beyond this distance, in metres. None: beyond
    `radius_m`."""
    max_heading_difference_deg: Annotated[float | None, Between(0, 180)] = None
    """Positives of the sample tuples look in the query's direction within this many degrees. None:
    ignore headings."""
    max_speed_m_s: Annotated[float, Above(0)] = 50.0
    """Report consecutive photos as a jump if they are farther apart than this speed allows, in
    metres per second."""
    duplicate_bits: Annotated[int, Between(0, 31)] = 31
    """Photos are nearly equal if their fingerprints differ in at most this many of 512 bits, 0 to
    31."""
    buffer_m: Annotated[float | None, AtLeast(0)] = None
    """Minimum distance between photos of two splits, in metres. 0 allows any distance. None: the
    buffer in splits.csv, or 25 if it has none."""
    samples: Annotated[int, Between(0, 50)] = 6
    """Number of sample tuples to draw, at most 50."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the sample tuples."""
    num_workers: Annotated[int, AtLeast(1)] = 2
    """Threads that read photos."""

    def __post_init__(self) -> None:
        settle(self)
        if self.negative_radius_m is not None and not self.negative_radius_m >= self.radius_m:
            refuse(self, "negative_radius_m", f"at least {self.radius_m}")
