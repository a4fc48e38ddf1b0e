"""How photos are changed while a network is trained on them."""

from dataclasses import dataclass

from placevec.config.choices import Augmentation
from placevec.config.refusals import settle


@dataclass(frozen=True)
class AugmentConfig:
    """Augmentation: how photos are changed while training."""

    flip_tuples: bool = False
    """Mirror half of the tuples, all photos of a tuple alike."""
    augmentation: Augmentation = "none"
    """Changes to photos while training: light another hour, day or night; street also another
    camera and things in the way; the others are imgaug's."""
    device_augmentation: bool = False
    """Crop and turn photos a little and change their light and colors inside the training step, on
    the device that trains, beside or in place of `augmentation`."""

    def __post_init__(self) -> None:
        settle(self)
