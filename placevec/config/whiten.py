"""How descriptors are whitened."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.choices import Augmentation
from placevec.config.limits import AtLeast, Between, ImageSizeOrNone
from placevec.config.refusals import need_used, refuse, settle


@dataclass(frozen=True)
class WhitenConfig:
    """Whitening: how to even out the dimensions of descriptors."""

    dim: Annotated[int, AtLeast(0)] = 0
    """Dimensions of the descriptor after PCA whitening, which is fitted on photos and becomes the
    last layer. 0: no PCA whitening."""
    power: Annotated[float, Between(0, 1)] = 1.0
    """How much to even out the spread of the whitened dimensions: 1 completely, 0 not at all."""
    rank: Annotated[int, AtLeast(0)] = 0
    """Instead of PCA whitening, even out this many directions of largest spread, such as 40, and
    leave all others unchanged. This needs fewer weights and keeps the number of dimensions. 0:
    none."""
    augmentation: Augmentation = "none"
    """Augmentation of two more copies of each photo that the whitening is fitted on. Differences in
    descriptors that only come from augmentation then count less."""

    def __post_init__(self) -> None:
        settle(self)
        if self.dim and self.rank:
            refuse(self, "rank", "0 with `dim`")
        need_used(self, "power", self.dim > 0, f"dim={self.dim}")
        need_used(self, "augmentation", self.is_given, f"rank={self.rank}")

    @property
    def is_given(self) -> bool:
        """Whether descriptors are whitened, wholly or partly."""
        return self.dim > 0 or self.rank > 0

    def need_given(self) -> None:
        """Refuses settings that choose neither whole nor partial whitening."""
        if not self.is_given:
            raise ValueError("Give one of `dim` and `rank`, above 0. Received: dim=0, rank=0")


@dataclass(frozen=True, kw_only=True)
class WhitenModelConfig(WhitenConfig):
    """How whitening is appended to a model, and which photos it is fitted on."""

    places: str
    """Photos to fit the whitening on: a folder of photos, which needs no positions, or READER:PATH.
    Use photos of the database that you search, or similar ones."""
    out: Path = Path("whitened.keras")
    """File for the model with whitening."""
    overwrite: bool = False
    """Replace an earlier file at `out`. If false, a file that exists is refused."""
    max_photos: Annotated[int, AtLeast(2)] = 10_000
    """Fit on at most this many database photos, drawn at random."""
    image_size: ImageSizeOrNone = None
    """Rows and columns that photos are resized to. None: the size that the model was trained on, or
    240 320 if it is unknown."""
    batch_size: Annotated[int, AtLeast(1)] = 8
    """Photos in a batch."""
    skip_unreadable: bool = False
    """Skip photos that are missing or unreadable instead of stopping."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the random choice of photos."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need_given()
