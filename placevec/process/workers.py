"""Worker processes, which end together with this process."""

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
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def python_path() -> str:
    """Returns the `PYTHONPATH` with which another process imports the same modules as this one.

    Its paths are absolute because the other process may run in another folder.
    """
    return os.pathsep.join(os.path.abspath(path) for path in sys.path)


class WorkerProcess:
    """A process that reads requests as lines of JSON from stdin and answers on stdout.

    The first line has its settings. The process should end when its stdin closes, and so ends
    together with this process, even after a crash. `ask` returns the answer as `receive` reads it,
    by default one line of JSON.

    Args:
        command: sequence of str. The command to run.
        settings: dict. Settings, which must be serializable as JSON.
        descriptors: sequence of int. Open file descriptors that the process inherits.
    """

    def __init__(
        self, command: Sequence[str], settings: dict, descriptors: Sequence[int] = ()
    ) -> None:
        self._command, self._settings, self._descriptors = command, settings, descriptors
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts the process in its own session, so that Ctrl-C only reaches this process."""
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
        """Ends the process and returns its exit code, or None if it was never started."""
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
        """Replaces the process by a new one, and returns the exit code of the old one."""
        code = self.stop()
        self.start()
        return code

    def close(self) -> None:
        """Ends the process for good."""
        self.stop()

    def ask(self, request: dict) -> Any:  # noqa: ANN401
        """Returns the answer to a request, or None if the process crashed."""
        try:
            self._send(request)
            return self.receive()
        except (BrokenPipeError, EOFError):
            return None
        except KeyboardInterrupt:
            self.replace()  # a late or incomplete answer may still arrive
            raise

    def receive(self) -> Any:  # noqa: ANN401
        """Reads one answer.

        Raises:
            EOFError: If the process ended before the answer was complete.
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
        """Returns the stdin and the stdout of the process."""
        if self.process is None or self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError(f"{type(self).__name__} must be started before it is asked")
        return self.process.stdin, self.process.stdout


class WorkerPool:
    """Several worker processes of one kind; a free one takes the next request.

    Open the pool in a `with` statement.

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
        """Starts all processes, or none if one fails."""
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
            ask: callable. Gets a worker and returns its answer, or None if the worker crashed.
            what: str. Name of the request for the error message.

        Raises:
            ChildProcessError: If workers crash on it three times in a row.
            RuntimeError: If the pool is not open.
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
