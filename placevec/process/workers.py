"""Processes that work for this one, and end with it."""

import contextlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any, Self

_MOST_CRASHES = 3
_END_S = 5.0

_log = logging.getLogger(__name__)


def num_cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def python_path() -> str:
    """Returns the `PYTHONPATH` by which another process imports what this one does.

    Its paths are absolute, as the other process may be in another folder.
    """
    return os.pathsep.join(os.path.abspath(path) for path in sys.path)


class WorkerProcess:
    """A process that answers requests: lines of JSON by its stdin, answers by its stdout.

    The first line says its settings. It should end with its stdin, and so with this process,
    however that ends. `ask` gives what `receive` makes of an answer; here that is its line of JSON.

    Args:
        command: sequence of str. What to run.
        settings: dict. What JSON can hold.
        descriptors: sequence of int. Open files of this process that it shares.
    """

    def __init__(
        self, command: Sequence[str], settings: dict, descriptors: Sequence[int] = ()
    ) -> None:
        self._command, self._settings, self._descriptors = command, settings, descriptors
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts the process, in a session of its own: Ctrl-C reaches this process alone."""
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=self._descriptors,
            env=os.environ | {"PYTHONPATH": python_path()},
            start_new_session=True,
        )
        with contextlib.suppress(BrokenPipeError):
            self._send(self._settings)

    def stop(self) -> int | None:
        """Ends the process and returns its exit code; None where it was never started."""
        if self.process is None:
            return None
        stdin, stdout = self._pipes()
        with contextlib.suppress(BrokenPipeError):
            stdin.close()
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        stdout.close()
        return self.process.wait()

    def replace(self) -> int | None:
        """Starts another process in place of this one, and returns the exit code of this one."""
        code = self.stop()
        self.start()
        return code

    def close(self) -> None:
        """Ends the process for good."""
        self.stop()

    def ask(self, request: dict) -> Any:  # noqa: ANN401
        """Returns the answer to a request; None where the process crashed."""
        try:
            self._send(request)
            return self.receive()
        except (BrokenPipeError, EOFError):
            return None
        except KeyboardInterrupt:
            self.replace()  # an answer, or half of one, may be on its way
            raise

    def receive(self) -> Any:  # noqa: ANN401
        """Reads one answer.

        Raises:
            EOFError: If the process ended before it was whole.
        """
        line = self._pipes()[1].readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return json.loads(line)

    def _send(self, message: dict) -> None:
        stdin = self._pipes()[0]
        stdin.write(json.dumps(message).encode() + b"\n")
        stdin.flush()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Returns what the process reads from and what it writes to."""
        if self.process is None or self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError(f"{type(self).__name__} must be started before it is asked")
        return self.process.stdin, self.process.stdout


class WorkerPool:
    """Several processes of one kind, of which each takes the next request. Open it by `with`.

    Args:
        make_worker: callable. Returns a `WorkerProcess` that is not started yet.
        num_workers: int. How many processes.

    Raises:
        ValueError: If `num_workers` is below 1.
    """

    def __init__(self, make_worker: Callable[[], WorkerProcess], num_workers: int) -> None:
        if num_workers < 1:
            raise ValueError(
                f"`num_workers` must be a positive integer. Received: num_workers={num_workers}"
            )
        self.num_workers = num_workers
        self._make_worker = make_worker
        self._workers: list[WorkerProcess] = []
        self._idle: queue.SimpleQueue = queue.SimpleQueue()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> None:
        """Starts the processes, all or none."""
        try:
            for _ in range(self.num_workers):
                worker = self._make_worker()
                self._workers.append(worker)
                worker.start()
                self._idle.put(worker)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the processes; a second call does nothing."""
        with self._lock:
            workers, self._workers = self._workers, []
            self._idle = queue.SimpleQueue()
        for worker in workers:
            worker.close()

    @property
    def process_ids(self) -> list[int]:
        """The ids of the processes."""
        return [each.process.pid for each in self._workers if each.process is not None]

    def ask_one(self, ask: Callable[[Any], Any], what: str) -> Any:  # noqa: ANN401
        """Asks one of the workers; several threads may call it at once.

        A worker that crashes is replaced and asked again.

        Args:
            ask: callable. Asks the worker that it gets, and returns the answer, or None where the
                worker crashed.
            what: str. What is asked for, as an error says it.

        Raises:
            ChildProcessError: If workers crash on it three times in a row.
            RuntimeError: If none is open.
        """
        with self._lock:
            self._refuse_closed()
            idle = self._idle
        worker = idle.get()
        try:
            for _ in range(_MOST_CRASHES):
                answer = ask(worker)
                if answer is not None:
                    return answer
                with self._lock:
                    self._refuse_closed()
                    code = worker.replace()
                _log.warning(
                    "a worker of %s ended with code %s and was replaced", type(self).__name__, code
                )
        finally:
            idle.put(worker)
        raise ChildProcessError(
            f"A process of {type(self).__name__} crashed {_MOST_CRASHES} times in a row on {what}; "
            "its output is above. Try a smaller `--num-workers`"
        )

    def _refuse_closed(self) -> None:
        if not self._workers:
            raise RuntimeError(
                f"The workers must be open. Use them by `with {type(self).__name__}(...)`"
            )
