"""What surrounds a verb: errors in one line, Keras imported in silence, progress bars."""

import contextlib
import functools
import importlib
import logging
import os
import sys
from collections.abc import Iterator

from tqdm import tqdm as _tqdm

progress_bar = functools.partial(_tqdm, disable=None)  # none where nobody watches


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turns bad input into one line on standard error and exit code 2, without a traceback.

    A training that was stopped and saved ends with the exit code of its signal. Log lines go to
    standard error.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("absl", "faiss", "jax", "tensorflow", "tf2onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has gone, as `placevec ... | head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt as error:
        print(f"placevec: {str(error) or 'stopped'}", file=sys.stderr)
        sys.exit(128 + getattr(error, "signal_number", 2))
    except (ValueError, OSError, FloatingPointError, ImportError) as error:
        print(f"placevec: {' '.join(str(error).split()) or repr(error)}", file=sys.stderr)
        sys.exit(2)


def import_keras() -> None:
    """Imports Keras without the lines that TensorFlow's C++ code writes to standard error."""
    if "keras" in sys.modules:
        return
    sys.stderr.flush()
    standard_error = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        importlib.import_module("keras")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{error.name} is not installed, which KERAS_BACKEND="
            f"{os.environ.get('KERAS_BACKEND', '')} needs. Choose tensorflow or jax, or install it "
            "(`make test-torch` installs PyTorch's CPU build)"
        ) from error
    finally:
        os.dup2(standard_error, 2)
        os.close(standard_error)
