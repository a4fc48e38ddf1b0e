"""Measures which engine describes the most photos per second on this machine."""

import logging
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from placevec.models.engines.cache import find_values, keep_values
from placevec.models.engines.engine import Engine

_ROUNDS = 3
_KIND = "speeds"

_log = logging.getLogger(__name__)


def measure_speeds(engines: Mapping[str, Engine], photos: NDArray[np.uint8]) -> dict[str, float]:
    """Describes photos with each engine in turn, as its caller would.

    If the engine allows one call at a time, each call has one photo. Otherwise the engine's number
    of simultaneous calls run, each with a batch.

    Args:
        engines: dict of name -> Engine.
        photos: (N, H, W, C) uint8.

    Returns:
        dict of name -> photos per second, the median of three rounds, for the engines that work.
    """
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(1 + _ROUNDS):  # the first round only warms up
        for name in list(rates):
            try:
                rate = _photos_per_s(engines[name], photos)
            except Exception as error:  # a library may raise anything, and another one may work
                _log.warning("%s does not work and is skipped: %s", name, error)
                del rates[name]
                continue
            if number:
                rates[name].append(rate)
    return {name: statistics.median(each) for name, each in rates.items()}


def keep_speeds(model_path: Path, about: str, speeds: dict[str, float]) -> None:
    """Keeps measured speeds of a model in the user's cache.

    Args:
        model_path: Path. The model file.
        about: str. Everything else that the speeds depend on.
        speeds: dict of name -> photos per second.

    Raises:
        OSError: If the file cannot be written.
    """
    keep_values(model_path, _KIND, about, speeds)


def find_speeds(model_path: Path, about: str) -> dict[str, float]:
    """Returns the speeds that `keep_speeds` kept, which may be none."""
    speeds = find_values(model_path, _KIND, about)
    if not isinstance(speeds, dict):
        return {}
    return speeds if all(isinstance(v, float) for v in speeds.values()) else {}


def _photos_per_s(engine: Engine, photos: NDArray[np.uint8]) -> float:
    calls = engine.parallel_calls
    count = 1 if calls == 1 else engine.batch_size
    batch = photos[np.arange(count) % len(photos)]
    start = time.perf_counter()
    with ThreadPoolExecutor(calls) as pool:
        list(pool.map(engine, [batch] * calls))
    return calls * count / (time.perf_counter() - start)
