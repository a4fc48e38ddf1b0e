import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from placevec.models.engines.cache_folder import cache_folder
from placevec.models.engines.speed import find_speeds, keep_speeds, measure_speeds

pytestmark = pytest.mark.one_backend


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
    assert engines["fast"].shapes == [(1, 4, 6, 3)] * 4  # one call at a time is of one photo


def test_one_that_fails_is_left_out(caplog):
    class Broken(FakeEngine):
        def __call__(self, photos):
            raise MemoryError("no room")

    broken = Broken(batch_size=1, parallel_calls=2)
    speeds = measure_speeds({"b": broken, "a": fake(0.01, 3, 2)}, np.zeros((8, 4, 6, 3), np.uint8))
    assert (
        list(speeds) == ["a"] and caplog.text.count("b does not work and is skipped: no room") == 1
    )


@pytest.fixture
def model_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACEVEC_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "m.keras"
    path.write_bytes(b"a model")
    return path


def test_speeds_are_kept_for_what_they_were_measured_of(model_path):
    assert find_speeds(model_path, "small") == {}
    keep_speeds(model_path, "small", {"a": 1.5, "b": 2.0})
    keep_speeds(model_path, "large", {"a": 0.5})
    assert find_speeds(model_path, "small") == {"a": 1.5, "b": 2.0}
    assert find_speeds(model_path, "large") == {"a": 0.5}
    model_path.write_bytes(b"another model")
    assert find_speeds(model_path, "small") == {}


@pytest.mark.parametrize("content", ["", "[1]", "{}"])
def test_a_damaged_file_is_no_measurement(model_path, content):
    keep_speeds(model_path, "small", {"a": 1.5})
    (path,) = cache_folder().glob("speeds-*.json")
    path.write_text(content)
    assert find_speeds(model_path, "small") == {}


@pytest.mark.parametrize("speeds", [{"a": "fast"}, {"a": None}, [1.0], 3])
def test_another_record_is_no_measurement(model_path, speeds):
    keep_speeds(model_path, "small", speeds)
    assert find_speeds(model_path, "small") == {}
