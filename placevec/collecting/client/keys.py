"""Reads keys of services from the environment and keeps them out of all texts."""

import html
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_HIDDEN = "(key)"
# These libraries log the addresses of requests, including keys, at level DEBUG.
_LOGGERS_OF_ADDRESSES = (
    "requests",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)


def read_key(variable: str, *, is_needed: bool = True) -> str:
    """Returns a key from an environment variable.

    Args:
        variable: str. Name of the variable.
        is_needed: bool. Raise an error if it is not set. Defaults to `True`.

    Returns:
        str; `""` if it is not set.

    Raises:
        ValueError: If it is needed but not set, or contains white space or characters beyond ASCII.
    """
    key = os.environ.get(variable, "").strip()
    if not key and is_needed:
        raise ValueError(
            f"The environment variable {variable} must hold a key of the service. Received: none. "
            f"Set it: export {variable}=..."
        )
    if re.search(r"[^!-~]", key):
        raise ValueError(
            f"The environment variable {variable} must hold a key without white space, in ASCII. "
            "Copy the key again"
        )
    return key


class KeyHider(logging.Filter):
    """Removes keys from texts and log lines.

    It finds keys in upper and lower case, and with any character in the form that addresses
    (escaped once or twice), JSON or HTML give it.

    Args:
        keys: sequence of str. Empty ones are skipped.
    """

    def __init__(self, keys: Sequence[str]):
        super().__init__()
        forms = ["".join(map(_forms, key)) for key in sorted(keys, key=len, reverse=True) if key]
        self._forms = re.compile("|".join(forms) or r"(?!)", re.IGNORECASE)

    def hide(self, text: str) -> str:
        """Returns the text with `(key)` in place of each key."""
        return self._forms.sub(_HIDDEN, text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Removes the keys from a log line, and lets it pass."""
        record.msg, record.args = self.hide(record.getMessage()), ()
        return True

    @contextmanager
    def in_logs(self) -> Iterator[None]:
        """Keeps the keys out of the logs of HTTP libraries while the block runs."""
        loggers = [logging.getLogger(name) for name in _LOGGERS_OF_ADDRESSES]
        for logger in loggers:
            logger.addFilter(self)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeFilter(self)


def _forms(character: str) -> str:
    """Returns a pattern for all ways to write a character of a key."""
    number = ord(character)
    return (
        rf"(?:\\?{re.escape(character)}|{re.escape(html.escape(character))}|%(?:25)*{number:02x}"
        rf"|\\u{number:04x}|&\#0*{number};|&\#x0*{number:x};)"
    )
