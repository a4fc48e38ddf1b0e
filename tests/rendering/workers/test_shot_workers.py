"""Rendering by several processes: what one process writes, whatever happens to them."""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from placevec.config import ModelRenderConfig, TownRenderConfig
from placevec.progress import no_progress
from placevec.rendering import render
from placevec.rendering.tour import open_tour, plan_tour
from placevec.rendering.workers import render_process as process_room
from placevec.rendering.workers.shot_workers import ShotWorkers, cut_into_pieces

ROOM = importlib.import_module("placevec.rendering.render")  # not the function
TOWN = {"num_streets": 1, "num_validation_streets": 1, "places_per_street": 5, "points": False}
YARD = {"num_photos": 40, "visits": ("day", "fog"), "spacing_m": 6.0, "depth": True}
SMALL = {"image_size": (32, 48), "seed": 3, "pipe": "software"}


@pytest.fixture
def pools(monkeypatch):
    """Lets few shots do for several processes; returns the pools that were opened."""
    opened = []

    def open_pool(*about, **settings):
        opened.append(ShotWorkers(*about, **settings))
        return opened[-1]

    monkeypatch.setattr(ROOM, "_SHOTS_OF_A_WORKER", 4)
    monkeypatch.setattr(ROOM, "ShotWorkers", open_pool)
    monkeypatch.setattr("placevec.rendering.workers.shot_workers._MOST_AT_ONCE", 3)
    monkeypatch.setattr("placevec.rendering.workers.shot_workers._PIECES_OF_A_WORKER", 1)
    return opened


@pytest.fixture
def yard(tmp_path):
    """A floor of 80 m by 80 m and a wall."""
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)
    (tmp_path / "yard.mtl").write_text("newmtl noise\nmap_Kd noise.png\n")
    corners = [(-40, -40, 0), (40, -40, 0), (40, 40, 0), (-40, 40, 0), (40, 40, 12), (-40, 40, 12)]
    lines = ["mtllib yard.mtl", *(f"v {x} {y} {z}" for x, y, z in corners)]
    lines += ["vt 0 0", "vt 4 0", "vt 4 4", "vt 0 4", "usemtl noise"]
    lines += ["f 1/1 2/2 3/3 4/4", "f 4/1 3/2 5/3 6/4"]
    (tmp_path / "yard.obj").write_text("\n".join(lines))
    return tmp_path / "yard.obj"


def draw(world, out_dir, progress=no_progress, **settings):
    kind = TownRenderConfig if world == "town" else ModelRenderConfig
    return render(world, kind(out=out_dir, **SMALL, **settings), progress=progress)


@pytest.fixture(scope="module")
def town_of_one(tmp_path_factory):
    """The town as one process draws it."""
    return draw("town", tmp_path_factory.mktemp("one") / "out", num_workers=1, **TOWN)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_several_processes_write_what_one_writes(pools, yard, tmp_path):
    one = draw(yard, tmp_path / "one", num_workers=1, **YARD)
    assert not pools
    shown = []
    more = draw(
        yard, tmp_path / "more", num_workers=3, **YARD,
        progress=lambda shots, **_: (shown.append(shot) or shot for shot in shots),
    )  # fmt: skip
    assert [pool.num_workers for pool in pools] == [3]
    assert len(shown) == more.num_drawn == one.num_drawn == one.num_photos
    assert content(more.out_dir) == content(one.out_dir)


@pytest.mark.parametrize(
    ("num_workers", "cores", "expected"),
    [(None, 3, [3]), (None, 16, [8]), (None, 1, []), (1, 16, []), (2, 1, [2]), (9, 1, [9])],
)
def test_there_is_a_process_for_each_core_but_not_too_many(
    pools, tmp_path, monkeypatch, num_workers, cores, expected
):
    monkeypatch.setattr(ROOM, "num_cores", lambda: cores)
    monkeypatch.setattr(ShotWorkers, "open", lambda pool: None)
    with contextlib.suppress(KeyboardInterrupt):
        draw("town", tmp_path / "out", interrupted_after(0), num_workers=num_workers, **TOWN)
    assert [pool.num_workers for pool in pools] == expected


def test_a_few_photos_are_drawn_here(pools, tmp_path, monkeypatch):
    monkeypatch.setattr(ROOM, "_SHOTS_OF_A_WORKER", 5)
    monkeypatch.setattr(ROOM, "num_cores", lambda: 4)
    assert draw("town", tmp_path / "out", **TOWN | {"places_per_street": 1}).num_drawn == 9
    assert not pools


@pytest.mark.parametrize(
    ("counts", "num_workers", "expected"),
    [
        ((30, 40), 2, [16, 14, 16, 16, 8]),
        ((200, 100, 10), 1, [77, 77, 46, 77, 23, 10]),
        ((200, 100, 10), 2, [38, 38, 38, 38, 38, 10, 38, 38, 24, 10]),
        ((), 3, []),
    ],
)
def test_pieces_hold_every_shot_once_and_one_part_each(counts, num_workers, expected):
    shots = [SimpleNamespace(part=part) for part, count in enumerate(counts) for _ in range(count)]
    pieces = cut_into_pieces(shots, num_workers)
    assert [len(piece) for piece in pieces] == expected
    assert all(len({shot.part for shot in piece}) == 1 for piece in pieces)
    assert [id(shot) for piece in pieces for shot in piece] == list(map(id, shots))


def test_killed_processes_are_replaced_and_nothing_is_lost(pools, tmp_path, town_of_one):
    killed = []

    def killing(shots, **_):
        for number, shot in enumerate(shots):
            if number in (4, 28):
                killed.append(pools[0].process_ids[0])
                os.kill(killed[-1], signal.SIGKILL)
            yield shot

    drawn = draw("town", tmp_path / "out", killing, num_workers=2, **TOWN)
    assert len(set(killed)) >= 2
    assert drawn.num_drawn == drawn.num_photos == town_of_one.num_drawn
    assert content(drawn.out_dir) == content(town_of_one.out_dir)


DIES_AFTER_TWO = """
import base64, json, os, pickle, sys
sys.stdin.readline()
for _ in range(2):
    shots = pickle.loads(base64.b64decode(json.loads(sys.stdin.readline())["shots"]))
    print(json.dumps({"arrays": [["<i8", [0]]] * len(shots)}), flush=True)
sys.stdin.readline()
os._exit(9)
"""


def test_processes_may_crash_as_often_as_they_come_forward(pools, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(process_room, "_COMMAND", [sys.executable, "-c", DIES_AFTER_TWO])
    config = TownRenderConfig(**SMALL, **TOWN, spacing_m=10.0)
    shots = list(plan_tour(open_tour("town", config), config))[:25]
    with ShotWorkers("town", config, "software", tmp_path, num_workers=1) as workers:
        drawn = list(workers.draw(shots))
    assert [id(shot) for shot, _ in drawn] == list(map(id, shots))
    assert caplog.text.count("ended with code 9 and was replaced") == 4


def test_processes_that_crash_again_and_again_are_one_error(pools, tmp_path, monkeypatch):
    command = [sys.executable, "-S", "-c", "import os; os._exit(7)"]
    monkeypatch.setattr(process_room, "_COMMAND", command)
    with pytest.raises(
        ChildProcessError, match="crashed 3 times in a row on .* smaller `--num-workers`"
    ):
        draw("town", tmp_path / "out", num_workers=2, **TOWN)
    assert not pools[0]._workers


def interrupted_after(count):
    def progress(shots, **_):
        for number, shot in enumerate(shots):
            if number == count:
                raise KeyboardInterrupt
            yield shot

    return progress


def test_an_interrupted_rendering_by_several_goes_on(pools, tmp_path, town_of_one):
    with pytest.raises(KeyboardInterrupt):
        draw("town", tmp_path / "out", interrupted_after(20), num_workers=2, **TOWN)
    assert not pools[0]._workers
    rest = draw("town", tmp_path / "out", num_workers=2, **TOWN)
    assert 0 < rest.num_drawn <= rest.num_photos - 20
    assert content(rest.out_dir) == content(town_of_one.out_dir)


WAITS = """
import sys
from pathlib import Path
from placevec.config import TownRenderConfig
from placevec.rendering import render
from placevec.rendering.workers import render_process
from placevec.rendering.workers.shot_workers import ShotWorkers

class Told(ShotWorkers):
    def draw(self, shots):
        print(*self.process_ids, flush=True)
        yield from super().draw(shots)

sys.modules["placevec.rendering.render"].ShotWorkers = Told
render_process._COMMAND = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
settings = {"num_streets": 1, "num_validation_streets": 1, "places_per_street": 5}
render("town", TownRenderConfig(out=Path(sys.argv[1]), num_workers=2, points=False, **settings))
"""


def test_ctrl_c_does_not_wait_for_what_processes_are_at(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", WAITS, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    process_ids = [int(word) for word in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGINT)
    said = parent.communicate(timeout=120)[1]
    assert said.rstrip().endswith("KeyboardInterrupt") and len(process_ids) == 2
    for process_id in process_ids:
        with pytest.raises(ProcessLookupError):
            os.kill(process_id, 0)


def test_what_a_process_cannot_write_is_the_same_error_here(pools, tmp_path):
    def blocking(shots, **_):
        folder = (tmp_path / "out.partial" / shots[-1].path).parent
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        folder.write_text("no folder any more")
        yield from shots

    with pytest.raises(OSError, match="queries"):
        draw("town", tmp_path / "out", blocking, num_workers=2, **TOWN)
