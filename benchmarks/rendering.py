"""Measures how many photos per second each pipe draws, and how many a bare Panda3D loop draws.

    python benchmarks/rendering.py street-1 alpine-2 suspended --ups y y z

docs/lab/performance.md has what it printed.

The bare loop is what you would write yourself: Panda3D's own loader, a sun and ambient light, one
buffer of the same size, and for each of the same cameras `render_frame` and a copy of the picture.
It has no sky, haze or weather; `unlit` has no light either. `ours` is `Renderer.photo`, which has
all of these and averages the picture down. `8 cameras a frame` is the bare loop with eight pictures
in one buffer. Depth is that of a photo of a quarter of the size, as for `points.npz`. The rows of
one world take turns. A speed is the median of the rounds; a ratio is of processor time, the median
of the ratios within a round.
"""

import logging
import operator
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import tyro
from machine import LeftOut, describe_machine, measure_in_turns
from panda3d import core

from placevec.config import ModelRenderConfig
from placevec.rendering.cameras.model_scenery import ModelScenery
from placevec.rendering.drawing.pipes import Canvas
from placevec.rendering.drawing.renderer import Renderer
from placevec.rendering.scenes.camera import Pose
from placevec.rendering.tour import open_tour, plan_tour
from placevec.rendering.worlds.load_world import find_models

_AT_ONCE = 8
_COMPARED_WITH = {
    f"bare, {_AT_ONCE} cameras a frame": "bare",
    "ours": "bare",
    "ours, no sky or haze": "bare",
    "ours, 2 x 2 pixels each": "bare, 2 x 2 pixels each",
}


def main(
    worlds: tyro.conf.Positional[tuple[Path, ...]],
    *,
    ups: tuple[str, ...] = (),
    pipes: tuple[str, ...] = ("software", "opengl"),
    size: tuple[int, int] = (240, 320),
    cameras: int = 96,
    rounds: int = 9,
    short: bool = False,
) -> None:
    """Draws the same cameras in each way, in turns.

    Args:
        worlds: 3-D models.
        ups: Axis that points up in each model, y or z. None: y.
        pipes: Pipes to try.
        size: Rows and columns of a photo.
        cameras: Cameras per round.
        rounds: Number of times that each way is timed.
        short: Fewer cameras and rounds.
    """
    if not worlds:
        raise LeftOut("Name a 3-D model, or several")
    logging.disable(logging.WARNING)
    cameras, rounds = (32, 7) if short else (cameras, rounds)
    cameras -= cameras % _AT_ONCE
    print(describe_machine())
    print(f"{cameras} cameras, {size[0]} x {size[1]}; photos/s, median (least to most) of {rounds}")
    print("| world | pipe | way | photos/s | ratio to bare |\n|---|---|---|---|---|")
    for path, up in zip(worlds, ups or ("y",) * len(worlds), strict=True):
        settings = ModelRenderConfig(num_photos=3 * cameras, up=up)
        scenery = open_tour(path, settings)
        shots = list(plan_tour(scenery, settings))[:cameras]
        poses = [shot.camera.pose for shot in shots]
        for pipe in pipes:
            try:
                speeds = _measure(path, up, scenery, shots[0].visit, poses, pipe, size, rounds)
            except OSError as error:
                print(f"| {scenery.name} | {pipe} | not here: {error} | | |")
                continue
            for way, (rates, costs) in speeds.items():
                ratio = ""
                if way in _COMPARED_WITH:
                    bare = speeds[_COMPARED_WITH[way]]
                    ratio = f"{statistics.median(map(operator.truediv, bare[1], costs)):.2f}"
                print(
                    f"| {scenery.name} | {pipe} | {way} | {statistics.median(rates):.0f} "
                    f"({min(rates):.0f} to {max(rates):.0f}) | {ratio} |",
                    flush=True,
                )


def _measure(
    path: Path,
    up: str,
    scenery: ModelScenery,
    visit: object,
    poses: list[Pose],
    pipe: str,
    size: tuple[int, int],
    rounds: int,
) -> dict[str, tuple[list[float], list[float]]]:
    """Returns photos per second and processor seconds per photo of each way, round by round."""
    scene = scenery.scene("", visit)
    renderers = {
        oversize: Renderer(size, oversize=max(oversize, 1), pipe=pipe) for oversize in (0, 1, 2)
    }
    for oversize, renderer in renderers.items():
        renderer.open()
        renderer.show(scene if oversize else replace(scene, sky=None, haze=0.0))
    bare = {
        oversize: _BareLoop(path, up, pipe, tuple(oversize * side for side in size))
        for oversize in (1, 2)
    }
    unlit = _BareLoop(path, up, pipe, size, is_lit=False)
    at_once = _BareLoop(path, up, pipe, size, at_once=_AT_ONCE)
    ways: dict[str, Callable[[list[Pose]], None]] = {
        "bare, unlit": unlit.draw,
        "bare": bare[1].draw,
        f"bare, {_AT_ONCE} cameras a frame": at_once.draw,
        "ours": lambda poses: _each(renderers[1].photo, poses),
        "ours, no sky or haze": lambda poses: _each(renderers[0].photo, poses),
        "bare, 2 x 2 pixels each": bare[2].draw,
        "ours, 2 x 2 pixels each": lambda poses: _each(renderers[2].photo, poses),
        "ours, depth of a quarter the size": (
            lambda poses: _each(lambda pose: renderers[1].depth(pose, 4), poses)
        ),
    }

    def measure(way: str) -> tuple[float, float]:
        start, start_cpu = time.perf_counter(), time.process_time()
        ways[way](poses)
        cost = (time.process_time() - start_cpu) / len(poses)
        return len(poses) / (time.perf_counter() - start), cost

    measure_in_turns(list(ways), 1, measure)  # uploads textures
    found = measure_in_turns(list(ways), rounds, measure)
    for opened in (*renderers.values(), *bare.values(), unlit, at_once):
        opened.close()
    return {way: tuple(zip(*each, strict=True)) for way, each in found.items()}


def _each(draw: Callable, poses: list[Pose]) -> None:
    for pose in poses:
        draw(pose)


class _BareLoop:
    """Panda3D's loader and one buffer of `at_once` pictures, and nothing else."""

    def __init__(
        self,
        path: Path,
        up: str,
        pipe: str,
        size: tuple[int, int],
        is_lit: bool = True,
        at_once: int = 1,
    ) -> None:
        self._canvas = Canvas(pipe, (at_once * size[0], size[1]))
        self._root = core.NodePath("bare")
        for file in find_models(path)[1]:
            loaded = core.Loader.get_global_ptr().load_sync(
                core.Filename.from_os_specific(str(file))
            )
            node = self._root.attach_new_node(loaded)
            node.set_hpr(0, 90 if up == "y" else 0, 0)
        self._root.set_two_sided(True)
        if is_lit:
            sun = self._root.attach_new_node(core.DirectionalLight("sun"))
            sun.set_hpr(30, -50, 0)
            self._root.set_light(sun)
            around = core.AmbientLight("around")
            around.set_color((0.5, 0.5, 0.5, 1))
            self._root.set_light(self._root.attach_new_node(around))
        lens = core.PerspectiveLens()
        lens.set_film_size(4, 3)
        lens.set_fov(75.0)
        lens.set_near_far(0.4, 420.0)
        self._cameras = [
            self._root.attach_new_node(core.Camera("camera", lens)) for _ in range(at_once)
        ]
        if at_once > 1:
            self._canvas._region.set_active(False)
            for number, camera in enumerate(self._cameras):
                share = (number / at_once, (number + 1) / at_once)
                self._canvas._buffer.make_display_region(0, 1, *share).set_camera(camera)

    def draw(self, poses: list[Pose]) -> None:
        """Draws all poses, and copies each picture."""
        for start in range(0, len(poses), len(self._cameras)):
            for camera, pose in zip(self._cameras, poses[start:], strict=False):
                camera.set_pos(*pose.position_m)
                camera.set_hpr(-pose.heading_deg, pose.pitch_deg, pose.roll_deg)
            np.array(self._canvas.draw(self._cameras[0], (0.5, 0.6, 0.7)))

    def close(self) -> None:
        """Frees the buffer."""
        self._canvas.close()


if __name__ == "__main__":
    tyro.cli(main)
