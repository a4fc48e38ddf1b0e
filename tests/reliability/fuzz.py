"""Feeds damaged inputs to every reader: each must give a result, or refuse in one safe line.

    python -m tests.reliability.fuzz --inputs 300 [--seed 0] [--only NAME]

A reader may raise ValueError or OSError, whose text is one printable line that names the file. It
may not raise anything else, write to standard error, take more than 20 seconds or 4 GB, or end the
process. Each finding is printed with the number that makes it again: `--first NUMBER --inputs 1`.
"""

import argparse
import contextlib
import faulthandler
import logging
import os
import re
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.reliability.mutations import mutate, restore
from tests.reliability.targets import Target, targets

_SECONDS = 20
_MEMORY_BYTES = 4 * 2**30
_LONGEST = 3000  # characters of a message
_ROOT = "fuzzed"


class _Lines(logging.Handler):
    """Keeps the log lines of one input."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzzes the chosen targets, and returns the number of findings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100, help="damaged inputs for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", help="name of the one target")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    chosen = [name for name in targets() if options.only in (None, name)]
    if not chosen:
        parser.error(f"--only must be one of {', '.join(targets())}")
    if options.in_this_process:
        return _fuzz(chosen[0], options.first, options.inputs, options.seed)
    findings = sum(_fuzz_apart(name, options) for name in chosen)
    print(f"{len(chosen)} targets, {len(chosen) * options.inputs} inputs, {findings} findings")
    return findings


def _fuzz_apart(name: str, options: argparse.Namespace) -> int:
    """Fuzzes one target in processes of its own, a new one after each that ended early."""
    findings, first, end = 0, options.first, options.first + options.inputs
    while first < end:
        command = [
            *(sys.executable, "-m", "tests.reliability.fuzz", "--in-this-process"),
            *("--only", name, "--seed", str(options.seed)),
            *("--first", str(first), "--inputs", str(end - first)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        begun = re.findall(r"^BEGUN (\d+) (.*)$", done.stdout, re.MULTILINE)
        told = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
        print("\n".join(told) + "\n" if told else "", end="", flush=True)
        findings += len(told)
        if done.returncode == 0:
            break
        last, how = begun[-1] if begun else (first, "")
        where = re.findall(r'File ".*/placevec/(\S+)", line (\d+)', done.stderr)[:1]
        print(f"FOUND {name} {last}: the process ended ({done.returncode}) {where} after {how}")
        print(done.stderr[-1500:] if not begun else "", end="", flush=True)
        findings += 1
        first = int(last) + 1
    print(f"{name}: {options.inputs} inputs, {findings} findings", flush=True)
    return findings


def _fuzz(name: str, first: int, count: int, seed: int) -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, hard))
    target, place = targets()[name], list(targets()).index(name)
    log = _Lines()
    logging.getLogger().addHandler(log)
    logging.getLogger("placevec").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as folder:
        pristine, root = Path(folder) / "pristine", Path(folder) / _ROOT
        pristine.mkdir()
        target.write(pristine)
        root.mkdir()
        names = _names(pristine)
        for number in range(first, first + count):
            restore(root, pristine)
            how = (
                mutate(root, np.random.default_rng([seed, place, number])) if number else "nothing"
            )
            print(f"BEGUN {number} {how!r}", flush=True)
            log.lines.clear()
            problem = _problem(target, root, log, names, is_whole=number == 0)
            if problem:
                print(f"FOUND {name} {number}: {problem} after {how!r}", flush=True)
    return 0


def _names(root: Path) -> set[str]:
    """Returns the names of all files and folders below a folder, with and without suffix."""
    parts = {part for path in root.rglob("*") for part in path.relative_to(root).parts}
    return parts | {Path(part).stem for part in parts}


def _problem(target: Target, root: Path, log: _Lines, names: set[str], *, is_whole: bool) -> str:
    """Returns what is wrong with how a target takes an input, or `""`."""
    written = os.fstat(2).st_size
    here = os.getcwd()
    os.chdir(root)
    faulthandler.dump_traceback_later(_SECONDS, exit=True)
    try:
        message = _refusal(target, is_whole)
    except Exception as error:
        frame = next(
            (each for each in reversed(traceback.extract_tb(error.__traceback__))
             if "/placevec/" in each.filename), None)  # fmt: skip
        where = f"{Path(frame.filename).name}:{frame.lineno}" if frame else "?"
        return f"{type(error).__name__} at {where}: {str(error)[:120]!r}"
    finally:
        faulthandler.cancel_dump_traceback_later()
        os.chdir(here)
    if message is not None:
        if not message.isprintable() or len(message) > _LONGEST:
            return f"the error is not one safe line: {message[:300]!r}"
        if not any(name in message for name in names | _names(root)):
            return f"the error names no file: {message[:300]!r}"
    unsafe = next((line for line in log.lines if not line.isprintable()), None)
    if unsafe is not None:
        return f"a log line is not safe: {unsafe[:300]!r}"
    if os.fstat(2).st_size != written:
        return "something is written to standard error"
    return ""


def _refusal(target: Target, is_whole: bool) -> str | None:
    """Returns the text of the error, None where there is none."""
    with contextlib.redirect_stdout(None):
        try:
            target.read()
        except (ValueError, OSError) as error:
            if is_whole:
                raise RuntimeError(f"the whole input is refused: {error}") from error
            return str(error)
    return None


if __name__ == "__main__":
    sys.exit(min(main(), 1))
