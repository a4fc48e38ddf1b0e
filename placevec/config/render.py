"""How 3-D worlds are photographed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from placevec.config.choices import Cameras, Pipe, Up
from placevec.config.limits import Above, AtLeast, Between, ImageSize
from placevec.config.refusals import refuse, settle


@dataclass(frozen=True)
class RenderConfig:
    """How any 3-D world is photographed."""

    out: Path | None = None
    """Folder for the photos. None: `data/` followed by the world's name."""
    seed: Annotated[int, AtLeast(0)] = 0
    """Seed of everything that is drawn at random: cameras, weather, splits, the synthetic town."""
    image_size: ImageSize = (240, 320)
    """Rows and columns of a photo."""
    field_of_view_deg: Annotated[float, Between(1, 150)] = 75.0
    """Horizontal field of view, in degrees."""
    distortion: tuple[float, float, float, float, float] | None = None
    """Lens distortion k1 k2 p1 p2 k3, as in OpenCV. None: no distortion."""
    pipe: Pipe = "auto"
    """Renderer: software works everywhere, opengl uses EGL. auto: opengl for models if it is
    available, else software."""
    jpeg_quality: Annotated[int, Between(1, 100)] = 90
    """Quality of the JPEG photos, from 1 to 100."""
    points: bool = True
    """Write points.npz, which `train --positive-rule shared_points` needs."""
    point_cell_m: Annotated[float, Above(0)] = 1.0
    """Side of the cube of surface that counts as one point, in metres."""
    depth: bool = False
    """Write NAME.depth.npy beside each photo: float16, metres along the optical axis, inf if there
    is nothing."""
    num_workers: Annotated[int | None, AtLeast(1)] = None
    """Number of processes that draw. Each holds the world in memory. None: one per core, at most 8,
    and at most one per 64 photos."""

    def __post_init__(self) -> None:
        settle(self)


@dataclass(frozen=True)
class TownRenderConfig(RenderConfig):
    """Render photos of a synthetic town, which needs no model."""

    spacing_m: Annotated[float, Above(0)] = 10.0
    """Distance between places along a street, in metres."""
    num_streets: Annotated[int, AtLeast(1)] = 6
    """Number of streets to train on."""
    num_validation_streets: Annotated[int, AtLeast(1)] = 10
    """Number of streets to measure recall on."""
    num_test_streets: Annotated[int, AtLeast(0)] = 0
    """Number of streets for the final figure of a network, which neither train it nor choose its
    epoch. 0: none."""
    places_per_street: Annotated[int, AtLeast(1)] = 30
    """Number of places along a street."""


@dataclass(frozen=True)
class ModelRenderConfig(RenderConfig):
    """Render photos of your own 3-D model: OBJ, glTF, GLB, egg, bam, or a folder of tiles."""

    spacing_m: Annotated[float | None, Above(0)] = None
    """Minimum distance between places, in metres. None: 10 m, or less in a small model, down to 1
    m, until there are enough places."""
    num_photos: Annotated[int, AtLeast(1)] = 300
    """Minimum number of photos to take."""
    views_per_place: Annotated[int, AtLeast(1)] = 2
    """Number of directions in which cameras look at each place."""
    visits: tuple[str, ...] = ("day", "overcast", "dusk")
    """Weather of each visit. The first visit is the database, the others are queries. A single
    visit is both."""
    cameras: Cameras = "walk"
    """Where cameras are: walk, on ground that one can walk on; fly, anywhere above it, looking
    down."""
    trajectory: str | None = None
    """READER:PATH of poses that the cameras follow, in the model's frame."""
    height_m: tuple[float, float] = (45.0, 120.0)
    """Minimum and maximum height of flying cameras, in metres."""
    eye_height_m: Annotated[float, Above(0)] = 1.7
    """Height of walking cameras above the ground, in metres."""
    jitter: Annotated[float, Between(0, 1)] = 1.0
    """Random movement of cameras around their places, also in height, pitch and roll, as a share of
    the usual amount. 0: no movement; all visits have the same view."""
    up: Up = "auto"
    """Axis of the model that points up."""
    scale: Annotated[float, Above(0)] = 1.0
    """Metres per unit of the model."""
    randomize_textures: bool = False
    """Change colors and contrast of the model's textures on each visit."""
    val_share: Annotated[float, Between(0, 0.5)] = 0.2
    """Share of the ground that is reserved for validation. 0: none."""
    buffer_m: float = 25.0
    """Minimum distance between training photos and validation photos, in metres."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.visits:
            refuse(self, "visits", "at least one weather")
        if not 0 < self.height_m[0] <= self.height_m[1]:
            refuse(self, "height_m", "the minimum and the maximum height, above 0")
