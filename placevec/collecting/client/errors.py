"""Errors for what a service did not give."""


class ServiceError(OSError):
    """A service did not give what you asked for, and asking again does not help.

    Args:
        message: str. One line, without keys.
        status: int. HTTP status; 0 if there is none. Defaults to `0`.
    """

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


class RefusedError(ServiceError):
    """A service refused the key. It will refuse other requests, too."""


class UnavailableError(ServiceError):
    """A service was unreachable, too slow, busy or broken. Other requests would fail, too."""


class QuotaReachedError(OSError):
    """The allowed number of requests is used up."""


class TryAgainError(Exception):
    """An answer is wrong, but the next one may be right. The text begins with "sent"."""
