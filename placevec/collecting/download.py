"""Plans, downloads and counts photos. All services share this."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from placevec.collecting.client.client import Client
from placevec.collecting.client.errors import (
    QuotaReachedError,
    RefusedError,
    ServiceError,
    UnavailableError,
)
from placevec.collecting.ledger import Ledger
from placevec.config import CollectConfig
from placevec.counted import counted
from placevec.progress import Progress, no_progress
from placevec.whole_file import whole_file

_log = logging.getLogger(__name__)

MAX_PHOTO_BYTES = 30_000_000
_MOST_FAILURES_IN_A_ROW = 10

Row = dict[str, object]


@dataclass(frozen=True)
class Wanted:
    """A photo to collect.

    Args:
        name: str. File name in the folder.
        find: callable. Returns the photo's row and a function that returns its bytes.
    """

    name: str
    find: Callable[[], tuple[Row, Callable[[], bytes]]]


@dataclass(frozen=True)
class Plan:
    """The size and cost of a collection, known before its first photo.

    Args:
        photos: int. Photos still to fetch.
        present: int. Photos that already exist.
        requests: int. Requests for these photos, without retries.
        cost_usd: float. What the service charges for them.
        note: str. What was left out, and where to check the price.
    """

    photos: int
    present: int
    requests: int
    cost_usd: float
    note: str

    def __str__(self) -> str:
        return (
            f"{counted(self.photos, 'photo')} to fetch ({self.present} already exist): "
            f"{counted(self.requests, 'request')}, "
            f"{self.cost_usd:.2f} USD. {self.note}"
        )


@dataclass(frozen=True)
class Collected:
    """The result of a collection.

    Args:
        folder: Path. The folder; `folder:DIR` opens it.
        photos: int. Photos with a row in positions.csv.
        new: int. Number of them that this run fetched.
        failed: int. Photos that the service did not deliver.
        left: int. Photos that were still to fetch when the quota was used up.
        requests: int. Requests sent.
    """

    folder: Path
    photos: int
    new: int
    failed: int
    left: int
    requests: int

    def __str__(self) -> str:
        line = f"{counted(self.photos, 'photo')} in {self.folder}, {self.new} of them new, with "
        line += counted(self.requests, "request")
        if self.failed:
            line += f"; {self.failed} could not be fetched"
        if self.left:
            line += f"; {self.left} are left, as the quota is used up: run the same command again"
        return line


@dataclass(frozen=True)
class Search:
    """How to find photos, and what they cost.

    Args:
        lookups: int. Requests that `find` sends, without retries.
        find: callable. Returns the photos to collect, and a note for the plan.
        requests_per_row: int. Requests to get the row of a photo. Defaults to `0`.
        price_usd_per_1000: float. What the service charges for 1000 photos. Defaults to `0.0`.
    """

    lookups: int
    find: Callable[[], tuple[list[Wanted], str]]
    requests_per_row: int = 0
    price_usd_per_1000: float = 0.0


def collect(
    settings: CollectConfig,
    client: Client,
    search: Search,
    progress: Progress = no_progress,
) -> Plan | Collected:
    """Finds photos and fetches those that do not exist yet; a dry run only says what they cost.

    Args:
        settings: CollectConfig.
        client: Client. It must not be entered yet.
        search: Search.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Collected; with `dry_run`, the Plan, and nothing is written.

    Raises:
        ValueError: If the quota is too small, or there is no photo to collect.
        OSError: If the service does not answer, refuses the key, or delivers none of the photos.
    """
    refuse_small_quota(search.lookups, settings.max_requests)
    _log.info("starting with %s, free of charge", counted(search.lookups, "lookup"))
    ledger = Ledger(settings.out)
    with client, contextlib.nullcontext() if settings.dry_run else ledger:
        wanted, note = search.find()
        to_fetch = missing(wanted, ledger)
        bodies = sum(not ledger.holds(photo.name) for photo in to_fetch)
        plan = Plan(
            photos=len(to_fetch),
            present=len(wanted) - len(to_fetch),
            requests=bodies + search.requests_per_row * len(to_fetch),
            cost_usd=bodies * search.price_usd_per_1000 / 1000,
            note=note,
        )
        if settings.dry_run:
            return plan
        if not wanted:
            raise ValueError(
                f"The area must have photos that the settings do not leave out. Received: none. "
                f"{note}. Choose a larger area, or other dates"
            )
        _log.info("%s", plan)
        return download(to_fetch, client, ledger, progress)


def client_of(settings: CollectConfig, keys: Sequence[str]) -> Client:
    """Returns the client that the settings describe.

    Args:
        settings: CollectConfig.
        keys: sequence of str. Secrets that no text may contain.
    """
    return Client(
        keys,
        max_requests=settings.max_requests,
        requests_per_second=settings.requests_per_second,
        threads=settings.threads,
        retries=settings.retries,
        timeout_s=settings.timeout_s,
    )


def missing(wanted: Sequence[Wanted], ledger: Ledger) -> list[Wanted]:
    """Returns the wanted photos that do not exist yet, or have no row."""
    present = ledger.names
    return [photo for photo in wanted if photo.name not in present]


def download(
    wanted: Sequence[Wanted],
    client: Client,
    ledger: Ledger,
    progress: Progress = no_progress,
) -> Collected:
    """Fetches photos. It writes each photo completely and then its row.

    A photo that the service does not deliver is logged, counted and left out. The next run asks
    for it again.

    Args:
        wanted: sequence of Wanted. Photos that do not exist yet.
        client: Client.
        ledger: Ledger. It must be entered.
        progress: Progress. `tqdm` or a callable with the same arguments, to draw a bar.

    Returns:
        Collected.

    Raises:
        RefusedError: If the service refuses the key.
        ServiceError: If ten photos in a row fail, or if none can be fetched. A photo that the
            service answers about but does not deliver, such as a removed one, is not a failure.
    """
    start_s = time.monotonic()
    if len(wanted) > client.requests_left:
        _log.warning(
            "The quota of %s is too small for all photos: %d left",
            counted(client.max_requests, "request"),
            client.requests_left,
        )
    before = len(ledger.names)
    failed = in_a_row = 0
    is_used_up = False

    def take(photo: Wanted) -> ServiceError | None:
        try:
            _take(photo, ledger)
        except RefusedError:
            raise
        except ServiceError as error:
            return error
        return None

    try:
        with contextlib.closing(client.each(take, wanted, progress, "fetch")) as errors:
            for photo, error in zip(wanted, errors, strict=True):
                in_a_row = in_a_row + 1 if isinstance(error, UnavailableError) else 0
                if error:
                    failed, last_error = failed + 1, error
                    _log.warning("%s is left out: %s", photo.name, error)
                if in_a_row == _MOST_FAILURES_IN_A_ROW:
                    raise UnavailableError(
                        f"{counted(in_a_row, 'photo')} in a row failed; the last: {error}"
                    )
    except QuotaReachedError:
        is_used_up = True
    photos = len(ledger.names)
    if wanted and photos == before:
        quota = counted(client.max_requests, "request")
        why = f"the quota of {quota} is used up" if is_used_up else last_error
        raise ServiceError(f"None of {counted(len(wanted), 'photo')} could be fetched: {why}")
    _log.info("%s fetched in %.1f s", counted(photos - before, "photo"), time.monotonic() - start_s)
    left = len(missing(wanted, ledger)) - failed if is_used_up else 0
    return Collected(ledger.folder, photos, photos - before, failed, left, client.requests_sent)


def refuse_small_quota(lookups: int, max_requests: int) -> None:
    """Refuses an area whose lookups alone would use up the quota.

    Args:
        lookups: int. Requests before the first photo.
        max_requests: int. The quota.

    Raises:
        ValueError: If the quota does not exceed the lookups.
    """
    if lookups >= max_requests:
        raise ValueError(
            f"`max_requests` must be larger than {lookups}, the requests that only tell which "
            f"photos there are. Received: max_requests={max_requests}. Choose a smaller area, or "
            "a larger quota"
        )


def _take(photo: Wanted, ledger: Ledger) -> None:
    row, fetch = photo.find()
    if not ledger.holds(photo.name):
        body = fetch()
        with whole_file(ledger.path(photo.name)) as unfinished:
            unfinished.write_bytes(body)
    ledger.add(row)
