"""How 3-D worlds are photographed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.choices import Cameras, Pipe, Up
from placevec.config.limits import Above, AtLeast, Between, ImageSize
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True)
class RenderConfig:
    """How a 3-D world is photographed, whatever it is."""

    out: Path | None = None
    """Folder for the photos. None: `data/` and the world's name."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of all that is drawn at random: cameras, weather, splits, the synthetic town."""
    image_size: ImageSize = (240, 320)
    """Rows and columns of a photo."""
    field_of_view_deg: Annotated[float, Between(1, 150)] = 75.0
    """Horizontal angle of view."""
    distortion: tuple[float, float, float, float, float] | None = None
    """Lens distortion k1 k2 p1 p2 k3, as OpenCV has it. None: a perfect lens."""
    pipe: Pipe = "auto"
    """What draws: software works everywhere, opengl by EGL. auto: opengl for models where it is
    there, else software."""
    jpeg_quality: Annotated[int, Between(1, 100)] = 90
    """Of the photos, from 1 to 100."""
    points: bool = True
    """Write points.npz, which `train --positive-rule shared_points` needs."""
    point_cell_m: Annotated[float, Above(0)] = 1.0
    """Side of the cube of surface that counts as one point, in metres."""
    depth: bool = False
    """Write NAME.depth.npy beside each photo: float16, metres along the optical axis, inf where
    nothing is."""
    num_workers: Annotated[int | None, AtLeast(1)] = None
    """Processes that draw; each holds the world. None: one for each core, at most 8, and at most
    one for 64 photos."""

    def __post_init__(self) -> None:
        settle(self)


@dataclass(frozen=True)
class TownRenderConfig(RenderConfig):
    """Draw photos of a synthetic town, which needs no model."""

    spacing_m: Annotated[float, Above(0)] = 10.0
    """Distance of places along a street, in metres."""
    num_streets: Annotated[int, AtLeast(1)] = 6
    """Streets to train on."""
    num_validation_streets: Annotated[int, AtLeast(1)] = 10
    """Streets to measure recall on."""
    num_test_streets: Annotated[int, AtLeast(0)] = 0
    """Streets that neither train a network nor choose its epoch, for its final figure.
    0: none."""
    places_per_street: Annotated[int, AtLeast(1)] = 30
    """Places along a street."""


@dataclass(frozen=True)
class ModelRenderConfig(RenderConfig):
    """Draw photos of a 3-D model of your own: OBJ, glTF, GLB, egg, bam, or a folder of tiles."""

    spacing_m: Annotated[float | None, Above(0)] = None
    """Least distance of places from each other, in metres. None: 10 m, in a small model less, down
    to 1 m, until there are enough places."""
    num_photos: Annotated[int, AtLeast(1)] = 300
    """Photos to take, at least."""
    views_per_place: Annotated[int, AtLeast(1)] = 2
    """Directions that cameras look into at each place."""
    visits: tuple[str, ...] = ("day", "overcast", "dusk")
    """Weathers. The first is the database, others are queries; one alone is both."""
    cameras: Cameras = "walk"
    """Walk, on ground that one can walk on; fly, anywhere above it, looking down."""
    trajectory: str | None = None
    """READER:PATH of poses that cameras follow, in the model's frame."""
    height_m: tuple[float, float] = (45.0, 120.0)
    """Cameras that fly: least and largest height, in metres."""
    eye_height_m: Annotated[float, Above(0)] = 1.7
    """Cameras that walk: height of the camera above the ground, in metres."""
    jitter: Annotated[float, Between(0, 1)] = 1.0
    """How far cameras stray from their places, in height, pitch and roll too, as a
    share of what is usual. 0: not at all, and all visits see the same."""
    up: Up = "auto"
    """The axis that points up."""
    scale: Annotated[float, Above(0)] = 1.0
    """Metres in one of its units."""
    randomize_textures: bool = False
    """Change colors and contrast of its textures on each visit."""
    val_share: Annotated[float, Between(0, 0.5)] = 0.2
    """Share of the ground that is kept for validation. 0: none."""
    buffer_m: float = 25.0
    """Least distance between photos to train on and to validate with, in metres."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.visits:
            refuse(self, "visits", "at least one weather")
        if not 0 < self.height_m[0] <= self.height_m[1]:
            refuse(self, "height_m", "the least and the largest height, above 0")
