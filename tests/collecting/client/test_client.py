import email.utils
import threading
import time

import pytest

from placevec.collecting.client.answers import json_object
from placevec.collecting.client.client import _LONGEST_COMPLAINT, Client, Request, _seconds_to_wait
from placevec.collecting.client.errors import (
    QuotaReachedError,
    RefusedError,
    ServiceError,
    TryAgainError,
    UnavailableError,
)


@pytest.fixture
def client():
    def make(**changes):
        given = {"max_requests": 100, "requests_per_second": 1000.0, "threads": 4, "retries": 3,
                 "timeout_s": 1.0}  # fmt: skip
        return Client(("hush",), **{**given, **changes})

    return make


@pytest.fixture
def photo(server):
    return Request(f"{server.url}/photos/5", ("image/jpeg",), 100_000)


def test_an_answer_is_what_was_made_of_its_bytes(client, photo):
    with client() as asking:
        assert asking.get(photo, lambda body: body[:2]) == b"\xff\xd8"
        assert (asking.requests_sent, asking.requests_left) == (1, 99)


def test_each_attempt_counts_against_the_quota(client, photo, server):
    server.faults["/photos/5"] = [500] * 9
    with client(max_requests=2) as asking, pytest.raises(QuotaReachedError, match="quota of 2"):
        asking.get(photo, bytes)
    assert server.asked["/photos/5"] == 2


def test_attempts_end(client, photo, server):
    server.faults["/photos/5"] = [503] * 9
    with (
        client() as asking,
        pytest.raises(ServiceError, match="answered 503, also after 3 further"),
    ):
        asking.get(photo, bytes)
    assert server.asked["/photos/5"] == 4


def test_waits_double_and_are_as_long_as_the_service_says(client, photo, server, monkeypatch):
    waits = []
    monkeypatch.setattr(Client, "_pause", lambda _, wait_s: waits.append(wait_s))
    monkeypatch.setattr("placevec.collecting.client.client.random.uniform", lambda _, high: high)
    slow_down = [(429, {"Retry-After": seconds}) for seconds in ("7", "7000", "soon")]
    server.faults["/photos/5"] = [500, 500, 500, 500, *slow_down]
    with client(retries=9) as asking:
        asking.get(photo, bytes)
    assert waits == [1.0, 2.0, 4.0, 8.0, 7.0, 60.0, 60.0]


def test_what_cannot_be_read_is_asked_for_again(client, photo):
    answers = [TryAgainError("sent rubbish"), TryAgainError("sent rubbish"), None]

    def read(body):
        if answer := answers.pop(0):
            raise answer
        return "read"

    with client(), client() as asking:
        asking._first_wait_s = 0.01
        assert asking.get(photo, read) == "read"


@pytest.mark.parametrize("fault", ["trickle", "headers"])
def test_an_answer_that_trickles_in_is_given_up(client, server, monkeypatch, fault):
    """Each byte comes in time, the whole does not."""
    answer = 200, "image/jpeg", b"x" * 100, "trickling"
    monkeypatch.setattr(server, "answer", lambda *_: answer)
    server.faults["trickling"] = [fault]
    request = Request(f"{server.url}/photos/5", ("image/jpeg",), 1000)
    with (
        client(retries=0, timeout_s=0.5) as asking,
        pytest.raises(UnavailableError, match="took more than 0.5 s to answer"),
    ):
        asking.get(request, bytes)
    assert 0 < server.trickled < 50


@pytest.mark.parametrize("fault", [429, 500, 503, "half", "hang", "drop"])
def test_a_service_that_fails_is_told_from_a_photo_that_is_not_there(client, photo, server, fault):
    server.faults["/photos/5"] = [fault, 404]
    with client(retries=0) as asking:
        with pytest.raises(UnavailableError):
            asking.get(photo, bytes)
        with pytest.raises(ServiceError, match="answered 404") as caught:
            asking.get(photo, bytes)
    assert type(caught.value) is ServiceError


def test_errors_made_while_an_answer_is_read_hold_no_key_and_are_one_line(client, photo):
    """As where a service repeats the key in its complaint."""
    for kind in (ServiceError, RefusedError, TryAgainError):

        def read(body, kind=kind):
            raise kind("refuses the key hush,\n\x1b[31m%68ush or HU\\u0073H")

        with client(retries=0) as asking, pytest.raises(ServiceError) as caught:
            asking.get(photo, read)
        assert r"the key (key),\n\x1b[31m(key) or (key)" in str(caught.value)
        assert caught.value.__context__ is None
        assert type(caught.value) is (RefusedError if kind is RefusedError else ServiceError)


def test_an_answer_in_json_is_read_and_kept_without_keys(client, server, monkeypatch):
    answer = 200, "application/json", b'{"copyright": "hush", "name": "h\\u0075sh"}', "json"
    monkeypatch.setattr(server, "answer", lambda *_: answer)
    request = Request(f"{server.url}/hush", ("application/json",), 1000)
    with client() as asking:
        assert asking.get(request, json_object) == {"copyright": "(key)", "name": "(key)"}
        server.faults["json"] = [404]
        with pytest.raises(ServiceError, match=r"127.0.0.1/\(key\) answered 404: /\(key\)$"):
            asking.get(request, bytes)


def test_half_a_key_at_the_end_of_a_long_complaint_is_not_shown(client, server, monkeypatch):
    answer = 404, "text/plain", b" " * (_LONGEST_COMPLAINT - 2) + b"hush", "long"
    monkeypatch.setattr(server, "answer", lambda *_: answer)
    request = Request(server.url, ("text/plain",), 1000)
    with client() as asking, pytest.raises(ServiceError, match="answered 404$"):
        asking.get(request, bytes)


def test_compression_in_compression_is_refused(client, photo, server):
    server.faults["/photos/5"] = [(200, {"Content-Encoding": "gzip, gzip"})]
    with client() as asking, pytest.raises(ServiceError, match="Received: 'text/plain gzip, gzip'"):
        asking.get(photo, bytes)


def test_what_can_never_be_read_is_no_failure_of_the_service(client, photo):
    def read(body):
        raise TryAgainError("sent rubbish")

    with client(retries=0) as asking, pytest.raises(ServiceError, match="rubbish") as caught:
        asking.get(photo, read)
    assert type(caught.value) is ServiceError


def test_redirects_are_not_followed(client, photo, server):
    server.faults["/photos/5"] = [(302, {"Location": f"{server.url}/photos/6"})]
    with client() as asking, pytest.raises(ServiceError, match="answered 302"):
        asking.get(photo, bytes)
    assert "/photos/6" not in server.asked


def test_other_content_is_refused(client, server):
    request = Request(f"{server.url}/photos/5", ("application/json",), 100_000)
    with client() as asking, pytest.raises(ServiceError, match="must answer with application/json"):
        asking.get(request, bytes)


def test_requests_keep_their_distance_in_all_threads(client, photo):
    started = time.monotonic()
    with client(requests_per_second=50.0) as asking:
        list(asking.each(lambda _: asking.get(photo, len), range(11)))
    assert time.monotonic() - started >= 10 / 50.0


def test_several_are_asked_at_a_time_and_answered_in_order(client):
    together = threading.Barrier(4)

    def wait(number):
        together.wait(10)
        return number

    with client() as asking:
        assert list(asking.each(wait, range(8))) == list(range(8))


def test_an_error_ends_what_was_not_begun(client):
    begun = []

    def work(number):
        begun.append(number)
        if number == 0:
            raise ServiceError("no")
        time.sleep(0.01)

    with client(threads=1) as asking, pytest.raises(ServiceError, match="no"):
        list(asking.each(work, range(1000)))
    assert len(begun) < 1000


def test_the_header_retry_after_is_seconds_or_a_date():
    assert _seconds_to_wait("12") == 12.0
    in_a_minute = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 50 < _seconds_to_wait(in_a_minute) <= 61
    assert _seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    for text in ("", "-3", "soon", "1e9", "²"):
        assert not _seconds_to_wait(text) >= 0
