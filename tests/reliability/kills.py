"""Kills commands while they write, goes on with them, and compares what they leave.

    python -m tests.reliability.kills --kills 200 [--seed 0] [--verb train --verb split ...]

Each trial runs a verb in a copy of the same folder and ends its process with SIGKILL at a random
moment: at a change of a file, or between two of them. Then every file must be whole, every earlier
result what it was, and no worker alive. The command that goes on may be killed again. When it has
ended, the folder must hold what an undisturbed run leaves: the same files, byte for byte, or array
for array in files that hold the time. A trial that fails is printed with its number, which makes
it again: `--verb VERB --first NUMBER --kills 1`.
"""

import argparse
import contextlib
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.reliability.forked import Ended, Moment, run
from tests.reliability.outcomes import damaged, differences, leftovers, outcome
from tests.reliability.verbs import Verb, fake_street_view, verbs, write_inputs

# What verbs import when they run; here it is imported once, before the forks.
_IMPORTED_ONCE = (
    "placevec", "keras", "tensorflow", "faiss", "pandas", "scipy.spatial", "matplotlib.figure",
    "placevec.evaluation.evaluate", "placevec.models.engines.open_engine",
    "placevec.training.train",
)  # fmt: skip
_MOST_KILLS = 4  # in a row
_SHARE_KILLED_AGAIN = 0.4
_SLOW = ("train", "train-mining")
_SHARE_OF_SLOW = 0.3  # as many trials as others


class Undisturbed(NamedTuple):
    """What a verb leaves, and when it changed files, in seconds from its start, then its end."""

    result: dict[str, object]
    times_s: list[float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs trials of the chosen verbs, and returns the number of findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="over all chosen verbs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--verb", action="append", help="one of the verbs; may be repeated")
    options = parser.parse_args(arguments)
    with workplace() as (root, pristine, all_verbs):
        chosen = options.verb or list(all_verbs)
        if unknown := set(chosen) - set(all_verbs):
            parser.error(f"--verb must be of {', '.join(all_verbs)}. Received: {unknown}")
        shares = np.array([_SHARE_OF_SLOW if name in _SLOW else 1.0 for name in chosen])
        wanted = np.maximum(1, np.round(shares / shares.sum() * options.kills)).astype(int)
        kills = findings = 0
        for name, count in zip(chosen, wanted, strict=True):
            killed, found = _try_verb(name, all_verbs[name], root, pristine, int(count), options)
            kills, findings = kills + killed, findings + found
            print(f"{name}: {killed} kills, {found} findings", flush=True)
    print(f"{len(chosen)} verbs, {kills} kills, {findings} findings")
    return findings


@contextlib.contextmanager
def workplace(parent: Path | None = None) -> Iterator[tuple[Path, Path, dict[str, Verb]]]:
    """Yields a folder to run in, a folder of the inputs, and the verbs."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    for name in _IMPORTED_ONCE:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(dir=parent) as folder, fake_street_view() as url:
        root, pristine = Path(folder) / "work", Path(folder) / "pristine"
        os.environ["PLACEVEC_CACHE"] = str(root / "cache")
        root.mkdir()
        write_inputs(root, lambda arguments: _need_success(run(arguments, root), arguments))
        shutil.move(root, pristine)
        yield root, pristine, verbs(url)


def undisturbed(verb: Verb, root: Path, pristine: Path) -> Undisturbed:
    """Runs a verb to its end, twice, which must leave the same."""
    results = []
    for _ in range(2):
        renew(root, pristine)
        ended = _need_success(run(verb.arguments, root), verb.arguments)
        results.append(outcome(root))
    if different := differences(*results):
        raise RuntimeError(f"two undisturbed runs differ in {different}")
    return Undisturbed(results[0], ended.times_s)


def renew(root: Path, pristine: Path) -> None:
    """Makes the folder to run in what it was."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(pristine, root)


def _need_success(ended: Ended, arguments: list[str]) -> Ended:
    if ended.code not in (0, 1):
        raise RuntimeError(f"{arguments} ended with {ended.code}: {ended.output[-2000:]}")
    return ended


def _try_verb(
    name: str, verb: Verb, root: Path, pristine: Path, count: int, options: argparse.Namespace
) -> tuple[int, int]:
    """Kills a verb so often, and returns the numbers of kills and of findings."""
    try:
        expected = undisturbed(verb, root, pristine)
    except RuntimeError as error:
        print(f"FOUND {name}: {error}", flush=True)
        return 0, 1
    before = outcome(pristine)
    kills = findings = 0
    number = options.first
    while kills < count:
        rng = np.random.default_rng([options.seed, number, *name.encode()])
        renew(root, pristine)
        moments, problems = [], []
        arguments = verb.arguments
        while not problems:
            is_last = len(moments) == _MOST_KILLS or (
                moments and rng.random() >= _SHARE_KILLED_AGAIN
            )
            moment = None if is_last else draw_moment(expected.times_s, rng)
            ended = run(arguments, root, moment)
            problems += [f"outlived by {each}" for each in ended.workers_left]
            if ended.code != -9:
                break
            moments.append(moment)
            problems += problems_after_kill(root, verb, before, expected.result)
            arguments = verb.goes_on(root, verb.arguments)
        problems = problems or problems_at_the_end(ended, root, expected.result)
        kills += len(moments)
        findings += bool(problems)
        for problem in problems:
            print(f"FOUND {name} {number} after {moments}: {problem}", flush=True)
        number += 1
    return kills, findings


def draw_moment(times_s: list[float], rng: np.random.Generator) -> Moment:
    """Draws a change of files; and, for half of the kills, a delay up to the next change."""
    change = int(rng.integers(-1, len(times_s) - 1))
    if rng.random() < 0.5:
        return Moment(change, 0.0)
    gap_s = times_s[change + 1] - (times_s[change] if change >= 0 else 0.0)
    return Moment(change, float(rng.uniform(0, max(gap_s, 1e-4))))


def problems_after_kill(
    root: Path, verb: Verb, before: dict[str, object], at_the_end: dict[str, object]
) -> list[str]:
    """Returns what is lost or damaged in the folder of a process that did not end well.

    Args:
        root: Path. The folder.
        verb: Verb. What ran there.
        before: dict. The outcome from which it began.
        at_the_end: dict. The outcome of an undisturbed run.
    """
    problems = [f"damaged: {each}" for each in damaged(root)]
    if problems:
        return problems
    now = outcome(root)
    for path, content in before.items():
        if any(Path(path).is_relative_to(each) for each in verb.grows):
            continue
        if path not in now and path in at_the_end:
            problems.append(f"lost: {path}")
        elif now.get(path) not in (content, at_the_end.get(path)):
            problems.append(f"changed: {path}")
    return problems


def problems_at_the_end(ended: Ended, root: Path, expected: dict[str, object]) -> list[str]:
    """Returns how a folder in which a verb went on differs from that of an undisturbed run."""
    if ended.code not in (0, 1):
        return [f"going on ended with {ended.code}: {ended.output[-1500:]}"]
    problems = [f"damaged: {each}" for each in damaged(root)]
    if not problems:
        problems += [f"differs: {each}" for each in differences(expected, outcome(root))]
    return problems + [f"left: {each}" for each in leftovers(root)]


if __name__ == "__main__":
    sys.exit(min(main(), 1))
