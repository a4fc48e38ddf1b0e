"""Which engine describes the most photos a second on this machine."""

import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from placevec.models.engines.engine import Engine

_ROUNDS = 3


def measure_speeds(engines: Mapping[str, Engine], photos: np.ndarray) -> dict[str, float]:
    """Describes photos by each engine as `describe` would, in turns.

    Args:
        engines: dict of name -> Engine.
        photos: (N, H, W, C) uint8.

    Returns:
        dict of name -> photos a second, the median of three rounds.
    """
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(1 + _ROUNDS):  # the first warms up
        for name, engine in engines.items():
            rate = _photos_per_s(engine, photos)
            if number:
                rates[name].append(rate)
    return {name: statistics.median(each) for name, each in rates.items()}


def _photos_per_s(engine: Engine, photos: np.ndarray) -> float:
    """Returns the rate at which as many calls as pay side by side describe a batch each."""
    batch = photos[np.arange(engine.batch_size) % len(photos)]
    start = time.perf_counter()
    with ThreadPoolExecutor(engine.parallel_calls) as pool:
        list(pool.map(engine, [batch] * engine.parallel_calls))
    return engine.parallel_calls * engine.batch_size / (time.perf_counter() - start)
