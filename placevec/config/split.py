"""How photos are split."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.choices import SplitBy
from placevec.config.limits import AtLeast, Between
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True)
class SplitConfig:
    """How photos are split into train, val and test."""

    by: SplitBy = "area"
    """What is kept apart: area gives each split one piece of ground (or whole places, without
    positions), sequence gives it whole sequences, and time puts the earliest photos into train and
    the latest into test."""
    val_share: Annotated[float, AtLeast(0)] = 0.2
    """Share of the photos for val, before the buffer."""
    test_share: Annotated[float, AtLeast(0)] = 0.2
    """Share of the photos for test, before the buffer."""
    buffer_m: Annotated[float, AtLeast(0)] = 25.0
    """Minimum distance between photos of two splits, in metres. Photos in between are left out. 0:
    no buffer; a place may then be in two splits by sequence or time."""
    query_share: float = 0.25
    """Share of the photos of val and test that become queries: whole sequences or days if they are
    known. Existing roles stay."""
    duplicate_bits: Annotated[int | None, Between(0, 31)] = 31
    """Photos of two splits are near-duplicates if their perceptual hashes differ in at most this
    many of 512 bits, 0 to 31. One of them is left out. None: do not compare photos."""
    model: Path | None = None
    """Trained model that also compares photos of two splits by their descriptors."""
    max_similarity: Annotated[float, Between(0, 1)] = 0.95
    """Photos of two splits are near-duplicates if their descriptors are more similar than this."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the cuts through the ground, the order of sequences and the roles."""
    skip_unreadable: bool = False
    """Skip photos that are missing or unreadable instead of stopping."""
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
