"""How descriptors are whitened."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.choices import Augmentation
from placevec.config.limits import AtLeast, Between, ImageSizeOrNone
from placevec.config.refusals import need_used, refuse, settle


@dataclass(frozen=True)
class WhitenConfig:
    """Whitening: how the dimensions of descriptors are evened out."""

    dim: Annotated[int, AtLeast(0)] = 0
    """Dimensions of the descriptor after PCA whitening, which is fitted on photos and becomes the
    last layer. 0: no PCA whitening."""
    power: Annotated[float, Between(0, 1)] = 1.0
    """How far the spread of the whitened dimensions is evened out: 1 wholly, 0 not at all."""
    rank: Annotated[int, AtLeast(0)] = 0
    """Instead of PCA whitening, even out this many directions of largest spread, such as 40, and
    leave all others as they are, which takes fewer weights and keeps the length. 0: none."""
    augmentation: Augmentation = "none"
    """Changes to two further copies of each photo that the whitening is fitted on: what only they
    change in a descriptor then counts for less."""

    def __post_init__(self) -> None:
        settle(self)
        if self.dim and self.rank:
            refuse(self, "rank", "0 beside `dim`")
        need_used(self, "power", self.dim > 0, f"dim={self.dim}")
        need_used(self, "augmentation", self.is_given, f"rank={self.rank}")

    @property
    def is_given(self) -> bool:
        """Whether descriptors are whitened, wholly or partly."""
        return self.dim > 0 or self.rank > 0

    def need_given(self) -> None:
        """Refuses neither whole nor partial whitening."""
        if not self.is_given:
            raise ValueError("Give one of `dim` and `rank`, above 0. Received: dim=0, rank=0")


@dataclass(frozen=True, kw_only=True)
class WhitenModelConfig(WhitenConfig):
    """How whitening is appended to a model, and what it is fitted on."""

    places: str
    """Photos to fit the whitening on: a folder of photos, which needs no positions, or READER:PATH;
    of the set that is searched, or alike."""
    out: Path = Path("whitened.keras")
    """File for the model that ends in whitening."""
    max_photos: Annotated[int, AtLeast(2)] = 10_000
    """Fit on this many database photos at most, drawn at random."""
    image_size: ImageSizeOrNone = None
    """Rows and columns that photos are resized to. None: those the model was trained on, 240 320
    if it does not say."""
    batch_size: Annotated[int, AtLeast(1)] = 8
    """Photos in a batch."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of the draw of photos."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.need_given()
