"""Draws photos and depth of scenes by Panda3D, without a display."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from panda3d import core

from placevec.config import RenderConfig
from placevec.config.choices import PIPES
from placevec.places.points import points_of_depth
from placevec.rendering.drawing.depth import Depths
from placevec.rendering.drawing.lenses import Distortion, Remap, intrinsics, make_remap
from placevec.rendering.drawing.nodes import add_background, add_haze, add_surface, make_texture
from placevec.rendering.drawing.pipes import Canvas, choose_pipe
from placevec.rendering.scenes.camera import Pose
from placevec.rendering.scenes.scene import Scene

_TEXTURES_KEPT = 400


class Renderer:
    """Draws photos of scenes from poses. Use it in a `with` statement.

    It needs no display and no GPU.

    Args:
        image_size: (rows, cols). Size of the photos.
        field_of_view_deg: float. Horizontal angle of view.
        oversize: int. Each photo is drawn this many times larger and then averaged down, which
            smooths edges.
        pipe: str. `"software"`, `"opengl"`, or `"auto"` for OpenGL if it opens. After opening, the
            attribute `pipe` has the one in use.
        distortion: Distortion or None. Distortion of the lens; `field_of_view_deg` is the angle
            without it.

    Raises:
        ValueError: If a size, the angle of view, `oversize` or `pipe` is out of range, or the
            distortion shows more than can be drawn.

    Example:

    >>> scene = Scene(surfaces=[], earth=(0.0, 1.0, 0.0))
    >>> with Renderer((24, 32)) as renderer:
    ...     renderer.show(scene)
    ...     photo = renderer.photo(Pose((0.0, 0.0, 1.6), heading_deg=90.0))
    >>> photo.shape, photo[-1, 0].tolist()
    ((24, 32, 3), [0, 255, 0])
    """

    def __init__(
        self,
        image_size: tuple[int, int] = RenderConfig.image_size,
        field_of_view_deg: float = RenderConfig.field_of_view_deg,
        oversize: int = 2,
        *,
        pipe: str = "software",
        distortion: Distortion | None = None,
    ) -> None:
        if len(image_size) != 2 or min(image_size) < 1:
            raise ValueError(
                "`image_size` must be two positive integers, rows and columns. "
                f"Received: image_size={image_size}"
            )
        if not 1.0 <= field_of_view_deg <= 150.0:
            raise ValueError(
                "`field_of_view_deg` must be between 1 and 150. "
                f"Received: field_of_view_deg={field_of_view_deg}"
            )
        if oversize < 1:
            raise ValueError(f"`oversize` must be a positive integer. Received: {oversize}")
        if pipe not in PIPES:
            raise ValueError(f"`pipe` must be one of {', '.join(PIPES)}. Received: pipe={pipe!r}")
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self.field_of_view_deg = field_of_view_deg
        self.oversize = oversize
        self.pipe = pipe
        self.distortion = distortion
        self._remap = distortion and make_remap(self.image_size, field_of_view_deg, distortion)
        self._textures: OrderedDict = OrderedDict()
        self._forget()

    def __enter__(self) -> "Renderer":
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> None:
        """Opens a buffer in memory.

        Raises:
            OSError: If this machine cannot open the pipe.
        """
        self.pipe = choose_pipe(self.pipe)
        size, angle_deg = self._drawn()
        self._canvas = Canvas(self.pipe, (size[0] * self.oversize, size[1] * self.oversize))
        self._depths = Depths(self.pipe)
        self._lens = core.PerspectiveLens()
        self._lens.set_film_size(size[1], size[0])
        self._lens.set_fov(angle_deg)

    def close(self) -> None:
        """Frees the buffers and all textures; a second call does nothing."""
        if self._canvas is None:
            return
        self._textures.clear()
        self._canvas.close()
        self._depths.close()
        self._forget()

    def show(self, scene: Scene) -> None:
        """Sets the scene that the next photos show."""
        if self._canvas is None:
            raise RuntimeError("The renderer must be open. Use it as `with Renderer(...)`")
        self._scene = scene
        self._depths.show(scene)
        self._lens.set_near_far(scene.near_plane_m(self._lens.get_fov()), scene.far_m)
        self._root = core.NodePath("scene")
        self._camera = self._root.attach_new_node(core.Camera("camera", self._lens))
        for number, surface in enumerate(scene.surfaces):
            add_surface(self._root, surface, number, self._texture)
        self._background = self._root.attach_new_node("background")
        add_background(self._background, scene)
        add_haze(self._camera, scene, self._drawn()[1])

    def photo(self, pose: Pose) -> NDArray[np.uint8]:
        """Returns the photo of a camera at `pose`: (rows, cols, 3) uint8 RGB."""
        self._refuse_closed()
        self._camera.set_pos(*(float(v) for v in pose.position_m))
        self._camera.set_hpr(-pose.heading_deg, pose.pitch_deg, pose.roll_deg)
        self._background.set_pos(self._camera.get_pos())
        pixels = self._canvas.draw(self._camera, self._scene.air)
        if self.oversize > 1:
            rows, cols = self._drawn()[0]
            pixels = cv2.resize(pixels, (cols, rows), interpolation=cv2.INTER_AREA)
        photo = cv2.flip(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), 0)  # rows come bottom first
        return photo if self._remap is None else self._remap.photo(photo)

    def photos(self, poses: Iterable[Pose]) -> NDArray[np.uint8]:
        """Returns the photos of cameras at several poses: (n, rows, cols, 3) uint8 RGB."""
        return np.stack([self.photo(pose) for pose in poses])

    def depth(self, pose: Pose, stride: int = 1) -> NDArray[np.float32]:
        """Returns the depth that a camera at `pose` sees.

        Args:
            pose: Pose.
            stride: int. The depth has the size of a photo this many times smaller.

        Returns:
            (rows // stride, cols // stride) float32, at least one of each. Metres along the
            optical axis; inf if nothing is there.
        """
        self._refuse_closed()
        size, angle_deg, remap = self._smaller(stride)
        depth_m = self._depths.draw(pose.matrix(), size, angle_deg)
        return depth_m if remap is None else remap.depth(depth_m)

    def points_seen(self, pose: Pose, cell_m: float, stride: int = 4) -> NDArray[np.int64]:
        """Returns which cells of a grid through the scene a camera at `pose` sees.

        Args:
            pose: Pose.
            cell_m: float. Side of a cell, in metres.
            stride: int. Only every `stride`-th pixel across and down is checked.

        Returns:
            (n,) int64, ascending; see `placevec.places.points.points_of_depth`.
        """
        self._refuse_closed()
        size, angle_deg, remap = self._smaller(stride)
        matrix = pose.matrix()
        depth_m = self._depths.draw(matrix, size, angle_deg)
        if remap is not None:
            depth_m[~remap.shown()] = np.inf
        return points_of_depth(depth_m, matrix, intrinsics(size, angle_deg), cell_m=cell_m)

    def _drawn(self) -> tuple[tuple[int, int], float]:
        """Returns the size and the horizontal angle of view of the photo before distortion."""
        if self._remap is None:
            return self.image_size, self.field_of_view_deg
        return self._remap.size, self._remap.field_of_view_deg

    def _smaller(self, stride: int) -> tuple[tuple[int, int], float, Remap | None]:
        if stride < 1:
            raise ValueError(f"`stride` must be a positive integer. Received: stride={stride}")
        if stride == 1:
            return *self._drawn(), self._remap
        rows, cols = self.image_size
        size = (max(1, rows // stride), max(1, cols // stride))
        if self.distortion is None:
            return size, self.field_of_view_deg, None
        remap = make_remap(size, self.field_of_view_deg, self.distortion)
        return remap.size, remap.field_of_view_deg, remap

    def _refuse_closed(self) -> None:
        if self._canvas is None or self._camera is None:
            raise RuntimeError("The renderer must be open and have a scene. Call `show` first")

    def _forget(self) -> None:
        # `open` or `show` set what is None here; `_refuse_closed` guards its use.
        self._canvas: Any = None
        self._depths: Any = None
        self._lens: Any = None
        self._scene: Any = None
        self._root: Any = None
        self._camera: Any = None
        self._background: Any = None

    def _texture(self, image: NDArray[np.uint8], is_smooth: bool) -> core.Texture:
        kept = self._textures.get(id(image))
        if kept is None:
            # The array stays with its texture, so that no other array can get its id.
            kept = self._textures[id(image)] = (image, make_texture(image, is_smooth))
            while len(self._textures) > _TEXTURES_KEPT:
                self._textures.popitem(last=False)
        return kept[1]
