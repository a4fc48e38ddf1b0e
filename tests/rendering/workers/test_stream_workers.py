import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from placevec.rendering import PhotoStream, StreamWorkers, open_scenery
from placevec.rendering.workers import render_process

SIZE = (24, 32)
TOWN = {"seed": 1, "num_streets": 1, "street_length_m": 120.0}
COUNTS = {"num_tuples": 2, "num_positives": 1, "num_negatives": 2}


@pytest.fixture(scope="module")
def expected():
    with PhotoStream(open_scenery("town", **TOWN), SIZE) as stream:
        return [stream.draw_tuples(number, **COUNTS) for number in range(6)]


def _open(num_workers=1):
    return StreamWorkers("town", num_workers=num_workers, image_size=SIZE, **TOWN)


def _assert_equal(drawn, expected):
    for one, other in zip(drawn, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def _has_ended(process_id):
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _wait_until(is_so, seconds=60.0):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            pytest.fail(f"not so after {seconds} s")
        time.sleep(0.05)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_draw_what_one_process_draws(expected, num_workers):
    with _open(num_workers) as workers:
        for number in (1, 0, 5):
            _assert_equal(workers.draw_tuples(number, **COUNTS), expected[number])


def test_photos_come_in_order():
    with PhotoStream(open_scenery("town", **TOWN), SIZE) as stream:
        expected = [stream.draw_photos(number) for number in range(5)]
    with _open(2) as workers:
        for drawn, each in zip(workers.photos(range(5)), expected, strict=True):
            _assert_equal(drawn, each)


def test_a_killed_worker_is_replaced_and_its_photos_are_drawn_again(expected):
    with _open(2) as workers:
        before = workers.process_ids
        _assert_equal(workers.draw_tuples(0, **COUNTS), expected[0])
        for process_id in before:
            os.kill(process_id, signal.SIGKILL)
        for number in range(1, 4):
            _assert_equal(workers.draw_tuples(number, **COUNTS), expected[number])
        assert not set(before) & set(workers.process_ids)


def test_a_worker_killed_while_it_draws_loses_nothing(expected):
    with _open() as workers:
        drawn = []
        thread = threading.Thread(
            target=lambda: drawn.extend(workers.draw_tuples(n, **COUNTS) for n in range(6))
        )
        thread.start()
        for count in (1, 3):
            _wait_until(lambda count=count: len(drawn) >= count)
            os.kill(workers.process_ids[0], signal.SIGKILL)
        thread.join()
    for one, each in zip(drawn, expected, strict=True):
        _assert_equal(one, each)


def test_a_worker_that_crashes_again_and_again_is_one_error(monkeypatch):
    command = [sys.executable, "-c", "import os; os._exit(7)"]
    monkeypatch.setattr(render_process, "_COMMAND", command)
    with (
        _open() as workers,
        pytest.raises(ChildProcessError, match="crashed 3 times in a row on"),
    ):
        workers.draw_photos(8)


def test_what_a_worker_refuses_is_raised_here_each_time():
    with StreamWorkers("town", num_streets=0) as workers:
        for number in range(2):
            with pytest.raises(ValueError, match="num_streets=0"):
                workers.draw_photos(number)


def test_a_model_that_is_none_is_bad_input_here_too(tmp_path):
    (tmp_path / "a.egg").write_text("<no model")
    with StreamWorkers(tmp_path / "a.egg") as workers, pytest.raises(ValueError, match="a.egg"):
        workers.draw_photos(0)


def test_workers_end_with_the_block():
    with _open(2) as workers:
        process_ids = workers.process_ids
        workers.draw_photos(0)
    assert all(_has_ended(process_id) for process_id in process_ids)


_PARENT = """
import itertools, sys
from placevec.rendering import StreamWorkers
with StreamWorkers("town", num_workers=2, image_size=(24, 32), num_streets=1) as workers:
    workers.draw_photos(0)
    print(*workers.process_ids, flush=True)
    for _ in workers.photos(itertools.count()):
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_a_parent_that_is_killed(number):
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    process_ids = [int(word) for word in parent.stdout.readline().split()]
    assert len(process_ids) == 2 and not any(map(_has_ended, process_ids))
    parent.send_signal(number)
    said = parent.communicate()[1]
    _wait_until(lambda: all(map(_has_ended, process_ids)))
    if number == signal.SIGINT:
        assert said.count("Traceback") <= 1 and said.rstrip().endswith("KeyboardInterrupt")
    else:
        assert said == "" and parent.returncode == -number


def test_refuses_no_workers_and_drawing_while_closed():
    with pytest.raises(ValueError, match="num_workers=0"):
        StreamWorkers("town", num_workers=0)
    with pytest.raises(RuntimeError, match="must be open"):
        StreamWorkers("town").draw_photos(0)
