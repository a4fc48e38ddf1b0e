"""Ends an epoch early, after a signal or a loss that is not a number."""

import contextlib
import math
import signal
import threading
from collections.abc import Callable, Iterator

import keras


class StopRequest:
    """Tells whether the user or the system has asked the training to stop.

    A signal reaches the processes of a training at different steps. So they agree on it: all of
    them ask this object at the same step.

    Args:
        gather: callable. From a value to a list of the values of all processes.

    Attributes:
        number: int or None. The signal that asked to stop. None: no signal came.
    """

    def __init__(self, gather: Callable[[object], list] = lambda value: [value]) -> None:
        self.gather = gather
        self.number: int | None = None

    def __bool__(self) -> bool:
        self.number = next(filter(None, self.gather(self.number)), None)
        return self.number is not None


@contextlib.contextmanager
def stop_requests(*gather: Callable[[object], list]) -> Iterator[StopRequest]:
    """Records Ctrl-C and SIGTERM instead of ending the process. A second signal ends it at once.

    Only the main thread can handle signals. In other threads this does nothing.

    Args:
        *gather: callable. See `StopRequest`.

    Yields:
        StopRequest. It is true after a signal came.
    """
    request = StopRequest(*gather)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: object) -> None:
        request.number = number
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopEarly(keras.callbacks.Callback):
    """Ends `fit` after the step in which a signal came, or the loss was NaN or infinite.

    Args:
        request: StopRequest.
    """

    def __init__(self, request: StopRequest) -> None:
        super().__init__()
        self.request = request
        self.bad_step: int | None = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Checks the loss and the request after each step."""
        if not math.isfinite(float((logs or {}).get("loss", 0.0))):
            self.bad_step = batch
        if self.request or self.bad_step is not None:
            self.model.stop_training = True


class Interrupted(KeyboardInterrupt):  # noqa: N818
    """A training was asked to stop, and has saved its state.

    Args:
        message: str. Says how to continue.
        signal_number: int. The signal that asked to stop.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
