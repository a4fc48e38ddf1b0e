"""What a service did not give, as errors."""


class ServiceError(OSError):
    """A service did not give what was asked for, and asking again will not help.

    Args:
        message: str. One line, without keys.
        status: int. HTTP status, 0 where there was none. Defaults to `0`.
    """

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


class RefusedError(ServiceError):
    """A service refused the key: nothing else will be answered either."""


class UnavailableError(ServiceError):
    """A service was not reached, too slow, busy or broken: other requests will fare no better."""


class QuotaReachedError(OSError):
    """The allowed number of requests was sent."""


class TryAgainError(Exception):
    """An answer is not what it should be, and the next one may be. The text begins "sent ..."."""
