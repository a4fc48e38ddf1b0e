"""How descriptors are whitened."""

from dataclasses import dataclass
from pathlib import Path

from placevec.config.choices import Augmentation
from placevec.config.refusals import need_at_least, need_between, need_image_size, settle_types
from placevec.config.train import TrainConfig


@dataclass(frozen=True)
class WhitenConfig:
    """How a model's descriptors are whitened."""

    places: str
    """Photos to fit the whitening on, as READER:PATH; of the set that is searched, or alike."""
    dim: int = 0
    """Numbers of the whitened descriptor."""
    rank: int = 0
    """In place of dim: so many directions of largest spread, such as 40, are evened out and all
    others left as they are, which takes fewer weights and keeps the length. One of the two is
    needed."""
    out: Path = Path("whitened.keras")
    """File for the model that ends in whitening."""
    power: float = TrainConfig.whiten_power
    """How far the spread of the whitened numbers is evened out: 1 wholly, 0 not at all."""
    augmentation: Augmentation = "none"
    """Changes to two copies of each photo that the whitening is fitted on besides: what only they
    change in a descriptor then counts for less."""
    max_photos: int = 10_000
    """Fit on so many database photos at most, drawn at random."""
    image_size: tuple[int, int] | None = None
    """Rows and columns that photos are resized to. None: those the model was trained on, 240 320
    where it does not say."""
    batch_size: int = 8
    """Photos in a batch."""
    skip_unreadable: bool = False
    """Leave out photos that are missing or unreadable instead of stopping."""
    seed: int = 0
    """Seed of the draw of photos."""

    def __post_init__(self) -> None:
        settle_types(self)
        need_at_least(self, 1, "batch_size")
        need_at_least(self, 2, "max_photos")
        need_at_least(self, 0, "seed", "dim", "rank")
        check_whitening_settings(self.dim, self.rank, self.power)
        need_between(self, 0, 1, "power")
        need_image_size(self)


def check_whitening_settings(dim: int, rank: int, power: float) -> None:
    """Refuses whitening that is neither whole nor partial, or both.

    Args:
        dim: int. Numbers of the whitened descriptor.
        rank: int. Directions of partial whitening.
        power: float. How far whole whitening goes.

    Raises:
        ValueError: If not one of `dim` and `rank` is above 0, or `power` is given beside `rank`.
    """
    if max(dim, rank) <= 0 or min(dim, rank) != 0:
        raise ValueError(f"Give one of `dim` and `rank`, above 0. Received: dim={dim}, rank={rank}")
    if rank and power != TrainConfig.whiten_power:
        raise ValueError(f"`power` has no effect with `rank`. Received: power={power}, rank={rank}")
