"""Which engine describes the most photos a second on this machine."""

import json
import logging
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from placevec.models.engines.cache import export_key, exports_dir
from placevec.models.engines.engine import Engine
from placevec.whole_file import whole_file

_SPEEDS_FILE = "speeds.json"
_ROUNDS = 3

_log = logging.getLogger(__name__)


def measure_speeds(engines: Mapping[str, Engine], photos: np.ndarray) -> dict[str, float]:
    """Describes photos by each engine as its caller would, in turns.

    Where one call runs at a time, it is of one photo; else as many calls as pay run side by side,
    each with a batch.

    Args:
        engines: dict of name -> Engine.
        photos: (N, H, W, C) uint8.

    Returns:
        dict of name -> photos a second, the median of three rounds, of the engines that work.
    """
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(1 + _ROUNDS):  # the first warms up
        for name in list(rates):
            try:
                rate = _photos_per_s(engines[name], photos)
            except Exception as error:  # whatever a library raises, another may work
                _log.warning("%s is passed over: %s", name, error)
                del rates[name]
                continue
            if number:
                rates[name].append(rate)
    return {name: statistics.median(each) for name, each in rates.items()}


def keep_speeds(model_path: Path, about: str, speeds: dict[str, float]) -> None:
    """Keeps what was measured of a model beside it.

    Args:
        model_path: Path. The model file.
        about: str. All that the speeds depend on besides.
        speeds: dict of name -> photos a second.

    Raises:
        OSError: If the file cannot be written.
    """
    path = exports_dir(model_path) / _SPEEDS_FILE
    kept = _read(path) | {_name(model_path, about): speeds}
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def find_speeds(model_path: Path, about: str) -> dict[str, float]:
    """Returns what `keep_speeds` kept; nothing where it kept nothing."""
    speeds = _read(exports_dir(model_path) / _SPEEDS_FILE).get(_name(model_path, about))
    is_whole = isinstance(speeds, dict) and all(isinstance(v, float) for v in speeds.values())
    return speeds if is_whole else {}


def _name(model_path: Path, about: str) -> str:
    return f"{export_key(model_path)}: {about}"


def _read(path: Path) -> dict:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _photos_per_s(engine: Engine, photos: np.ndarray) -> float:
    calls = engine.parallel_calls
    count = 1 if calls == 1 else engine.batch_size
    batch = photos[np.arange(count) % len(photos)]
    start = time.perf_counter()
    with ThreadPoolExecutor(calls) as pool:
        list(pool.map(engine, [batch] * calls))
    return calls * count / (time.perf_counter() - start)
