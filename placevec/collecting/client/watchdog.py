"""Ends a request that takes too long, whatever the service sends meanwhile.

The time-outs of sockets begin again with each byte that comes, so that a service which sends a
byte now and then, in its headers or its body, is never given up.
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
    """Shuts the connection that this thread uses within the block once its time is over.

    Args:
        seconds: float. Time for the whole block.
    """

    def __init__(self, seconds: float):
        self.has_fired = False
        self.connection: HTTPConnection | None = None  # while it is made
        self.stream: socket.socket | None = None  # once it exists; the connection may drop it
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
            with contextlib.suppress(OSError):  # it is closed already
                if stream is not None:
                    stream.shutdown(socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """Makes connections that tell the `Watchdog` of their thread when they are used."""

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
    """A connection, new or used before, that tells of its use."""

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
    # urllib3's types want attributes that its own connections do not have.
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection  # pyright: ignore[reportAssignmentType]


_POOLS = {"http": _Pool, "https": _TLSPool}
