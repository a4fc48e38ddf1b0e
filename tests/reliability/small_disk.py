"""Fills a small disk while each verb writes: it must end in one line, and earlier files stay.

    python -m tests.reliability.small_disk --fills 60 [--seed 0] [--verb split ...]

Mounts a small file system in memory, so it needs root, or
`unshare --user --map-root-user --mount` in front. Each trial leaves a random number of bytes free,
fewer than the verb needs. The verb then ends with exit code 2 and one line that names a file, or
does without what it could not write; every file is whole and every earlier result what it was.
With room again, the same command leaves what an undisturbed run leaves.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.reliability.forked import Ended, run
from tests.reliability.kills import (
    problems_after_kill,
    problems_at_the_end,
    renew,
    undisturbed,
    workplace,
)
from tests.reliability.outcomes import outcome
from tests.reliability.verbs import Verb

_DISK = "96m"
_PAGE = 4096  # bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs trials of the chosen verbs, and returns the number of findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fills", type=int, default=60, help="over all chosen verbs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--verb", action="append", help="one of the verbs; may be repeated")
    options = parser.parse_args(arguments)
    with small_disk() as disk, workplace(disk) as (root, pristine, all_verbs):
        chosen = options.verb or list(all_verbs)
        count = max(1, round(options.fills / len(chosen)))
        full = findings = 0
        for name in chosen:
            refused, found = _try_verb(name, all_verbs[name], root, pristine, count, options)
            full, findings = full + refused, findings + found
            print(f"{name}: {count} fills, {refused} refusals, {found} findings", flush=True)
    print(f"{len(chosen)} verbs, {count * len(chosen)} fills, {full} refusals, {findings} findings")
    return findings


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """Yields the folder of a small file system in memory.

    Raises:
        PermissionError: If this process may not mount one.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", folder]
        if subprocess.run(command, capture_output=True).returncode:
            raise PermissionError("A small disk needs root: unshare --user --map-root-user --mount")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def _try_verb(
    name: str, verb: Verb, root: Path, pristine: Path, count: int, options: argparse.Namespace
) -> tuple[int, int]:
    """Fills the disk so often, and returns the numbers of refusals and of findings."""
    renew(root, pristine)
    used_before = _used(root.parent)
    expected = undisturbed(verb, root, pristine)
    needed = max(_used(root.parent) - used_before, _PAGE)
    before = outcome(pristine)
    refusals = findings = 0
    for number in range(options.first, options.first + count):
        rng = np.random.default_rng([options.seed, number, *name.encode()])
        free = int(rng.integers(0, needed // _PAGE + 1)) * _PAGE
        renew(root, pristine)
        filler = root.parent / "filler"
        _fill(filler, free)
        ended = run(verb.arguments, root)
        filler.unlink()
        problems = _problems_of_the_end(ended, expected.result)
        problems = problems or problems_after_kill(root, verb, before, expected.result)
        if not problems and ended.code == 2:
            again = run(verb.goes_on(root, verb.arguments), root)
            problems = problems_at_the_end(again, root, expected.result)
        refusals += ended.code == 2
        findings += bool(problems)
        for problem in problems:
            print(f"FOUND {name} {number} with {free} bytes free: {problem}", flush=True)
    return refusals, findings


def _problems_of_the_end(ended: Ended, files: Iterable[str]) -> list[str]:
    """Returns what is wrong with how a verb ended that had too little room for these files."""
    if ended.code in (0, 1):
        return []
    if ended.code != 2:
        return [f"ended with {ended.code}: {ended.output[-1500:]}"]
    line = ended.output.splitlines()[-1]
    is_named = line.startswith("placevec: ") and any(Path(file).name in line for file in files)
    if not is_named or "Traceback" in ended.output:
        return [f"the last line names no file, or there are more: {ended.output[-1500:]}"]
    return []


def _used(disk: Path) -> int:
    there = os.statvfs(disk)
    return (there.f_blocks - there.f_bavail) * there.f_frsize


def _fill(path: Path, free: int) -> None:
    """Writes a file that leaves this many bytes free."""
    there = os.statvfs(path.parent)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(there.f_bavail * there.f_frsize - free, 1))


if __name__ == "__main__":
    sys.exit(min(main(), 1))
