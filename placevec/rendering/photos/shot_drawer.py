"""Draws planned shots into files: photos, their depth, and which points they show."""

from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.config import RenderConfig
from placevec.rendering.drawing.lenses import Distortion
from placevec.rendering.drawing.renderer import Renderer
from placevec.rendering.photos.photo_folder import write_depth, write_photo
from placevec.rendering.scenes.scenery import Scenery
from placevec.rendering.scenes.shot import Shot

_POINTS_STRIDE = 4  # pixels of a photo per point that is searched


class ShotDrawer:
    """Draws shots of a scenery into a folder. Use it in a `with` statement.

    Args:
        scenery: Scenery. Makes the scenes.
        settings: RenderConfig.
        pipe: str. `"software"` or `"opengl"`.
        folder: Path. Folder for the photos; the folders that shots name must exist.

    Raises:
        OSError: If this machine cannot open the pipe.
    """

    def __init__(self, scenery: Scenery, settings: RenderConfig, pipe: str, folder: Path) -> None:
        lens = None if settings.distortion is None else Distortion(*settings.distortion)
        self._renderer = Renderer(
            settings.image_size, settings.field_of_view_deg, pipe=pipe, distortion=lens
        )
        self._scenery, self._settings, self._folder = scenery, settings, folder
        self._shown = None

    def __enter__(self) -> "ShotDrawer":
        self._renderer.open()
        return self

    def __exit__(self, *error: object) -> None:
        self._renderer.close()

    def draw(self, shots: Iterable[Shot]) -> Generator[tuple[Shot, NDArray[np.int64]], None, None]:
        """Draws the photos that do not exist yet, and the depth and points of all if wanted.

        A scene is kept until a shot needs another one, so group shots of one visit to one part.

        Yields:
            Each shot when it is drawn, and the points that it shows, (n,) int64, see
            `Renderer.points_seen`; no points if they are not wanted.
        """
        for shot in shots:
            yield shot, self._draw(shot)

    def _draw(self, shot: Shot) -> NDArray[np.int64]:
        settings, renderer, pose = self._settings, self._renderer, shot.camera.pose
        if self._shown != (shot.part, shot.visit.seed):
            renderer.show(self._scenery.scene(shot.part, shot.visit))
            self._shown = (shot.part, shot.visit.seed)
        if not (self._folder / shot.path).exists():
            write_photo(renderer.photo(pose), shot, self._folder, settings.jpeg_quality)
        if settings.depth:
            write_depth(renderer.depth(pose), shot, self._folder)
        if not settings.points:
            return np.empty(0, np.int64)
        return renderer.points_seen(pose, settings.point_cell_m, stride=_POINTS_STRIDE)
