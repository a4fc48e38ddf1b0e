"""Rows of `benchmarks/training_peer.py` that answer at once, in place of networks that train."""

import os
import time


def answer(pipe, row, *_):
    """Does what the name of the row says after its first word, as in "PyTorch slow to start"."""
    from training_peer import LeftOutError, Step  # found by the path that the tests set

    what = row.split(" ", 1)[1]
    if what == "missing":
        pipe.send(LeftOutError("No module named 'torch'"))
        return
    if what == "broken":
        pipe.send(RuntimeError("the step is broken"))
        return
    _fail_to(what, "start")
    pipe.send([0.5, 0.4, 0.33 if what == "unequal" else 0.3])
    _fail_to(what, "wait")
    while pipe.recv() == "step":
        _fail_to(what, "step")
        pipe.send(Step(2.0 if what == "usual" else 1.0, 3.0, 100.0))


def _fail_to(what, now):
    if what == f"slow to {now}":
        time.sleep(600)
    if what == f"killed at {now}":
        os.kill(os.getpid(), 9)
