"""Describes this machine, and measures how fast it can compute and copy at best.

    python benchmarks/machine.py

The other benchmarks print these lines with their own, because a figure without its machine says
little. Peaks are measured, not taken from a data sheet, and in the same run, because other work on
the machine slows them, too. They are the fastest of several matrix products in float32 (NumPy's
BLAS) and, if PyTorch is installed, in bfloat16, and the fastest copy of an array too large for the
caches, with as many threads as cores. For the copy, bytes read and written both count.

A roofline says what a machine allows: at most the peak of operations per second, and at most the
operations per byte times the bytes per second of the memory.
"""

import contextlib
import importlib.metadata
import multiprocessing
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from placevec.process.workers import num_cores

_PACKAGES = ("numpy", "keras", "tensorflow", "jax", "torch", "onnxruntime", "openvino", "faiss-cpu")
_SIDE = 2048
_COPY_BYTES = 2**28
_REPEATS = 6
_BF16_LIMIT_S = 60
# Doubles the side while that is quick: without bfloat16 hardware a large product takes minutes.
_BF16 = f"""
import time, torch
def seconds(a):
    start = time.perf_counter(); a @ a; return time.perf_counter() - start
side, best = 128, 0.0
while side <= {_SIDE}:
    a = torch.ones(side, side, dtype=torch.bfloat16)
    taken = min(seconds(a) for _ in range(4))
    best = max(best, 2 * side**3 / taken / 1e9)
    side *= 2 if taken < 0.05 else {_SIDE}
print(best)
"""


class LeftOut(SystemExit):
    """Something that a benchmark needs is missing. It ends with one line and exit code 2.

    Args:
        why: str. What is missing.
    """

    def __init__(self, why: str) -> None:
        print(why, file=sys.stderr)
        super().__init__(2)


def describe_machine() -> str:
    """Returns one line: processor, cores, memory, system and versions of installed packages."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"{name} {version}" for name in _PACKAGES if (version := _version(name))]
    return (
        f"{_processor()}, {num_cores()} cores, {memory_gib:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def status_mb(name: str) -> float:
    """Returns a figure that Linux keeps of this process, in MB: `VmRSS`, or its peak `VmHWM`.

    `getrusage` is not used, because it would give a child process the peak of its parent.
    """
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def measure_in_turns(
    rows: Sequence[Hashable], rounds: int, measure: Callable[[Any], Any]
) -> dict[Hashable, list]:
    """Measures every row once per round, in reverse order in every other round.

    If something slows the machine for a while, it slows all rows alike, and ratios can be computed
    within a round.

    Args:
        rows: sequence of hashable. Identify the rows.
        rounds: int. Number of times that each is measured.
        measure: callable. Takes a row.

    Returns:
        dict of row -> list of what `measure` returned, round by round.
    """
    found = {row: [] for row in rows}
    for turn in range(rounds):
        for row in reversed(rows) if turn % 2 else rows:
            found[row].append(measure(row))
    return found


def call_in_a_process(function: Callable, *arguments: Any, environment: dict[str, str]) -> Any:
    """Returns what a function returns in a new process with these environment variables set."""
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(function, arguments)
    finally:
        os.environ.clear()
        os.environ.update(before)


def peaks() -> dict[str, float]:
    """Measures the best speed of the machine, which takes some seconds.

    Returns:
        dict. `float32_gflops`, `copy_gb_s`, and `bfloat16_gflops` if PyTorch is installed. In 10^9
        operations (a multiplication and an addition count as two) and 10^9 bytes per second.
    """
    operations = 2 * _SIDE**3 / 1e9
    matrix = np.ones((_SIDE, _SIDE), np.float32)
    measured = {
        "float32_gflops": operations / _fastest(lambda: matrix @ matrix),
        "copy_gb_s": 2 * _COPY_BYTES / 1e9 / _fastest_copy(),
    }
    if _version("torch"):
        # In a separate process: two libraries with a thread pool each would slow each other.
        command = [sys.executable, "-c", _BF16]
        with contextlib.suppress(subprocess.SubprocessError):
            run = subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=_BF16_LIMIT_S
            )
            measured["bfloat16_gflops"] = float(run.stdout)
    return measured


def describe_peaks(measured: dict[str, float]) -> str:
    """Returns the result of `peaks` as one line."""
    bfloat16 = measured.get("bfloat16_gflops")
    return (
        f"peaks: float32 {measured['float32_gflops']:.0f} GFLOP/s, "
        + (f"bfloat16 {bfloat16:.0f} GFLOP/s, " if bfloat16 else "")
        + f"copy {measured['copy_gb_s']:.1f} GB/s"
    )


def roofline(
    flops: float, num_bytes: float, seconds: float, measured: dict[str, float],
    precision: str = "float32",
) -> str:  # fmt: skip
    """Returns one line: how close some work comes to what the machine allows.

    Args:
        flops: float. Floating point operations of the work.
        num_bytes: float. Bytes that it must at least read from and write to memory.
        seconds: float. Duration of the work.
        measured: dict. The result of `peaks`.
        precision: str. `"float32"` or `"bfloat16"`.
    """
    peak, copy = measured[f"{precision}_gflops"], measured["copy_gb_s"]
    roof = min(peak, flops / num_bytes * copy)
    bound = "arithmetic" if roof == peak else "memory"
    done = flops / seconds / 1e9
    return (
        f"{flops / 1e9:.3g} GFLOP, {num_bytes / 1e6:.3g} MB, {flops / num_bytes:.3g} FLOP/byte: "
        f"{done:.3g} GFLOP/s, {100 * done / roof:.0f} % of the {roof:.3g} that {bound} allows"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fastest_copy() -> float:
    parts = num_cores()
    pairs = [(np.ones(_COPY_BYTES // parts, np.uint8), np.ones(_COPY_BYTES // parts, np.uint8))
             for _ in range(parts)]  # fmt: skip
    with ThreadPoolExecutor(parts) as pool:
        return _fastest(lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs)))


def _fastest(work: Callable) -> float:
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    print(describe_machine())
    print(describe_peaks(peaks()))
