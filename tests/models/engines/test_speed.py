import threading
import time
from types import SimpleNamespace

import numpy as np

from placevec.models.engines.speed import measure_speeds


class FakeEngine(SimpleNamespace):
    def __call__(self, photos):
        with self.lock:
            self.shapes.append(photos.shape)
        time.sleep(self.seconds)


def fake(seconds, batch_size, parallel_calls):
    return FakeEngine(
        seconds=seconds, batch_size=batch_size, parallel_calls=parallel_calls, shapes=[],
        lock=threading.Lock(),
    )  # fmt: skip


def test_the_one_that_waits_less_is_the_faster():
    engines = {"slow": fake(0.2, 3, 2), "fast": fake(0.01, 10, 1)}
    speeds = measure_speeds(engines, np.zeros((8, 4, 6, 3), np.uint8))
    assert speeds["fast"] > speeds["slow"] > 0
    # A first round to warm up, then three; each calls as it would be called.
    assert engines["slow"].shapes == [(3, 4, 6, 3)] * 8
    assert engines["fast"].shapes == [(10, 4, 6, 3)] * 4
