"""What every verb runs inside: errors in one line, and progress bars."""

import contextlib
import functools
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence

from tqdm import tqdm as _tqdm

from placevec.input_file import shown

progress_bar = functools.partial(_tqdm, disable=None)  # None: no bar if output is not a terminal

BAD_INPUT = 2
"""Exit code of an error that other input, other settings or more space can fix."""
OUR_FAULT = 70
"""Exit code of an error in placevec itself, `EX_SOFTWARE` of sysexits.h."""

_READER_GONE = 141  # 128 + SIGPIPE
_DEBUG_FLAG, _DEBUG_VARIABLE = "--debug", "PLACEVEC_DEBUG"
_BAD_INPUT = (ValueError, OSError, FloatingPointError, ImportError, MemoryError)
_BACKENDS = ("tensorflow", "jax", "torch")
_MAX_CHARACTERS = 2000


def without_debug_flag(arguments: Sequence[str] | None = None) -> list[str]:
    """Returns the arguments without `--debug`, which sets `PLACEVEC_DEBUG=1` for this process.

    Args:
        arguments: sequence of str or None. The command line. None: that of this process.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if _DEBUG_FLAG in arguments:
        os.environ[_DEBUG_VARIABLE] = "1"
    return [each for each in arguments if each != _DEBUG_FLAG]


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns every error into one line on standard error and an exit code.

    The exit code is 2 for bad input, 70 for a bug in placevec, 130 for Ctrl-C (that of its
    signal for a training that was stopped and saved), and 141 if the reader of standard output is
    gone. `PLACEVEC_DEBUG=1` or `--debug` also prints the traceback. Log lines go to standard
    error.
    """
    _replace_closed_streams()
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # so that printing a file name that is not UTF-8 cannot fail
        reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_SafeFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for chatty in ("absl", "faiss", "jax", "tensorflow", "tf2onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        _say(str(error) or "stopped")
        _leave(128 + getattr(error, "signal_number", 2))
    except Exception as error:
        if isinstance(error, BrokenPipeError) and not _can_write():
            sys.exit(_READER_GONE)  # as in `placevec ... | head`
        if os.environ.get(_DEBUG_VARIABLE, "") not in ("", "0"):
            traceback.print_exc()
        if isinstance(error, _BAD_INPUT):
            _say(_in_words(error))
            _leave(BAD_INPUT)
        _say(
            f"this is a bug in placevec, not in your input: {type(error).__name__}: {error}. Run "
            f"it with `{_DEBUG_FLAG}` to see the traceback, and report it"
        )
        _leave(OUR_FAULT)


def _replace_closed_streams() -> None:
    """Discards output to a stream that the caller closed, as in `placevec ... >&-`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))


class _SafeFormatter(logging.Formatter):
    """Escapes control characters, so that names from outside cannot steer the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).split("\n")
        return "\n".join(shown(line, longest=_MAX_CHARACTERS) for line in lines)


def _in_words(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return (
            f"out of memory ({str(error) or 'MemoryError'}). Free some memory, or process less at "
            "once"
        )
    if isinstance(error, ModuleNotFoundError) and error.name in _BACKENDS:
        return (
            f"Keras needs {error.name}, which is not installed. Choose another backend with the "
            "environment variable KERAS_BACKEND (tensorflow or jax), or install it "
            "(`make test-torch` installs PyTorch's CPU build)"
        )
    return str(error) if str(error).strip() else repr(error)


def _say(message: str) -> None:
    line = shown(" ".join(message.split()), longest=_MAX_CHARACTERS)
    with contextlib.suppress(OSError, ValueError):  # standard error may be closed
        print(f"placevec: {line}", file=sys.stderr)


def _leave(code: int) -> None:
    """Ends the process, even if the remaining output cannot be written."""
    _can_write()
    sys.exit(code)


def _can_write() -> bool:
    """Writes the remaining standard output and returns whether it could; drops it if not."""
    try:
        sys.stdout.flush()
        return True
    except (OSError, ValueError):
        with open(os.devnull, "wb") as nowhere:  # or Python fails again when it exits
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return False
