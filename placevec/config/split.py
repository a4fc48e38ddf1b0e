"""How photos are split."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.choices import SplitBy
from placevec.config.limits import AtLeast, Between
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True)
class SplitConfig:
    """How photos become train, val and test."""

    by: SplitBy = "area"
    """What is kept apart: area one piece of ground for each split (without positions, whole
    places), sequence whole sequences, time the earliest photos train and the latest test."""
    val_share: Annotated[float, AtLeast(0)] = 0.2
    """Share of the photos that val gets, before the buffer."""
    test_share: Annotated[float, AtLeast(0)] = 0.2
    """Share of the photos that test gets, before the buffer."""
    buffer_m: Annotated[float, AtLeast(0)] = 25.0
    """Least distance between photos of two splits, in metres; photos in between are left out. 0:
    none, and a place may then be on two sides of a split by sequence or time."""
    query_share: float = 0.25
    """Share of the photos of val and test that are queries: whole sequences or days where they are
    known. Roles that the photos already have stay."""
    duplicate_bits: Annotated[int | None, Between(0, 31)] = 31
    """Photos of two splits are near-duplicates where at most so many of the 512 bits of their
    perceptual hashes differ, 0 to 31; one is left out. None: photos are not looked at."""
    model: Path | None = None
    """Trained model by whose descriptors photos of two splits are compared too."""
    max_similarity: Annotated[float, Between(0, 1)] = 0.95
    """Photos of two splits whose descriptors are more similar are near-duplicates."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the ground's cuts, the order of sequences and the roles."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""
    overwrite: bool = False
    """Replace an earlier split."""

    def __post_init__(self) -> None:
        settle(self)
        if not 0 < self.val_share + self.test_share < 1:
            raise ValueError(
                "`val_share` and `test_share` must add up to more than 0 and less than 1. "
                f"Received: val_share={self.val_share}, test_share={self.test_share}"
            )
        if not 0 < self.query_share < 1:
            refuse(self, "query_share", "above 0 and below 1")
        if self.model is None and self.max_similarity != SplitConfig.max_similarity:
            raise ValueError(
                "`max_similarity` has no effect without a `model`. Received: "
                f"max_similarity={self.max_similarity}"
            )
