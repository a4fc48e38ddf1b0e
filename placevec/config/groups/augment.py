"""How photos are changed while a network is trained on them."""

from dataclasses import dataclass

from placevec.config.choices import Augmentation
from placevec.config.refusals import settle


@dataclass(frozen=True)
class AugmentConfig:
    """Augmentation: how photos are changed during training."""

    flip_tuples: bool = False
    """Mirror half of the tuples, all photos of a tuple alike."""
    augmentation: Augmentation = "none"
    """Changes to photos during training: light changes the time of day and makes night; street also
    changes the camera and adds objects; the others are imgaug's."""
    device_augmentation: bool = False
    """Crop and rotate photos a little and change their light and colors inside the training step,
    on the device that trains, in addition to `augmentation` or instead of it."""

    def __post_init__(self) -> None:
        settle(self)
