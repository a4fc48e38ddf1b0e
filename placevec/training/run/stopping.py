"""What ends an epoch early: a signal, or a loss that is not a number."""

import contextlib
import math
import signal
import threading
from collections.abc import Callable, Iterator

import keras


class StopRequest:
    """Whether the user or the system asked the training to stop.

    A signal reaches the processes of a training at different steps. They agree when they ask,
    which all of them do at the same time.

    Args:
        gather: callable. From a value to a list of what all processes gave.

    Attributes:
        number: int or None. The signal that asked, None while none did.
    """

    def __init__(self, gather: Callable[[object], list] = lambda value: [value]) -> None:
        self.gather = gather
        self.number: int | None = None

    def __bool__(self) -> bool:
        self.number = next(filter(None, self.gather(self.number)), None)
        return self.number is not None


@contextlib.contextmanager
def stop_requests(*gather: Callable[[object], list]) -> Iterator[StopRequest]:
    """Notes Ctrl-C and SIGTERM instead of dying of them; a second one takes effect at once.

    Outside the main thread signals cannot be handled; there nothing changes.

    Args:
        *gather: callable. See `StopRequest`.

    Yields:
        StopRequest. True once a signal came.
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
    """Ends `fit` after the step in which a signal came or the loss was no number.

    Args:
        request: StopRequest.
    """

    def __init__(self, request: StopRequest) -> None:
        super().__init__()
        self.request = request
        self.bad_step: int | None = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the loss and at the request after each step."""
        if not math.isfinite(float((logs or {}).get("loss", 0.0))):
            self.bad_step = batch
        if self.request or self.bad_step is not None:
            self.model.stop_training = True


class Interrupted(KeyboardInterrupt):  # noqa: N818
    """A training was asked to stop; its state is saved.

    Args:
        message: str. Says how to go on.
        signal_number: int. The signal that asked.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
