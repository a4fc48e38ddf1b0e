"""Processes photos ahead of time in threads, and returns the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], *, num_workers: int, ahead: int
) -> Iterator[Result]:
    """Yields `function(item)` for each item, in the order of the items.

    Args:
        function: callable. Runs in a thread. Its errors are raised here, in the order of items.
        items: iterable. What to work on.
        num_workers: int. Number of threads.
        ahead: int. Largest number of results that wait to be taken; it limits the memory.

    Yields:
        The results. They do not depend on the number of threads.

    Example:
    >>> list(read_ahead(abs, [-3, 1, -2], num_workers=2, ahead=2))
    [3, 1, 2]
    """
    pool = ThreadPoolExecutor(max_workers=num_workers, thread_name_prefix="read_ahead")
    waiting: deque = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
