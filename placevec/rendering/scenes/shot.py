"""One photo to take: where, when, and into which file."""

from dataclasses import dataclass
from pathlib import Path

from placevec.rendering.scenes.camera import Camera
from placevec.rendering.scenes.weather import Visit


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo to take.

    Args:
        part: str. The part of the scenery that contains the camera, such as a street.
        visit: Visit. When, and in what weather.
        camera: Camera. Where.
        place: int. Number of the place; photos of one place have the same number.
        role: str. `"query"`, `"database"` or `"both"`.
        seed: tuple of int. Seed of the camera's noise and exposure.
        root: Path. Folder of its data set, below the output folder.
        name: str. File name below `root`.
    """

    part: str
    visit: Visit
    camera: Camera
    place: int
    role: str
    seed: tuple[int, ...]
    root: Path
    name: str

    @property
    def path(self) -> Path:
        """The file, below the output folder."""
        return self.root / self.name
