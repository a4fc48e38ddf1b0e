"""The command line in a forked process that can be killed at a chosen moment of its writing.

Keras is imported once, in the parent; each run is a child of it, so that it costs no start.
"""

import contextlib
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from placevec.cli import main

MARK = "PLACEVEC_RELIABILITY"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link",
            "os.symlink")  # fmt: skip
_HANGS_AFTER_S = 300.0
_WORKERS_END_WITHIN_S = 20.0


class Moment(NamedTuple):
    """When to kill: `delay_s` after change number `change` of files, counted from 0.

    A change is a file opened for writing, a rename, a removal, a folder made, or an fsync; the
    moment is before it. A change of -1 is the start of the process.
    """

    change: int
    delay_s: float


class Ended(NamedTuple):
    """How a run ended.

    Args:
        code: int. Exit code; -9 if it was killed, -1 if it hung.
        output: str. What it wrote to standard output and standard error.
        times_s: list of float. When each change of a file came, from its start, then its end;
            empty if it was killed.
        workers_left: list of str. Command lines of processes that outlived it.
    """

    code: int
    output: str
    times_s: list[float]
    workers_left: list[str]


def run(arguments: list[str], root: Path, moment: Moment | None = None) -> Ended:
    """Runs `placevec ARGUMENTS` in a folder, and kills it at a moment.

    Args:
        arguments: list of str.
        root: Path. The folder; changes outside it are not counted.
        moment: Moment or None. None, or one that never comes: it runs to its end.
    """
    log = os.memfd_create("output")  # on no disk, which may be full
    reader, writer = os.pipe()
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    started_s = time.monotonic()
    child = os.fork()
    if not child:
        os.close(reader)
        _be_the_command(arguments, root, log, writer, moment, mark, started_s)
    os.close(writer)
    told, status = bytearray(), None
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while status is None:
            if select.select([pipe], [], [], 0.02)[0]:
                part = pipe.read(2**16)
                told += part
                if part.startswith(b"!"):
                    del told[:1]
                    time.sleep(moment.delay_s)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                elif not part:
                    time.sleep(0.005)
            done, code = os.waitpid(child, os.WNOHANG)
            if done:
                status = os.waitstatus_to_exitcode(code)
            elif time.monotonic() - started_s > _HANGS_AFTER_S:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                status = -1
    times_s = [] if status < 0 else [float(each) for each in told.decode().split()]
    with os.fdopen(log, "rb") as file:
        file.seek(0)
        output = file.read().decode(errors="replace")
    return Ended(status, output, times_s, _workers_left(child, mark))


def _be_the_command(
    arguments: list[str],
    root: Path,
    log: int,
    writer: int,
    moment: Moment | None,
    mark: str,
    started_s: float,
) -> None:
    code = 99
    try:
        os.setsid()
        os.environ[MARK] = mark  # processes that it starts carry it
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        os.chdir(root)
        times_s = _watch(root, writer, moment, started_s)
        try:
            main(arguments)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else bool(error.code)
        times_s.append(time.monotonic() - started_s)
        os.write(writer, " ".join(f"{each:.6f}" for each in times_s[-3000:]).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _watch(root: Path, writer: int, moment: Moment | None, started_s: float) -> list[float]:
    """Notes the time of each change of a file, and lets the moment come; returns the times."""
    times_s: list[float] = []
    inside = f"{root}/"

    def changes() -> None:
        if moment is not None and len(times_s) == moment.change:
            _kill_now(moment, writer)
        times_s.append(time.monotonic() - started_s)

    def hook(event: str, arguments: tuple) -> None:
        is_writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES
        if is_writing or event in _CHANGES:
            path = arguments[0]
            if isinstance(path, (str, bytes, os.PathLike)):
                if os.path.abspath(os.fsdecode(path)).startswith(inside):
                    changes()

    def fsync(file: int, fsync_for_real=os.fsync) -> None:
        changes()
        fsync_for_real(file)

    sys.addaudithook(hook)
    os.fsync = fsync
    if moment is not None and moment.change < 0:
        _kill_now(moment, writer)
    return times_s


def _kill_now(moment: Moment, writer: int) -> None:
    if moment.delay_s == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    os.write(writer, b"!")  # the parent kills this process while it works


def _workers_left(child: int, mark: str) -> list[str]:
    """Waits for the processes of a run that has ended; kills and returns those that do not end."""
    until_s = time.monotonic() + _WORKERS_END_WITHIN_S
    while (found := _processes(child, mark)) and time.monotonic() < until_s:
        time.sleep(0.02)
    for process in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return list(found.values())


def _processes(session: int, mark: str) -> dict[int, str]:
    """Returns the command lines of processes of a session or with the mark of a run."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            state = (folder / "stat").read_text().rpartition(")")[2].split()
            if state[0] == "Z":
                continue
            marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if marked or int(state[3]) == session:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = line.decode(errors="replace").strip()
    return found
