"""Opens Panda3D without a display: in software, or with OpenGL through EGL."""

import os
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from panda3d import core

from placevec.config.choices import PIPES
from placevec.process.workers import python_path

_CLASSES = {
    "software": ("TinyOffscreenGraphicsPipe", "p3tinydisplay"),
    "opengl": ("eglGraphicsPipe", "p3headlessgl"),
}
_WAYS_OUT = {
    "software": "Reinstall the wheel: pip install --force-reinstall panda3d",
    "opengl": "Install EGL and a driver (apt install libegl1 libgl1-mesa-dri), or set "
    "pipe='software'",
}
# Mesa's llvmpipe draws on the CPU, but counts as hardware.
_SETTINGS = """
notify-level error
textures-power-2 down
td-ignore-mipmaps 0
td-ignore-clamp 0
audio-library-name null
framebuffer-hardware #t
framebuffer-software #f
"""
_PROBE = "from placevec.rendering.drawing.pipes import Canvas; Canvas('opengl', (8, 8)).close()"
_PROBE_LIMIT_S = 60


class Canvas:
    """A buffer in memory to draw on.

    Args:
        pipe: str. `"software"` or `"opengl"`.
        size: (rows, cols). Size of a picture.

    Raises:
        OSError: If this machine cannot open that pipe.
    """

    def __init__(self, pipe: str, size: tuple[int, int]) -> None:
        _settle()
        self.size = size
        made = _make_pipe(pipe)
        self._engine = core.GraphicsEngine()
        self._buffer: Any = None
        if made is not None and made.is_valid():
            frame = core.FrameBufferProperties()
            frame.set_rgba_bits(8, 8, 8, 8)
            frame.set_depth_bits(24)
            self._buffer = self._engine.make_output(
                made,
                "placevec",
                0,
                frame,
                core.WindowProperties.size(size[1], size[0]),
                core.GraphicsPipe.BF_refuse_window,
            )
        if self._buffer is None:
            raise OSError(
                f"Panda3D's pipe {pipe!r} (`{_CLASSES[pipe][1]}`) must open a buffer in memory. "
                f"Received: no {'pipe' if made is None else 'buffer'}. {_WAYS_OUT[pipe]}"
            )
        self._target = core.Texture()
        self._buffer.add_render_texture(self._target, core.GraphicsOutput.RTM_copy_ram)
        self._region = self._buffer.make_display_region()
        # OpenGL may copy only a part of its first frame.
        self._engine.render_frame()

    def close(self) -> None:
        """Frees the buffer."""
        self._engine.remove_all_windows()

    def draw(self, camera: core.NodePath, air: tuple[float, float, float]) -> NDArray[np.uint8]:
        """Draws what a camera sees.

        Args:
            camera: core.NodePath. A node below the root of the scene.
            air: (r, g, b) in [0, 1]. Color of empty pixels.

        Returns:
            (rows, cols, 4) uint8 BGRA, bottom row first; valid until the next call.
        """
        self._region.set_camera(camera)
        self._buffer.set_clear_color(core.LColor(*air, 1))
        self._engine.render_frame()
        pixels = np.frombuffer(self._target.get_ram_image(), np.uint8)
        return pixels.reshape(*self.size, 4)


def choose_pipe(pipe: str) -> str:
    """Returns the pipe that a setting means.

    `"auto"` means OpenGL if a buffer opens, and software otherwise. A separate process tries this
    once, because drivers may crash the process they run in.

    Args:
        pipe: str. One of `PIPES`.

    Returns:
        str. `"software"` or `"opengl"`.

    Raises:
        ValueError: If `pipe` is not one of `PIPES`.
    """
    if pipe not in PIPES:
        raise ValueError(f"`pipe` must be one of {', '.join(PIPES)}. Received: pipe={pipe!r}")
    if pipe != "auto":
        return pipe
    return "opengl" if _opens_opengl() else "software"


@cache
def _opens_opengl() -> bool:
    environment = os.environ | {"PYTHONPATH": python_path()}
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE],
            env=environment,
            capture_output=True,
            timeout=_PROBE_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


@cache
def _make_pipe(pipe: str) -> core.GraphicsPipe | None:
    """Returns the only pipe of a kind: EGL pipes share a display, and closing one would end it."""
    return core.GraphicsPipeSelection.get_global_ptr().make_pipe(*_CLASSES[pipe])


@cache
def _settle() -> None:
    core.load_prc_file_data("placevec.rendering", _SETTINGS)
