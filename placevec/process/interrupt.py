"""Prints one line on Ctrl-C outside a verb, such as during imports."""

import sys
from types import TracebackType

_STOPPED = 130  # 128 + SIGINT


def end_quietly_on_interrupt() -> None:
    """Makes Ctrl-C that nothing else handles end the process with one line and exit code 130."""
    before = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            return before(kind, error, traceback)
        print("placevec: stopped", file=sys.stderr)
        sys.exit(_STOPPED)

    sys.excepthook = hook
