"""Measures how much faster several processes render than one.

    python benchmarks/render_processes.py
    python benchmarks/render_processes.py models/street.obj --num-photos 600 --num-workers 1 2 4
    python benchmarks/render_processes.py --short

docs/lab/performance.md has what it printed.

It runs `placevec render` for the synthetic town or for a 3-D model, with photos and points. The
numbers of processes take turns. The time is that of the whole call, including what happens before
the first photo. All must write the same files; otherwise it ends with an error.
"""

import hashlib
import logging
import operator
import statistics
import tempfile
import time
from pathlib import Path

import tyro
from machine import describe_machine, measure_in_turns

from placevec.config import ModelRenderConfig, TownRenderConfig
from placevec.rendering import render


def main(
    world: tyro.conf.Positional[str] = "town",
    *,
    num_workers: tuple[int, ...] = (1, 2),
    num_photos: int = 600,
    pipe: str = "software",
    rounds: int = 3,
    short: bool = False,
) -> None:
    """Prints the table.

    Args:
        world: A 3-D model, or `town`.
        num_workers: Numbers of processes.
        num_photos: Photos of a model. The town has a fixed number.
        pipe: Renderer to use, software or opengl.
        rounds: Number of times that each number of processes is timed.
        short: Few photos, once, to see whether it runs.
    """
    logging.disable(logging.WARNING)
    if short:
        num_photos, rounds = 64, 1
    kind = TownRenderConfig if world == "town" else ModelRenderConfig
    if world != "town":
        size = {"num_photos": num_photos, "val_share": 0.0}
    elif short:
        size = {"points": False, "num_streets": 2, "num_validation_streets": 1}
    else:
        size = {"points": False}
    print(describe_machine())
    digests = set()

    def measure(count: int) -> tuple[float, int]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "photos"
            start = time.perf_counter()
            drawn = render(world, kind(out=out, pipe=pipe, num_workers=count, **size))
            seconds = time.perf_counter() - start
            digests.add(_digest(out))
        return seconds, drawn.num_photos

    found = measure_in_turns(num_workers, rounds, measure)
    if len(digests) > 1:
        raise ValueError("Any number of processes must write the same files. Received: others")
    count = found[num_workers[0]][0][1]
    print(f"\n{count} photos of {world}, {pipe}\n| processes | photos/s | ratio |\n|---|---|---|")
    base = [seconds for seconds, _ in found[num_workers[0]]]
    for number, results in found.items():
        rates = [count / seconds for seconds, _ in results]
        gain = statistics.median(map(operator.truediv, base, (each for each, _ in results)))
        print(
            f"| {number} | {statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f}) "
            f"| {gain:.2f} |"
        )


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.*")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    tyro.cli(main)
