"""Asks a service over HTTP: at a limited rate, with retries, and within a quota."""

import email.utils
import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from placevec.collecting.client.errors import (
    QuotaReachedError,
    RefusedError,
    ServiceError,
    TryAgainError,
    UnavailableError,
)
from placevec.collecting.client.keys import KeyHider
from placevec.collecting.client.watchdog import Watchdog, WatchedAdapter
from placevec.counted import counted
from placevec.input_file import shown
from placevec.progress import Progress, no_progress

_log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_CHUNK = 65_536  # bytes
_LONGEST_WAIT_S = 60.0
_LONGEST_COMPLAINT = 20_000  # bytes of an error's body that are read
_SHOWN_OF_COMPLAINT = 200  # characters
_ENCODINGS = ("", "identity", "gzip", "deflate")  # Nested encodings could unpack without limit.
_JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """What to ask for, and which answers to accept.

    Args:
        url: str. The address, with its parameters.
        accepts: tuple of str. Content types to accept, by their beginnings.
        max_bytes: int. Largest answer to accept.
        headers: mapping. Further headers, such as `Authorization`.
        carries_key: bool. Whether 401 and 403 mean that the service refused the key.
    """

    url: str
    accepts: tuple[str, ...]
    max_bytes: int
    headers: Mapping[str, str] | None = None
    carries_key: bool = True


@dataclass(frozen=True)
class _Failure:
    """Why a request was not answered. `wait_s` is NaN if the service did not give a wait.

    `error` is the error to raise after the last attempt.
    """

    reason: str
    wait_s: float = math.nan
    error: type[ServiceError] = UnavailableError


class Client:
    """A client for HTTP services. Close it, or use it in a `with` block.

    Each attempt counts against the quota and the rate. A failure that may pass (no connection, a
    timeout, half an answer, 429, 5xx) is retried. The wait doubles from one second to one minute
    and is shortened at random by up to a half; `Retry-After` replaces it, up to one minute.
    Redirects are not followed. No error, log line or JSON answer contains a key.

    Args:
        keys: sequence of str. Secrets that no text may contain.
        max_requests: int. Largest number of attempts.
        requests_per_second: float. Rate of all threads together.
        threads: int. Number of requests at the same time.
        retries: int. Number of further attempts after a failure that may pass.
        timeout_s: float. Time for a connection, and time for a complete answer from the request to
            its last byte.
        first_wait_s: float. Wait before the second attempt. Defaults to `1.0`.
    """

    def __init__(
        self,
        keys: Sequence[str],
        *,
        max_requests: int,
        requests_per_second: float,
        threads: int,
        retries: int,
        timeout_s: float,
        first_wait_s: float = 1.0,
    ):
        self.max_requests = max_requests
        self.requests_sent = 0
        self._hider = KeyHider(keys)
        self._logs = self._hider.in_logs()
        self._apart_s = 1.0 / requests_per_second
        self._threads = threads
        self._ahead = 16 * threads
        self._retries = retries
        self._timeout_s = timeout_s
        self._first_wait_s = first_wait_s
        self._lock = threading.Lock()
        self._next_at_s = 0.0
        self._stopped = threading.Event()
        self._refusal = ""
        self._session = requests.Session()
        adapter = WatchedAdapter(pool_maxsize=threads)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def __enter__(self) -> Self:
        self._logs.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._session.close()
        self._logs.__exit__(*error)

    @property
    def requests_left(self) -> int:
        """Number of attempts that are still allowed."""
        return self.max_requests - self.requests_sent

    def each(
        self,
        function: Callable[[Item], Answer],
        items: Sequence[Item],
        progress: Progress = no_progress,
        desc: str = "ask",
    ) -> Generator[Answer, None, None]:
        """Yields `function(item)` for each item, in order, running several at a time.

        If one raises an error, or the caller closes this generator, the other items are not
        started, waits are cut short, and the client answers no more. `desc` is the label of the
        bar that `progress` draws.
        """
        with ThreadPoolExecutor(self._threads) as pool:
            coming = iter(items)
            begun = deque(pool.submit(function, each) for each in islice(coming, self._ahead))
            is_done = False
            try:
                for _ in progress(items, total=len(items), unit="request", desc=desc):
                    answer = begun.popleft().result()
                    begun.extend(pool.submit(function, each) for each in islice(coming, 1))
                    yield answer
                is_done = True
            finally:
                if not is_done:
                    self._stopped.set()
                    pool.shutdown(wait=False, cancel_futures=True)

    def get(self, request: Request, read: Callable[[bytes], Answer]) -> Answer:
        """Sends a request until a readable answer comes.

        Args:
            request: Request.
            read: callable. Converts the bytes of the answer to the result, or raises
                `TryAgainError`.

        Raises:
            RefusedError: If the service refuses the key.
            QuotaReachedError: If no attempt is left.
            UnavailableError: If the service was unreachable, too slow, busy or broken each time.
            ServiceError: If the service does not have what you ask for, or its answer is never
                readable.
        """
        where = shown(self._hider.hide(_address(request.url)), longest=200)
        for attempt in range(self._retries + 1):
            self._take_turn()
            try:
                answer = self._ask(request, read, where)
            except RefusedError as error:
                self._refusal = str(error)
                raise
            if not isinstance(answer, _Failure):
                return answer
            if attempt < self._retries:
                wait_s = self._wait_s(attempt, answer.wait_s)
                _log.debug("%s %s: again in %.1f s", where, answer.reason, wait_s)
                self._pause(wait_s)
        raise answer.error(
            f"{where} {answer.reason}, also after {counted(self._retries, 'further attempt')}. "
            "Run the same command later: it continues where it stopped"
        )

    def _ask(
        self, request: Request, read: Callable[[bytes], Answer], where: str
    ) -> Answer | _Failure:
        """Makes one attempt. It raises no error inside `except`: its context would hold the key."""
        body, failure, error = b"", None, None
        with Watchdog(self._timeout_s) as watchdog:
            try:
                with self._session.get(
                    request.url,
                    headers={"User-Agent": "placevec"},
                    auth=_Headers(request.headers or {}),
                    timeout=self._timeout_s,
                    stream=True,
                    allow_redirects=False,
                ) as answer:
                    status, kind = answer.status_code, answer.headers.get("Content-Type", "")
                    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
                    wait_s = _seconds_to_wait(answer.headers.get("Retry-After", ""))
                    longest = request.max_bytes if status == 200 else _LONGEST_COMPLAINT
                    body = _body(answer, longest, decode=encoding in _ENCODINGS)
            except (requests.Timeout, urllib3.exceptions.TimeoutError):
                failure = _Failure(f"did not answer within {self._timeout_s:g} s")
            except requests.exceptions.ConnectionError as caught:
                failure = _Failure(f"cannot be reached, or broke off ({type(caught).__name__})")
            except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError):
                failure = _Failure("sent half an answer or an unreadable one")
        if watchdog.has_fired:
            failure = _Failure(f"took more than {self._timeout_s:g} s to answer")
        if failure is None and (status == 429 or status >= 500):
            failure = _Failure(f"answered {status}", wait_s)
        if failure is not None:
            return failure
        if status != 200:
            kind_of_error = ServiceError
            if status in (401, 403) and request.carries_key:
                kind_of_error = RefusedError
            raise kind_of_error(f"{where} answered {status}{self._complaint(body)}", status)
        if not kind.lower().startswith(request.accepts) or encoding not in _ENCODINGS:
            received = shown(self._hider.hide(f"{kind} {encoding}".strip()), longest=60)
            raise ServiceError(
                f"{where} must answer with {' or '.join(request.accepts)}. Received: {received!r}"
            )
        if len(body) > request.max_bytes:
            raise ServiceError(f"{where} sent more than {request.max_bytes} bytes")
        if _JSON in request.accepts:  # JSON is kept in files and tables; these hold no key either.
            body = self._hider.hide(body.decode("utf-8", "replace")).encode()
        try:
            return read(body)
        except TryAgainError as caught:
            return _Failure(self._one_line(caught), error=ServiceError)
        except ServiceError as caught:
            error = type(caught)(self._one_line(caught), caught.status)
        raise error

    def _one_line(self, error: Exception) -> str:
        return shown(self._hider.hide(str(error)))

    def _complaint(self, body: bytes) -> str:
        """Returns the beginning of an error's body as one line, without keys."""
        words = self._hider.hide(body.decode("utf-8", "replace"))
        words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
        if not words:
            return ""
        # The text is cut where reading ended, and its end could be half a key.
        is_cut = len(body) > _LONGEST_COMPLAINT and len(words) < _SHOWN_OF_COMPLAINT
        return "" if is_cut else f": {self._hider.hide(words)[:_SHOWN_OF_COMPLAINT]}"

    def _take_turn(self) -> None:
        """Waits for this attempt's turn and counts it."""
        with self._lock:
            if self._refusal:
                raise RefusedError(self._refusal)
            if self._stopped.is_set() or self.requests_sent >= self.max_requests:
                raise QuotaReachedError(
                    f"The quota of {counted(self.max_requests, 'request')} is used up. Run the "
                    "same command again: it continues where it stopped. Or give a larger "
                    "`max_requests`"
                )
            self.requests_sent += 1
            now_s = time.monotonic()
            at_s = max(now_s, self._next_at_s)
            self._next_at_s = at_s + self._apart_s
        self._stopped.wait(at_s - now_s)

    def _wait_s(self, attempt: int, told_s: float) -> float:
        if not math.isnan(told_s):
            return min(told_s, _LONGEST_WAIT_S)
        return min(self._first_wait_s * 2**attempt, _LONGEST_WAIT_S) * random.uniform(0.5, 1.0)

    def _pause(self, wait_s: float) -> None:
        self._stopped.wait(wait_s)


class _Headers(AuthBase):
    """Sets the headers last, so that a password in a .netrc file does not replace them."""

    def __init__(self, headers: Mapping[str, str]):
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _body(answer: requests.Response, max_bytes: int, *, decode: bool) -> bytes:
    """Returns the body; if it is longer than `max_bytes`, a part that exceeds it.

    `read1` returns the bytes that have arrived; other methods wait for a full block.
    """
    body = bytearray()
    while len(body) <= max_bytes and (came := answer.raw.read1(_CHUNK, decode_content=decode)):
        body += came
    return bytes(body)


def _address(url: str) -> str:
    """Returns host and path of an address, without the parameters, which hold the key."""
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"


def _seconds_to_wait(text: str) -> float:
    """Reads `Retry-After`, which is seconds or a date. Returns NaN if there is none."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return math.nan
