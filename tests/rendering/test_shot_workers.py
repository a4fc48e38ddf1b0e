"""Rendering by several processes: what one process writes, whatever happens to them."""

import importlib
import os
import signal

import cv2
import numpy as np
import pytest

from placevec.config import RenderConfig
from placevec.rendering import render
from placevec.rendering.shot_workers import ShotWorkers

TOWN = {"num_streets": 1, "num_validation_streets": 1, "places_per_street": 5, "points": False}
YARD = {"num_photos": 40, "visits": ("day", "fog"), "spacing_m": 6.0, "depth": True}
SMALL = {"image_size": (32, 48), "seed": 3, "pipe": "software"}


@pytest.fixture
def pools(monkeypatch):
    """Lets few shots do for several processes; returns the pools that were opened."""
    module = importlib.import_module("placevec.rendering.render")  # not the function
    opened = []

    def open_pool(*about, **settings):
        opened.append(ShotWorkers(*about, **settings))
        return opened[-1]

    monkeypatch.setattr(module, "_SHOTS_OF_A_WORKER", 4)
    monkeypatch.setattr(module, "ShotWorkers", open_pool)
    monkeypatch.setattr("placevec.rendering.shot_workers._MOST_AT_ONCE", 3)
    return opened


@pytest.fixture
def yard(tmp_path):
    """A floor of 80 m by 80 m and a wall, in two colours."""
    grey = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    (tmp_path / "yard.mtl").write_text("newmtl grey\nmap_Kd grey.png\n")
    corners = [(-40, -40, 0), (40, -40, 0), (40, 40, 0), (-40, 40, 0), (40, 40, 12), (-40, 40, 12)]
    lines = ["mtllib yard.mtl", *(f"v {x} {y} {z}" for x, y, z in corners)]
    lines += ["vt 0 0", "vt 4 0", "vt 4 4", "vt 0 4", "usemtl grey"]
    lines += ["f 1/1 2/2 3/3 4/4", "f 4/1 3/2 5/3 6/4"]
    (tmp_path / "yard.obj").write_text("\n".join(lines))
    return tmp_path / "yard.obj"


def draw(world, out_dir, progress=iter, **settings):
    return render(world, RenderConfig(out=out_dir, **SMALL, **settings), progress=progress)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("world", ["town", "yard"])
def test_several_processes_write_what_one_writes(pools, yard, tmp_path, world):
    world, settings = ("town", TOWN) if world == "town" else (yard, YARD)
    one = draw(world, tmp_path / "one", num_workers=1, **settings)
    assert not pools
    shown = []
    more = draw(
        world, tmp_path / "more", num_workers=3, **settings,
        progress=lambda shots: (shown.append(shot) or shot for shot in shots),
    )  # fmt: skip
    assert [pool.num_workers for pool in pools] == [3]
    assert len(shown) == more.num_drawn == one.num_drawn == one.num_photos
    assert content(more.out_dir) == content(one.out_dir)


def test_a_few_photos_are_drawn_here(pools, tmp_path):
    settings = TOWN | {"places_per_street": 1}
    assert draw("town", tmp_path / "out", num_workers=1, **settings).num_drawn == 9
    assert not pools


def test_a_killed_process_is_replaced_and_nothing_is_lost(pools, tmp_path):
    killed = []

    def killing(shots):
        for number, shot in enumerate(shots):
            if number in (4, 17):
                killed.append(pools[0].process_ids[0])
                os.kill(killed[-1], signal.SIGKILL)
            yield shot

    drawn = draw("town", tmp_path / "out", killing, num_workers=2, **TOWN)
    expected = draw("town", tmp_path / "one", num_workers=1, **TOWN)
    assert len(set(killed)) == 2
    assert content(drawn.out_dir) == content(expected.out_dir)


def test_an_interrupted_rendering_by_several_goes_on(pools, tmp_path):
    def interrupted(shots):
        for number, shot in enumerate(shots):
            if number == 20:
                raise KeyboardInterrupt
            yield shot

    with pytest.raises(KeyboardInterrupt):
        draw("town", tmp_path / "out", interrupted, num_workers=2, **TOWN)
    assert not pools[0]._workers
    rest = draw("town", tmp_path / "out", num_workers=2, **TOWN)
    assert 0 < rest.num_drawn <= rest.num_photos - 20
    expected = draw("town", tmp_path / "one", num_workers=1, **TOWN)
    assert content(rest.out_dir) == content(expected.out_dir)


def test_what_a_process_cannot_write_is_the_same_error_here(pools, tmp_path):
    def blocking(shots):
        folder = (tmp_path / "out.partial" / shots[-1].path).parent
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        folder.write_text("no folder any more")
        yield from shots

    with pytest.raises(OSError, match="queries"):
        draw("town", tmp_path / "out", blocking, num_workers=2, **TOWN)
