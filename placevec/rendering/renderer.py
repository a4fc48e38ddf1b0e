"""Draws scenes without a display, by Panda3D's software renderer."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from panda3d import core

from placevec.rendering.nodes import add_background, add_haze, add_surface, make_texture
from placevec.rendering.scene import Scene

_SETTINGS = """
notify-level error
textures-power-2 down
td-ignore-mipmaps 0
td-ignore-clamp 0
audio-library-name null
"""
_NEAR_M, _FAR_M = 0.4, 420.0
_TEXTURES_KEPT = 400


@dataclass(frozen=True)
class Pose:
    """Where a camera stands and where it looks.

    Args:
        position_m: (x, y, z). In the scene's frame, in metres; z is up.
        heading_deg: float. Direction of the optical axis, clockwise from the y axis.
        pitch_deg: float. Angle of the optical axis above the horizon.
        roll_deg: float. Turn about the optical axis; positive lowers the camera's right side.
    """

    position_m: tuple[float, float, float]
    heading_deg: float
    pitch_deg: float = 0.0
    roll_deg: float = 0.0


class Renderer:
    """Turns scenes and poses into photos. Open it by `with`; it needs no display and no GPU.

    Args:
        image_size: (rows, cols). Size of the photos.
        field_of_view_deg: float. Horizontal angle of view.
        oversize: int. Each photo is drawn this many times larger and then averaged down, which
            smooths edges.

    Raises:
        ValueError: If a size, the angle of view or `oversize` is out of range.

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
        image_size: tuple[int, int] = (240, 320),
        field_of_view_deg: float = 75.0,
        oversize: int = 2,
    ) -> None:
        if len(image_size) != 2 or min(image_size) < 1:
            raise ValueError(
                "`image_size` must be two positive integers, rows and columns. "
                f"Received: image_size={image_size}"
            )
        if not 1.0 <= field_of_view_deg <= 150.0:
            raise ValueError(
                "`field_of_view_deg` must lie between 1 and 150. "
                f"Received: field_of_view_deg={field_of_view_deg}"
            )
        if oversize < 1:
            raise ValueError(f"`oversize` must be a positive integer. Received: {oversize}")
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self.field_of_view_deg = field_of_view_deg
        self.oversize = oversize
        self._textures: OrderedDict = OrderedDict()
        self._forget()

    def __enter__(self) -> "Renderer":
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> None:
        """Loads the software renderer and opens a buffer in memory.

        Raises:
            RuntimeError: If this installation of Panda3D has no software renderer.
        """
        _settle()
        rows, cols = (side * self.oversize for side in self.image_size)
        selection = core.GraphicsPipeSelection.get_global_ptr()
        pipe = selection.make_pipe("TinyOffscreenGraphicsPipe", "p3tinydisplay")
        if pipe is None:
            raise RuntimeError(
                "Panda3D's software renderer `p3tinydisplay` must be there. Received: no pipe. "
                "Reinstall the wheel: pip install --force-reinstall panda3d"
            )
        self._engine = core.GraphicsEngine()
        frame = core.FrameBufferProperties()
        frame.set_rgba_bits(8, 8, 8, 8)
        frame.set_depth_bits(24)
        self._buffer = self._engine.make_output(
            pipe,
            "placevec",
            0,
            frame,
            core.WindowProperties.size(cols, rows),
            core.GraphicsPipe.BF_refuse_window,
        )
        self._target = core.Texture()
        self._buffer.add_render_texture(self._target, core.GraphicsOutput.RTM_copy_ram)
        lens = core.PerspectiveLens()
        lens.set_film_size(cols, rows)
        lens.set_fov(self.field_of_view_deg)
        lens.set_near_far(_NEAR_M, _FAR_M)
        self._lens, self._region = lens, self._buffer.make_display_region()

    def close(self) -> None:
        """Gives the buffer and all textures back; a second call does nothing."""
        if self._engine is None:
            return
        self._textures.clear()
        self._engine.remove_all_windows()
        self._forget()

    def show(self, scene: Scene) -> None:
        """Takes the scene that the next photos show."""
        if self._engine is None:
            raise RuntimeError("The renderer must be open. Use it by `with Renderer(...)`")
        self._root = core.NodePath("scene")
        self._camera = self._root.attach_new_node(core.Camera("camera", self._lens))
        self._region.set_camera(self._camera)
        self._buffer.set_clear_color(core.LColor(*scene.air, 1))
        for number, surface in enumerate(scene.surfaces):
            add_surface(self._root, surface, number, self._texture)
        self._background = self._root.attach_new_node("background")
        add_background(self._background, scene, self._texture)
        if scene.haze > 0:
            add_haze(self._camera, scene, self.field_of_view_deg)

    def photo(self, pose: Pose) -> np.ndarray:
        """Returns what a camera at `pose` sees: (rows, cols, 3) uint8 RGB."""
        if self._engine is None or self._camera is None:
            raise RuntimeError("The renderer must be open and have a scene. Call `show` first")
        self._camera.set_pos(*(float(v) for v in pose.position_m))
        self._camera.set_hpr(-pose.heading_deg, pose.pitch_deg, pose.roll_deg)
        self._background.set_pos(self._camera.get_pos())
        self._engine.render_frame()
        rows, cols = (side * self.oversize for side in self.image_size)
        pixels = np.frombuffer(self._target.get_ram_image(), np.uint8).reshape(rows, cols, 4)
        if self.oversize > 1:
            size = (self.image_size[1], self.image_size[0])
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(pixels[::-1, :, 2::-1])

    def photos(self, poses: Iterable[Pose]) -> np.ndarray:
        """Returns what cameras at several poses see: (n, rows, cols, 3) uint8 RGB."""
        return np.stack([self.photo(pose) for pose in poses])

    def _forget(self) -> None:
        self._engine: core.GraphicsEngine | None = None
        self._buffer = self._target = self._region = self._lens = None
        self._root = self._camera = self._background = None

    def _texture(self, image: np.ndarray, is_smooth: bool) -> core.Texture:
        kept = self._textures.get(id(image))
        if kept is None:
            # The array is kept beside its texture, so that no other array can get its id.
            kept = self._textures[id(image)] = (image, make_texture(image, is_smooth))
            while len(self._textures) > _TEXTURES_KEPT:
                self._textures.popitem(last=False)
        return kept[1]


_is_settled = False


def _settle() -> None:
    global _is_settled
    if not _is_settled:
        core.load_prc_file_data("placevec.rendering", _SETTINGS)
        _is_settled = True
