import os
import subprocess
import sys
import threading

import pytest

from placevec.process.workers import WorkerPool, WorkerProcess, python_path

# Answers each number by its sum with that of the settings; 13 is too much for it.
ADDS = """
import json, sys
settings = json.loads(sys.stdin.readline())
for line in sys.stdin:
    number = json.loads(line)["number"]
    if number == 13:
        sys.exit(7)
    print(json.dumps({"sum": number + settings["add"]}), flush=True)
"""
COMMAND = [sys.executable, "-S", "-c", ADDS]


def adder(command=COMMAND):
    return WorkerProcess(command, {"add": 100})


def add(pool, number):
    return pool.ask_one(lambda worker: worker.ask({"number": number}), f"number {number}")["sum"]


def test_each_request_gets_its_answer_whatever_thread_asks():
    sums = {}
    with WorkerPool(adder, 2) as pool:
        threads = [
            threading.Thread(target=lambda number=number: sums.update({number: add(pool, number)}))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sums == {number: number + 100 for number in range(8)}


def test_a_killed_process_is_replaced_and_asked_again():
    with WorkerPool(adder, 1) as pool:
        (before,) = pool.process_ids
        os.kill(before, 9)
        assert add(pool, 1) == 101 and pool.process_ids != [before]


def test_what_crashes_each_process_is_one_error_and_the_next_request_is_answered():
    with WorkerPool(adder, 1) as pool:
        with pytest.raises(
            ChildProcessError, match="crashed 3 times in a row on number 13; its output"
        ):
            add(pool, 13)
        assert add(pool, 1) == 101


def test_processes_end_with_the_block_and_a_second_close_does_nothing():
    with WorkerPool(adder, 2) as pool:
        processes = [worker.process for worker in pool._workers]
    pool.close()
    assert [process.poll() for process in processes] == [0, 0] and pool.process_ids == []
    with pytest.raises(RuntimeError, match=r"must be open. Use them by `with WorkerPool\(...\)`"):
        add(pool, 1)


def test_where_one_process_cannot_start_those_before_it_are_ended():
    made = []

    def make():
        made.append(adder(COMMAND if len(made) < 2 else ["/no/such/program"]))
        return made[-1]

    with pytest.raises(FileNotFoundError, match="no/such/program"), WorkerPool(make, 3):
        pytest.fail("opened without its third process")
    assert [worker.process and worker.process.poll() for worker in made] == [0, 0, None]


def test_another_process_imports_what_this_one_does_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "only_here.py").write_text("found = 1")
    monkeypatch.chdir(tmp_path / "here")
    for path in ("", "."):
        monkeypatch.setattr(sys, "path", [path, *sys.path[:1]])
        environment = os.environ | {"PYTHONPATH": python_path()}
        command = [sys.executable, "-c", "import only_here"]
        subprocess.run(command, cwd="/", env=environment, check=True)


def test_refuses_no_processes():
    with pytest.raises(ValueError, match="must be a positive integer. Received: num_workers=0"):
        WorkerPool(adder, 0)
