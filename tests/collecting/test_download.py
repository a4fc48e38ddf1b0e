import logging

import pytest

from placevec.collecting.client.client import Client
from placevec.collecting.client.errors import (
    QuotaReachedError,
    RefusedError,
    ServiceError,
    UnavailableError,
)
from placevec.collecting.download import (
    Collected,
    Plan,
    Wanted,
    download,
    missing,
    refuse_small_quota,
)
from placevec.collecting.ledger import Ledger


@pytest.fixture
def client():
    with Client(
        (), max_requests=5, requests_per_second=1000.0, threads=2, retries=0, timeout_s=20.0
    ) as client:
        yield client


def wanted(name, body=b"photo", error=None):
    def fetch():
        if error:
            raise error
        return body

    return Wanted(name, lambda: ({"file": name, "lat": 1.0, "lon": 2.0}, fetch))


def test_photos_and_their_rows_are_written(client, tmp_path):
    photos = [wanted(f"{number}.jpg", str(number).encode()) for number in range(5)]
    shown = []
    with Ledger(tmp_path) as ledger:
        collected = download(photos, client, ledger, lambda them, **_: shown.append(them) or them)
        assert missing(photos, ledger) == []
    assert collected == Collected(tmp_path, photos=5, new=5, failed=0, left=0, requests=0)
    assert (tmp_path / "3.jpg").read_bytes() == b"3"
    assert shown == [photos]
    assert not list(tmp_path.glob(".*"))


def test_a_photo_that_is_there_only_needs_its_row(client, tmp_path):
    with Ledger(tmp_path) as ledger:
        (tmp_path / "1.jpg").write_bytes(b"before")
        photo = wanted("1.jpg", error=AssertionError("was fetched"))
        assert missing([photo], ledger) == [photo]
        assert download([photo], client, ledger).photos == 1
    assert (tmp_path / "1.jpg").read_bytes() == b"before"


def test_a_failure_is_told_and_a_refused_key_ends_it_all(client, tmp_path, caplog):
    photos = [wanted("1.jpg", error=ServiceError("is gone")), wanted("2.jpg")]
    with Ledger(tmp_path) as ledger:
        collected = download(photos, client, ledger)
        assert (collected.photos, collected.failed) == (1, 1)
        assert "1.jpg is left out: is gone" in caplog.text
        with pytest.raises(RefusedError, match="no"):
            download([wanted("3.jpg", error=RefusedError("no"))], client, ledger)


def test_a_dead_stretch_does_not_block_what_comes_after_it(client, tmp_path):
    """Removed photos answer 404: they are counted, and the one behind them is had."""
    gone = [wanted(f"{i:02}.jpg", error=ServiceError("answered 404", 404)) for i in range(25)]
    with Ledger(tmp_path) as ledger:
        collected = download([*gone, wanted("there.jpg")], client, ledger)
    assert (collected.photos, collected.failed) == (1, 25)
    assert "25 could not be fetched" in str(collected)


def test_a_service_that_fails_ten_times_in_a_row_ends_the_run(client, tmp_path):
    def failing(count):
        return [wanted(f"{i}.jpg", error=UnavailableError("answered 503")) for i in range(count)]

    gone = wanted("gone.jpg", error=ServiceError("answered 404", 404))
    with Ledger(tmp_path) as ledger:
        there = wanted("there.jpg")
        assert download([*failing(9), gone, *failing(9), there], client, ledger).failed == 19
        with pytest.raises(UnavailableError, match="10 photos in a row failed; .* 503"):
            download([gone, *failing(10)], client, ledger)


def test_a_run_that_has_nothing_fails(client, tmp_path, monkeypatch):
    gone = [wanted(f"{i}.jpg", error=ServiceError("answered 404")) for i in range(2)]
    with Ledger(tmp_path) as ledger:
        with pytest.raises(ServiceError, match="None of 2 photos could be fetched: answered 404"):
            download(gone, client, ledger)
        download([wanted("there.jpg")], client, ledger)
        with pytest.raises(ServiceError, match="None of 1 photo could be fetched"):
            download(gone[:1], client, ledger)
        assert download([], client, ledger).photos == 1
        used_up = wanted("late.jpg", error=QuotaReachedError("used up"))
        with pytest.raises(ServiceError, match="None of 1 .* the quota of 5 requests is used up"):
            download([used_up], client, ledger)


def test_a_quota_that_is_too_small_is_told_first(client, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    with Ledger(tmp_path) as ledger:
        download([wanted(f"{number}.jpg") for number in range(6)], client, ledger)
    assert "quota of 5 requests is too small for all photos: 5 left" in caplog.text


def test_plans_and_results_read_as_sentences(tmp_path):
    plan = Plan(photos=3, present=1, requests=6, cost_usd=0.021, note="Left out: none")
    assert str(plan) == "3 photos to fetch (1 already exist): 6 requests, 0.02 USD. Left out: none"
    collected = Collected(tmp_path, photos=4, new=3, failed=2, left=1, requests=9)
    assert str(collected) == (
        f"4 photos in {tmp_path}, 3 of them new, with 9 requests; 2 could not be fetched; 1 are "
        "left, as the quota is used up: run the same command again"
    )


def test_refuses_a_quota_for_lookups_alone():
    refuse_small_quota(4, 5)
    with pytest.raises(ValueError, match="larger than 5"):
        refuse_small_quota(5, 5)
