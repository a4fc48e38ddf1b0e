"""Ends a request that takes too long, even if the service keeps sending.

The timeout of a socket starts again with each byte that arrives. Without a watchdog, a service that
sends a byte now and then, in its headers or its body, would hold a request open forever.
"""

import contextlib
import socket
import threading
from typing import Any, Self

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_thread = threading.local()


class Watchdog:
    """Shuts the connection that this thread uses in the block when the time is over.

    Args:
        seconds: float. Time limit of the whole block.
    """

    def __init__(self, seconds: float):
        self.has_fired = False
        self.connection: HTTPConnection | None = None  # set while the connection is made
        self.stream: socket.socket | None = None  # kept here, as the connection may drop it
        self._timer = threading.Timer(seconds, self._fire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._is_done = False

    def __enter__(self) -> Self:
        _thread.watchdog = self
        self._timer.start()
        return self

    def __exit__(self, *error: Any) -> None:
        with self._lock:
            self._is_done = True
        self._timer.cancel()
        _thread.watchdog = None

    def _fire(self) -> None:
        with self._lock:
            if self._is_done:
                return
            self.has_fired = True
            stream = self.stream or (self.connection and self.connection.sock)
            with contextlib.suppress(OSError):  # The socket may be closed already.
                if stream is not None:
                    stream.shutdown(socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """Makes connections that report to the `Watchdog` of their thread."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Makes the pools of connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> urllib3.ProxyManager:
        """Returns the pools of connections of a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Connection(HTTPConnection):
    """A new or reused connection that reports to the `Watchdog` when it is used."""

    def connect(self) -> None:
        if watchdog := getattr(_thread, "watchdog", None):
            watchdog.connection = self
        super().connect()

    def getresponse(self) -> urllib3.BaseHTTPResponse:
        if watchdog := getattr(_thread, "watchdog", None):
            watchdog.stream = self.sock
        return super().getresponse()


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    # The types of urllib3 require attributes that its own connections do not have.
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection  # pyright: ignore[reportAssignmentType]


_POOLS = {"http": _Pool, "https": _TLSPool}
