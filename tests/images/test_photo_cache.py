from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from placevec.images import PhotoCache

BYTES = 6


def photo(value):
    return np.full((1, 2, 3), value, np.uint8)


def unread():
    raise AssertionError("the photo is read again")


def test_reads_each_photo_once():
    cache = PhotoCache(10 * BYTES)
    np.testing.assert_array_equal(cache.get("a", lambda: photo(1)), photo(1))
    np.testing.assert_array_equal(cache.get("a", unread), photo(1))
    assert (len(cache), cache.num_bytes) == (1, BYTES)


def test_gives_up_the_least_recently_used_photos():
    cache = PhotoCache(2 * BYTES)
    for key, value in (("a", 1), ("b", 2)):
        cache.get(key, lambda value=value: photo(value))
    cache.get("a", unread)
    cache.get("c", lambda: photo(3))  # in place of b
    cache.get("a", unread)
    cache.get("c", unread)
    np.testing.assert_array_equal(cache.get("b", lambda: photo(9)), photo(9))
    assert cache.num_bytes == 2 * BYTES


def test_keeps_no_photo_larger_than_its_bound():
    cache = PhotoCache(BYTES - 1)
    cache.get("a", lambda: photo(1))
    np.testing.assert_array_equal(cache.get("a", lambda: photo(2)), photo(2))
    assert (len(cache), cache.num_bytes) == (0, 0)


def test_what_is_done_to_a_photo_does_not_reach_the_next_user():
    cache = PhotoCache(BYTES)
    for _ in range(2):
        cache.get("a", lambda: photo(1))[:] = 7
    np.testing.assert_array_equal(cache.get("a", unread), photo(1))


def test_what_cannot_be_read_is_raised_each_time():
    cache = PhotoCache(BYTES)
    for _ in range(2):
        with pytest.raises(AssertionError, match="read again"):
            cache.get("a", unread)


def test_holds_its_bound_under_threads():
    cache = PhotoCache(5 * BYTES)
    keys = np.random.default_rng(0).integers(12, size=3000).tolist()

    def is_right(key):
        return (cache.get(key, lambda: photo(key)) == key).all()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(is_right, keys))
    assert cache.num_bytes == len(cache) * BYTES == 5 * BYTES


def test_refuses_a_negative_bound():
    with pytest.raises(ValueError, match="must not be negative. Received: max_bytes=-1"):
        PhotoCache(-1)
